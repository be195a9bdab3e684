"""The plan commands: each turns its arguments into the spec of a Plan."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.completing import sync_targets
from headwater.cli.failure import CommandFailed, command_body
from headwater.cli.plan.manifests import APPLICABLE, applicable, read_objects
from headwater.cli.plan.view import FORMATS, print_plan, troubled
from headwater.cli.session import ConnectionFlags, Session, connection_options

if TYPE_CHECKING:
    from headwater.machinery.objects import Object

_TROUBLE = 2


@dataclass(frozen=True, slots=True)
class PlanFlags:
    """The flags that every plan command has."""

    connection: ConnectionFlags
    on: tuple[str, ...]
    output: str | None
    exit_code: bool


def plan_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --on, -o, --exit-code and the connection flags; the command gets them as `flags`."""

    @click.option(
        "--on",
        multiple=True,
        metavar="FILE",
        help="Plan on the objects of this file instead of the live state; - for stdin. May be repeated.",
    )
    @click.option("-o", "--output", type=click.Choice(FORMATS), default=None, help="Output format.")
    @click.option("--exit-code", is_flag=True, help="Exit with 2 when something would dip or would not fit.")
    @connection_options
    @functools.wraps(command)
    def with_flags(
        connection: ConnectionFlags, on: tuple[str, ...], output: str | None, exit_code: bool, **kwargs: Any
    ) -> Any:
        return command(flags=PlanFlags(connection, on, output, exit_code), **kwargs)

    return with_flags


async def _show(flags: PlanFlags, spec: dict[str, Any], world: Sequence[Object] | None = None) -> None:
    """Make the plan where the flags say, print it, set the exit code. `world` is what --on names, if read before."""
    if flags.on:
        from headwater.cli.plan.onfile import plan_on

        made = plan_on(read_objects(flags.on) if world is None else world, spec)
    else:
        from headwater.cli.plan.live import ask

        async with Session.open(flags.connection) as session:
            made = await ask(session, spec)
    print_plan(made, flags.output)
    if flags.exit_code and troubled(made):
        raise click.exceptions.Exit(_TROUBLE)


def _given(flags: PlanFlags, filenames: Sequence[str], *kinds: str) -> list[Object]:
    """The objects to apply. Raises CommandFailed for other kinds than these."""
    if "-" in flags.on and "-" in filenames:
        raise CommandFailed("standard input can't be both the state and what is applied to it")
    return applicable(read_objects(filenames), kinds)


def _named(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(names))


@click.command(help="Say what would move, and where to, if pclusters were drained.")
@click.argument("names", metavar="SYNC-TARGET...", nargs=-1, required=True, shell_complete=sync_targets)
@plan_options
@command_body
async def drain(flags: PlanFlags, names: tuple[str, ...]) -> None:
    """Plan `spec.evictAfter`."""
    await _show(flags, {"drain": _named(names)})


@click.command(help="Say what would change if pclusters took no new workloads.")
@click.argument("names", metavar="SYNC-TARGET...", nargs=-1, required=True, shell_complete=sync_targets)
@plan_options
@command_body
async def cordon(flags: PlanFlags, names: tuple[str, ...]) -> None:
    """Plan `spec.unschedulable`."""
    await _show(flags, {"cordon": _named(names)})


@click.command(help="Say what would move if SyncTargets were deleted.")
@click.argument("names", metavar="SYNC-TARGET...", nargs=-1, required=True, shell_complete=sync_targets)
@plan_options
@command_body
async def remove(flags: PlanFlags, names: tuple[str, ...]) -> None:
    """Plan the deletion of SyncTargets."""
    await _show(flags, {"remove": _named(names)})


@click.command(
    help="Say what the loss of pclusters would do. A name that is no SyncTarget but a cell stands for all in it."
)
@click.argument("names", metavar="[SYNC-TARGET|CELL]...", nargs=-1, shell_complete=sync_targets)
@click.option("--cell", "cells", multiple=True, help="All pclusters of this cell; may be repeated.")
@plan_options
@command_body
async def fail(flags: PlanFlags, names: tuple[str, ...], cells: tuple[str, ...]) -> None:
    """Plan the loss of pclusters, all at once and for longer than any grace."""
    if not names and not cells:
        raise CommandFailed("name the SyncTargets or cells that fail")
    world = read_objects(flags.on) if flags.on else None
    targets, more_cells = await _targets_and_cells(flags, _named(names), world) if names else ([], [])
    await _show(flags, {"fail": {"targets": targets, "cells": _named([*cells, *more_cells])}}, world)


@click.command(
    help="Say what would change with pclusters that are not there yet. A file says what they will be: a "
    "SyncTarget with its labels, cells and taints."
)
@click.argument("files", metavar="[FILE]...", nargs=-1)
@click.option(
    "-f", "--filename", "filenames", multiple=True, help="File with SyncTargets; - for stdin. May be repeated."
)
@plan_options
@command_body
async def add(flags: PlanFlags, files: tuple[str, ...], filenames: tuple[str, ...]) -> None:
    """Plan the addition of SyncTargets."""
    await _show(flags, {"apply": _given(flags, [*filenames, *files], "SyncTarget")})


@click.command(help="Say what applying Placements, SyncTargets and Locations would do.")
@click.option(
    "-f",
    "--filename",
    "filenames",
    multiple=True,
    required=True,
    help="File with the objects, or a folder of such; - for stdin. May be repeated.",
)
@plan_options
@command_body
async def apply(flags: PlanFlags, filenames: tuple[str, ...]) -> None:
    """Plan `kubectl apply -f`."""
    await _show(flags, {"apply": _given(flags, filenames, *APPLICABLE)})


async def _targets_and_cells(
    flags: PlanFlags, names: list[str], world: Sequence[Object] | None
) -> tuple[list[str], list[str]]:
    """Sort names into SyncTargets and cells. Raises CommandFailed for one that is neither."""
    known = await _sync_targets(flags.connection) if world is None else world
    known = [each for each in known if each["kind"] == "SyncTarget"]
    targets = {each["metadata"]["name"] for each in known}
    cells = {cell for each in known for cell in (each.get("spec") or {}).get("cells") or ()}
    for name in names:
        if name not in targets and name not in cells:
            there = (
                f"SyncTargets {', '.join(sorted(targets)) or '<none>'}; cells {', '.join(sorted(cells)) or '<none>'}"
            )
            raise CommandFailed(f"{name!r} is neither a SyncTarget nor a cell. There are: {there}")
    return [name for name in names if name in targets], [name for name in names if name not in targets]


async def _sync_targets(connection: ConnectionFlags) -> Sequence[Object]:
    from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS

    async with Session.open(connection) as session:
        found, _ = await session.client.resource(SYNC_TARGETS).list_all()
        return found
