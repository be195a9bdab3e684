"""Fetches what the table of a workspace is made of."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from headwater.apis.workload.intent import deletion_marks
from headwater.cli.placements.rows import View
from headwater.cli.placements.targets import is_unreachable
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, controller_of, name, namespace
from headwater.machinery.objects import annotations as annotations_of
from headwater.machinery.timestamps import format_time

if TYPE_CHECKING:
    from headwater.cli.session import Session
    from headwater.client.discovery import Discovery

NAMESPACES = GroupVersionResource("", "v1", "namespaces")
_WORKLOADS = (
    ("apps", "deployments"),
    ("apps", "statefulsets"),
    ("apps", "daemonsets"),
    ("apps", "replicasets"),
    ("batch", "jobs"),
)
_MAX_EXPLAINED = 100
_AT_ONCE = 8
_OVERDUE = timedelta(seconds=5)

Subject = tuple[GroupVersionResource, Object]


def workload_resources(discovery: Discovery) -> list[GroupVersionResource]:
    """The resources of workloads that the workspace serves."""
    served = {(each.gvr.group, each.gvr.resource): each for each in discovery.preferred() if each.supports("list")}
    return [served[each].gvr for each in _WORKLOADS if each in served]


async def fetch(session: Session, discovery: Discovery, placements: list[Object]) -> View:
    """The view of these Placements, as it is now. What the caller may not list is left out."""
    resources = workload_resources(discovery)
    spaces, *found = await asyncio.gather(*(_listed(session, gvr) for gvr in (NAMESPACES, *resources)))
    subjects = [(gvr, each) for gvr, workloads in zip(resources, found, strict=True) for each in workloads]
    return View(
        placements,
        {name(each): each for each in spaces},
        {gvr.resource: workloads for gvr, workloads in zip(resources, found, strict=True)},
        await lost_pclusters(session, subjects),
    )


async def _listed(session: Session, gvr: GroupVersionResource) -> list[Object]:
    from headwater.machinery.errors import Forbidden, NotFound

    try:
        found, _ = await session.client.resource(gvr).list_all()
    except (Forbidden, NotFound):
        return []
    return found


async def lost_pclusters(
    session: Session, subjects: Iterable[Subject]
) -> Mapping[tuple[str, str, str], frozenset[str]]:
    """Names of the pclusters that can't be reached, of those workloads whose conditions speak of such.

    A condition speaks of one pcluster only, and of none that a workload leaves, so the explanation is asked for the
    others. At most a hundred workloads are asked about, and where the control plane does not explain the conditions
    have to do.
    """
    gate = asyncio.Semaphore(_AT_ONCE)
    since = format_time(datetime.now(UTC) - _OVERDUE)
    asked = [each for each in subjects if in_doubt(each[1], since) and controller_of(each[1]) is None][:_MAX_EXPLAINED]

    async def ask(gvr: GroupVersionResource, workload: Object) -> frozenset[str]:
        async with gate:
            return await _unreachable(session, gvr, workload)

    found = await asyncio.gather(*(ask(*each) for each in asked))
    return {
        (gvr.resource, namespace(workload), name(workload)): lost
        for (gvr, workload), lost in zip(asked, found, strict=True)
    }


def in_doubt(workload: Object, since: str) -> bool:
    """True when a condition speaks of a lost pcluster, or one that was told before that time to drop it has not."""
    return is_unreachable(workload) or any(mark < since for mark in deletion_marks(annotations_of(workload)).values())


async def _unreachable(session: Session, gvr: GroupVersionResource, workload: Object) -> frozenset[str]:
    from headwater.client.answers import UnexpectedAnswer
    from headwater.client.interface import TransportError
    from headwater.client.paths import collection_path, object_path
    from headwater.machinery.errors import StatusError

    path = object_path(collection_path("", gvr, namespace(workload)), name(workload), "explanation")
    try:
        explanation = await session.scheduling.get_json(path)
    except (StatusError, TransportError, UnexpectedAnswer):
        return frozenset()
    targets = (explanation.get("status") or {}).get("targets") or ()
    return frozenset(each["name"] for each in targets if each.get("reachable") is False)
