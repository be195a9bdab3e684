"""Drain SyncTargets: say what would move, start it, and wait until it is done."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.amounts import age
from headwater.cli.completing import sync_targets
from headwater.cli.failure import CommandFailed, command_body
from headwater.cli.output import progress
from headwater.cli.session import ConnectionFlags, Session, connection_options
from headwater.cli.synctarget.choosing import (
    Choice,
    DryRunCommand,
    change_spec,
    dry_run_option,
    for_each,
    selection_options,
)
from headwater.cli.waiting import Seconds

if TYPE_CHECKING:
    from headwater.machinery.objects import Object

_POLL_SECONDS = 1.0


@click.command(
    cls=DryRunCommand,
    help="Cordon pclusters and move their workloads to others, each only when it is ready there. "
    "With --dry-run show what would move where instead.",
)
@click.argument("names", metavar="SYNC-TARGET...", nargs=-1, shell_complete=sync_targets)
@click.option("--wait", is_flag=True, help="Wait until nothing is left there; says what still is.")
@click.option("--timeout", type=Seconds(), default="0s", show_default=True, help="How long to wait; 0 for ever.")
@selection_options
@dry_run_option
@connection_options
@command_body
async def drain(
    connection: ConnectionFlags,
    choice: Choice,
    dry_run: str,
    wait: bool,
    timeout: float,  # noqa: ASYNC109 - a flag of the command, under kubectl's name
) -> None:
    """Set `spec.unschedulable` and `spec.evictAfter` to now."""
    from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
    from headwater.machinery.timestamps import format_time

    def change(spec: dict[str, Any]) -> dict[str, Any] | None:
        if spec.get("unschedulable") and _due(spec.get("evictAfter")):
            return None
        return {"unschedulable": True, "evictAfter": format_time(datetime.now(UTC))}

    async with Session.open(connection) as session:
        targets = session.client.resource(SYNC_TARGETS)
        names = await choice.resolve(targets)

        async def start(name: str) -> None:
            changed = await change_spec(targets, name, change, dry_run=dry_run)
            if dry_run == "none":
                click.echo(f"{name} draining" if changed else f"{name} already draining")

        await for_each(names, start)
        if dry_run != "none":
            await _show_plan(session, names)
        elif wait and names:
            await _wait(session, names, timeout)


def _due(evict_after: str | None) -> bool:
    """Whether a drain has begun; one that is set for later is brought forward."""
    from headwater.machinery.timestamps import parse_time

    return bool(evict_after) and parse_time(str(evict_after)) <= datetime.now(UTC)


async def _show_plan(session: Session, names: list[str]) -> None:
    from headwater.cli.plan.live import ask
    from headwater.cli.plan.view import print_plan

    print_plan(await ask(session, {"drain": names}), None)


async def _wait(session: Session, names: list[str], seconds: float) -> None:
    """Wait for all of them at once, and say what is still there whenever it changes."""
    import asyncio

    from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
    from headwater.cli.synctarget.remains import Remains, remains

    targets = session.client.resource(SYNC_TARGETS)
    left: dict[str, Remains | None] = dict.fromkeys(names)
    deadline = time.monotonic() + seconds if seconds else None
    while left:
        for name, before in list(left.items()):
            target = await targets.get(name)
            if not (target.get("spec") or {}).get("evictAfter"):
                raise CommandFailed(f"{name} is not draining any more: somebody has uncordoned it")
            now = await remains(session.cluster_client, target)
            if now.nothing:
                click.echo(f"{name} drained")
                del left[name]
                continue
            if now != before:
                progress(f"{name}: {now} still there{_silence(target)}")
            left[name] = now
        if left and deadline is not None and time.monotonic() > deadline:
            rest = ", ".join(f"{name} ({each})" for name, each in left.items())
            raise CommandFailed(
                f"drain did not complete within {seconds:g}s, and goes on: {rest}. "
                "`headwater explain` says for each workload what it waits for."
            )
        if left:
            await asyncio.sleep(_POLL_SECONDS)


def _silence(target: Object) -> str:
    """A remark on a pcluster that can't take part in its own drain."""
    from headwater.machinery.conditions import is_true

    if is_true(target, "Ready"):
        return ""
    heartbeat = (target.get("status") or {}).get("lastSyncerHeartbeatTime")
    return f"; its syncer is not ready (last heard of {age(heartbeat)} ago), so nothing can be removed there"
