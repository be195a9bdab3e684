"""List the SyncTargets of a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import click

from headwater.cli.failure import command_body
from headwater.cli.output import Column, output_option, print_objects
from headwater.cli.session import ConnectionFlags, Session, connection_options


def _age(timestamp: str | None) -> str:
    from headwater.machinery.duration import human_duration
    from headwater.machinery.timestamps import parse_time

    if not timestamp:
        return "<unknown>"
    return human_duration((datetime.now(UTC) - parse_time(timestamp)).total_seconds())


def _ready(target: Mapping[str, Any]) -> str:
    from headwater.machinery.conditions import status_of

    ready = status_of(target, "Ready") or "Unknown"
    spec = target.get("spec") or {}
    if spec.get("evictAfter"):
        return f"{ready},Draining"
    return f"{ready},Cordoned" if spec.get("unschedulable") else ready


def _resources(target: Mapping[str, Any]) -> str:
    entries = (target.get("status") or {}).get("syncedResources") or ()
    accepted = sum(entry.get("state") == "Accepted" for entry in entries)
    return f"{accepted}/{len(entries)}"


COLUMNS = (
    Column("NAME", lambda target: target["metadata"]["name"]),
    Column("READY", _ready),
    Column("RESOURCES", _resources),
    Column("HEARTBEAT", lambda target: _age((target.get("status") or {}).get("lastSyncerHeartbeatTime"))),
    Column("AGE", lambda target: _age(target["metadata"].get("creationTimestamp"))),
    Column("CELLS", lambda target: ",".join((target.get("spec") or {}).get("cells") or ()) or "<none>", wide=True),
    Column(
        "LABELS",
        lambda target: ",".join(
            f"{key}={value}" for key, value in sorted((target["metadata"].get("labels") or {}).items())
        ),
        wide=True,
    ),
)


@click.command("list", help="List the pclusters of a workspace.")
@output_option
@connection_options
@command_body
async def list_targets(connection: ConnectionFlags, output: str | None) -> None:
    """Print SyncTargets with readiness, accepted resources and last heartbeat."""
    from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS

    async with Session.open(connection) as session:
        targets, _ = await session.client.resource(SYNC_TARGETS).list_all()
    print_objects(targets, COLUMNS, output, "synctargets.sync.kcp.io")
