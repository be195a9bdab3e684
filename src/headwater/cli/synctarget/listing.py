"""List the SyncTargets of a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import click

from headwater.cli.amounts import NONE, age, of_which
from headwater.cli.completing import sync_targets
from headwater.cli.failure import command_body
from headwater.cli.output import Column, output_option, print_objects
from headwater.cli.session import ConnectionFlags, Session, connection_options

_Target = Mapping[str, Any]


def _spec(target: _Target) -> Mapping[str, Any]:
    return target.get("spec") or {}


def _status(target: _Target) -> Mapping[str, Any]:
    return target.get("status") or {}


def _ready(target: _Target) -> str:
    from headwater.machinery.conditions import status_of

    return status_of(target, "Ready") or "Unknown"


def _unschedulable(target: _Target) -> str:
    from headwater.machinery.timestamps import parse_time

    evict_after = _spec(target).get("evictAfter")
    if evict_after:
        due = parse_time(evict_after) <= datetime.now(UTC)
        return "Draining" if due else f"Drains-{age(evict_after).replace(' ', '-')}"
    return "true" if _spec(target).get("unschedulable") else "false"


def taint_text(taint: Mapping[str, Any]) -> str:
    """A taint as one writes it: `key=value:Effect`."""
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint['key']}{value}:{taint['effect']}"


def _resources(target: _Target) -> str:
    entries = _status(target).get("syncedResources") or ()
    accepted = sum(entry.get("state") == "Accepted" for entry in entries)
    return f"{accepted}/{len(entries)}"


def _not_accepted(target: _Target) -> str:
    """What can't run there, each with its reason."""
    found = []
    for entry in _status(target).get("syncedResources") or ():
        if entry.get("state") != "Accepted":
            name = f"{entry['resource']}.{entry['group']}" if entry.get("group") else entry["resource"]
            why = ": ".join(part for part in (entry.get("state", "Pending"), entry.get("message", "")) if part)
            found.append(f"{name} ({why})")
    return "; ".join(found) or NONE


def _key(target: _Target) -> str:
    from headwater.apis.workload.labels import KEY_LABEL

    return (target["metadata"].get("labels") or {}).get(KEY_LABEL) or NONE


def _labels(target: _Target) -> str:
    from headwater.apis.workload.labels import KEY_LABEL

    labels = sorted((target["metadata"].get("labels") or {}).items())
    return ",".join(f"{key}={value}" for key, value in labels if key != KEY_LABEL) or NONE


def _of(resource: str, target: _Target) -> str:
    return of_which(resource, _status(target).get("requested"), _status(target).get("allocatable"))


COLUMNS = (
    Column("NAME", lambda target: target["metadata"]["name"]),
    Column("READY", _ready),
    Column("UNSCHEDULABLE", _unschedulable),
    Column("TAINTS", lambda target: ",".join(map(taint_text, _spec(target).get("taints") or ())) or NONE),
    Column("CELLS", lambda target: ",".join(_spec(target).get("cells") or ()) or NONE),
    Column("CPU-REQ/ALLOC", lambda target: _of("cpu", target)),
    Column("MEMORY-REQ/ALLOC", lambda target: _of("memory", target)),
    Column("RESOURCES", _resources),
    Column("HEARTBEAT", lambda target: age(_status(target).get("lastSyncerHeartbeatTime"))),
    Column("AGE", lambda target: age(target["metadata"].get("creationTimestamp"))),
    Column("KEY", _key, wide=True),
    Column("LABELS", _labels, wide=True),
    Column("NOT-ACCEPTED", _not_accepted, wide=True),
)


@click.command("list", help="List the pclusters of a workspace: who is ready, what keeps workloads off, what is free.")
@click.argument("names", metavar="[SYNC-TARGET]...", nargs=-1, shell_complete=sync_targets)
@click.option("-l", "--selector", default="", help="Only SyncTargets that this label selector matches.")
@output_option
@connection_options
@command_body
async def list_targets(connection: ConnectionFlags, names: tuple[str, ...], selector: str, output: str | None) -> None:
    """Print SyncTargets with readiness, marks, capacity and last heartbeat."""
    from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS

    async with Session.open(connection) as session:
        resource = session.client.resource(SYNC_TARGETS)
        if names and not selector:
            targets = [await resource.get(name) for name in dict.fromkeys(names)]
        else:
            targets, _ = await resource.list_all(label_selector=selector)
            targets = [each for each in targets if not names or each["metadata"]["name"] in names]
    print_objects(targets, COLUMNS, output, "synctargets.sync.kcp.io")
