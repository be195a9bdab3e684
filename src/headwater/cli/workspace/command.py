"""The `kubectl ws` command: a bare argument is the workspace to go to."""

from __future__ import annotations

import click

from headwater.cli.main import LazyGroup

_HERE = "headwater.cli.workspace"


class WorkspaceGroup(LazyGroup):
    """Takes `kubectl ws <target>` for `kubectl ws use <target>`, and no argument for the home workspace."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `use` before anything that is no command."""
        if ctx.resilient_parsing and not args:
            return super().parse_args(ctx, args)  # a shell that completes asks what there is
        if not args:
            args = ["use", "~"]
        elif args[0] in ("-", ".", "..") or (args[0] not in self._table and not args[0].startswith("-")):
            args = ["use", *args]
        return super().parse_args(ctx, args)


workspace = WorkspaceGroup(
    table={
        "use": (f"{_HERE}.use:use", "Go to a workspace: a path, a child's name, .., - (the previous one) or ~ (home)."),
        "current": (f"{_HERE}.use:current", "Print the current workspace."),
        "tree": (f"{_HERE}.tree:tree", "Print the tree of workspaces below the current one."),
        "create": (f"{_HERE}.create:create", "Create a workspace below the current one."),
    },
    name="workspace",
    help="Show, change and create workspaces. `kubectl ws root:team` is short for `kubectl ws use root:team`.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
