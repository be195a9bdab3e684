"""Cordon, uncordon and drain a SyncTarget."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from headwater.cli.failure import CommandFailed, command_body
from headwater.cli.session import ConnectionFlags, Session, connection_options


async def _change(
    connection: ConnectionFlags, name: str, spec_of: Callable[[dict[str, Any]], dict[str, Any] | None]
) -> bool:
    """Merge a change into the spec of a SyncTarget; False when there is none to make."""
    from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
    from headwater.machinery.errors import NotFound

    async with Session.open(connection) as session:
        targets = session.client.resource(SYNC_TARGETS)
        try:
            target = await targets.get(name)
        except NotFound as error:
            raise CommandFailed(f"failed to get SyncTarget {name}: {error}") from error
        change = spec_of(target.get("spec") or {})
        if change is None:
            return False
        await targets.patch(name, {"spec": change}, field_manager="headwater-cli")
        return True


@click.command(help="Keep new workloads off a pcluster; those that run there stay.")
@click.argument("name", metavar="SYNC-TARGET")
@connection_options
@command_body
async def cordon(connection: ConnectionFlags, name: str) -> None:
    """Set `spec.unschedulable`."""
    changed = await _change(
        connection, name, lambda spec: None if spec.get("unschedulable") else {"unschedulable": True}
    )
    click.echo(f"{name} cordoned" if changed else f"{name} already cordoned")


@click.command(help="Let workloads onto a pcluster again, and end its drain.")
@click.argument("name", metavar="SYNC-TARGET")
@connection_options
@command_body
async def uncordon(connection: ConnectionFlags, name: str) -> None:
    """Take back `spec.unschedulable` and `spec.evictAfter`."""

    def change(spec: dict[str, Any]) -> dict[str, Any] | None:
        if not spec.get("unschedulable") and not spec.get("evictAfter"):
            return None
        return {"unschedulable": False, "evictAfter": None}

    changed = await _change(connection, name, change)
    click.echo(f"{name} uncordoned" if changed else f"{name} already uncordoned")


@click.command(help="Cordon a pcluster and move its workloads to others, each only when it is ready there.")
@click.argument("name", metavar="SYNC-TARGET")
@connection_options
@command_body
async def drain(connection: ConnectionFlags, name: str) -> None:
    """Set `spec.unschedulable` and `spec.evictAfter` to now."""
    from headwater.machinery.timestamps import format_time

    def change(spec: dict[str, Any]) -> dict[str, Any] | None:
        if spec.get("unschedulable") and spec.get("evictAfter"):
            return None
        return {"unschedulable": True, "evictAfter": format_time(datetime.now(UTC))}

    changed = await _change(connection, name, change)
    click.echo(f"{name} draining" if changed else f"{name} already draining")
