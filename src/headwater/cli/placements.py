"""Show where the workloads of a workspace run, once or live."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from headwater.cli.failure import command_body
from headwater.cli.output import Column, output_option, print_objects
from headwater.cli.session import ConnectionFlags, Session, connection_options


def _condition(placement: Mapping[str, Any], kind: str, field: str) -> str:
    from headwater.machinery.conditions import get_condition

    return str((get_condition(placement, kind) or {}).get(field, ""))


def _targets(placement: Mapping[str, Any]) -> str:
    decisions = (placement.get("status") or {}).get("decisions") or ()
    return ",".join(decision["syncTarget"] for decision in decisions) or "<none>"


COLUMNS = (
    Column("NAME", lambda placement: placement["metadata"]["name"]),
    Column("PHASE", lambda placement: (placement.get("status") or {}).get("phase", "Pending")),
    Column("SCHEDULED", lambda placement: _condition(placement, "Scheduled", "status") or "Unknown"),
    Column("TARGETS", _targets),
    Column(
        "WHY",
        lambda placement: _condition(placement, "Ready", "message") or _condition(placement, "Scheduled", "message"),
    ),
    Column(
        "LOCATION-WORKSPACE",
        lambda placement: (placement.get("spec") or {}).get("locationWorkspace") or "<own>",
        wide=True,
    ),
)


@click.command(help="Show where the workloads of a workspace run.")
@click.option("-w", "--watch", is_flag=True, help="Go on printing changes.")
@output_option
@connection_options
@command_body
async def placements(connection: ConnectionFlags, output: str | None, watch: bool) -> None:
    """Print Placements with their targets, or the reason for which they have none."""
    from headwater.apis.placement.v1alpha1.placement import PLACEMENTS

    async with Session.open(connection) as session:
        resource = session.client.resource(PLACEMENTS)
        found, version = await resource.list_all()
        print_objects(found, COLUMNS, output, "placements.placement.kcp.io")
        if not watch:
            return
        async with resource.watch(resource_version=version, allow_bookmarks=False) as changes:
            async for _, placement in changes:
                click.echo("   ".join(column.value(placement) for column in COLUMNS))
