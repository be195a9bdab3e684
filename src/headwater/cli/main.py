"""Entry point of `headwater`: a table of commands, each imported only when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence

import click

from headwater.base.version import VERSION

COMMANDS: Mapping[str, tuple[str, str]] = {
    "start": ("headwater.cli.start:start", "Run a control plane."),
    "syncer": ("headwater.cli.syncer:syncer", "Run the agent of one pcluster."),
    "sim": ("headwater.cli.sim:sim", "Run simulated pclusters."),
    "demo": ("headwater.cli.demo.command:demo", "See the whole line at work with simulated pclusters."),
    "sync-target": ("headwater.cli.synctarget.command:sync_target", "Register, list, cordon, taint, drain pclusters."),
    "bind": ("headwater.cli.binding.command:bind", "Bind APIs and places to run into a workspace."),
    "placements": ("headwater.cli.placements.command:placements", "Show where the workloads of a workspace run."),
    "explain": ("headwater.cli.explain.command:explain", "Say why a workload runs where it does, or why not."),
    "plan": ("headwater.cli.plan.command:plan", "Say what a drain, a failure or a change would do."),
    "workspace": ("headwater.cli.workspace.command:workspace", "Show, change and create workspaces (kubectl ws)."),
    "completion": ("headwater.cli.completion:completion", "Print a script that lets a shell complete."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported on use; help prints from the table alone."""

    def __init__(self, *, table: Mapping[str, tuple[str, str]], **attributes: object) -> None:
        super().__init__(**attributes)  # type: ignore[arg-type]  # click's own keyword arguments, passed through
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in self._table:
            return None
        module, _, attribute = self._table[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command), "the table names commands"
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in help, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_text) for name, (_, help_text) in self._table.items()])


class CommandBeside(LazyGroup):
    """A command of its own, with commands beside it: what follows the name of one is that one's alone."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the flags, unless they are those of a command beside."""
        if args and args[0] in self.list_commands(ctx):
            ctx.args = args
            return args
        rest = click.Command.parse_args(self, ctx, args)
        if rest and not ctx.resilient_parsing:
            ctx.fail(f"Got unexpected extra argument ({rest[0]})")
        return rest

    def invoke(self, ctx: click.Context) -> object:
        """Run the command, or the one beside it."""
        if not ctx.args:
            return click.Command.invoke(self, ctx)
        name, command, args = self.resolve_command(ctx, ctx.args)
        assert command is not None, "it is in the table"
        with command.make_context(name, args, parent=ctx) as inner:
            return command.invoke(inner)


cli = click.version_option(VERSION, prog_name="headwater")(
    LazyGroup(
        table=COMMANDS,
        name="headwater",
        help="Transparent multi-cluster for Kubernetes: one control plane, many clusters, no manifest that names one.",
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    cli(args=list(arguments) if arguments is not None else None, prog_name="headwater")
