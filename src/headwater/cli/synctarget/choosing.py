"""Which SyncTargets a command is about, by name or by label, and the change that it makes to each."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.failure import CommandFailed, describe

if TYPE_CHECKING:
    from headwater.client.resource import ResourceClient

FIELD_MANAGER = "headwater-cli"
_ATTEMPTS = 10

SpecChange = Callable[[dict[str, Any]], dict[str, Any] | None]
"""From the spec of a SyncTarget to a merge patch of it; None when there is nothing to change."""


@dataclass(frozen=True, slots=True)
class Choice:
    """SyncTargets by name, by label selector, or all of them."""

    names: tuple[str, ...]
    selector: str = ""
    everything: bool = False

    async def resolve(self, targets: ResourceClient) -> list[str]:
        """The names. Raises CommandFailed when nothing, or too much, is asked for."""
        ways = bool(self.names) + bool(self.selector) + self.everything
        if ways > 1:
            raise CommandFailed("name SyncTargets, or select them with one of --selector and --all")
        if not ways:
            raise CommandFailed("at least one SyncTarget is required; name it, or use --selector or --all")
        if self.names:
            return list(dict.fromkeys(self.names))
        found, _ = await targets.list_all(label_selector=self.selector)
        if not found:
            click.echo("No resources found", err=True)
        return [each["metadata"]["name"] for each in found]


class DryRunCommand(click.Command):
    """Takes a bare --dry-run for --dry-run=client, so that what follows it stays a name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Complete the bare flag."""
        return super().parse_args(ctx, ["--dry-run=client" if each == "--dry-run" else each for each in args])


def dry_run_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add kubectl's --dry-run; the command gets `dry_run`: none, client or server."""
    return click.option(
        "--dry-run",
        type=click.Choice(["none", "client", "server"]),
        default="none",
        help="Change nothing: `client` says what would be done, `server` also asks the server whether it may.",
    )(command)


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add -l and --all beside the names (parameter `names`); the command gets all three as `choice`."""

    @click.option("-l", "--selector", default="", help="SyncTargets by label selector instead of by name.")
    @click.option("--all", "everything", is_flag=True, help="All SyncTargets of the workspace.")
    @functools.wraps(command)
    def with_choice(names: tuple[str, ...], selector: str, everything: bool, **kwargs: Any) -> Any:
        return command(choice=Choice(names, selector, everything), **kwargs)

    return with_choice


async def change_spec(targets: ResourceClient, name: str, change_of: SpecChange, *, dry_run: str = "none") -> bool:
    """Merge a change into the spec of a SyncTarget; False when there is none to make.

    The change is worked out again when somebody else writes at the same time, so that neither is lost.
    """
    from headwater.machinery.errors import Conflict, NotFound

    for attempt in range(_ATTEMPTS):
        try:
            target = await targets.get(name)
        except NotFound as error:
            raise CommandFailed(f"failed to get SyncTarget {name}: {error}") from error
        change = change_of(target.get("spec") or {})
        if change is None:
            return False
        if dry_run == "client":
            return True
        patch = {"metadata": {"resourceVersion": target["metadata"]["resourceVersion"]}, "spec": change}
        try:
            await targets.patch(name, patch, field_manager=FIELD_MANAGER, dry_run=dry_run == "server")
            return True
        except Conflict:
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("the last attempt returns or raises")


async def for_each(names: Sequence[str], action: Callable[[str], Awaitable[None]]) -> None:
    """Do the same for each SyncTarget. One that fails does not keep the others from their turn; the exit code tells."""
    from headwater.machinery.errors import StatusError

    failed = False
    for name in names:
        try:
            await action(name)
        except (CommandFailed, StatusError) as error:
            click.echo(f"Error: {describe(error)}", err=True)
            failed = True
    if failed:
        raise click.exceptions.Exit(1)


def done(what: str, dry_run: str) -> str:
    """What was done, and whether it really was."""
    return what + {"none": "", "client": " (dry run)", "server": " (server dry run)"}[dry_run]
