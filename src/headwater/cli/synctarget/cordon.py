"""Cordon and uncordon SyncTargets."""

from __future__ import annotations

from typing import Any

import click

from headwater.cli.completing import sync_targets
from headwater.cli.failure import command_body
from headwater.cli.session import ConnectionFlags, Session, connection_options
from headwater.cli.synctarget.choosing import (
    Choice,
    DryRunCommand,
    SpecChange,
    change_spec,
    done,
    dry_run_option,
    for_each,
    selection_options,
)


async def _mark(connection: ConnectionFlags, choice: Choice, change: SpecChange, word: str, dry_run: str) -> None:
    from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS

    async with Session.open(connection) as session:
        targets = session.client.resource(SYNC_TARGETS)

        async def mark(name: str) -> None:
            changed = await change_spec(targets, name, change, dry_run=dry_run)
            click.echo(done(f"{name} {word}" if changed else f"{name} already {word}", dry_run))

        await for_each(await choice.resolve(targets), mark)


@click.command(cls=DryRunCommand, help="Keep new workloads off pclusters; those that run there stay.")
@click.argument("names", metavar="SYNC-TARGET...", nargs=-1, shell_complete=sync_targets)
@selection_options
@dry_run_option
@connection_options
@command_body
async def cordon(connection: ConnectionFlags, choice: Choice, dry_run: str) -> None:
    """Set `spec.unschedulable`."""

    def change(spec: dict[str, Any]) -> dict[str, Any] | None:
        return None if spec.get("unschedulable") else {"unschedulable": True}

    await _mark(connection, choice, change, "cordoned", dry_run)


@click.command(cls=DryRunCommand, help="Let workloads onto pclusters again, and end a drain.")
@click.argument("names", metavar="SYNC-TARGET...", nargs=-1, shell_complete=sync_targets)
@selection_options
@dry_run_option
@connection_options
@command_body
async def uncordon(connection: ConnectionFlags, choice: Choice, dry_run: str) -> None:
    """Take back `spec.unschedulable` and `spec.evictAfter`."""

    def change(spec: dict[str, Any]) -> dict[str, Any] | None:
        if not spec.get("unschedulable") and not spec.get("evictAfter"):
            return None
        return {"unschedulable": False, "evictAfter": None}

    await _mark(connection, choice, change, "uncordoned", dry_run)
