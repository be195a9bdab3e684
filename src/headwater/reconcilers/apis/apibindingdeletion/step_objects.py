"""Deletes the objects of one bound resource, and says what is left of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from headwater.apis.apis.v1alpha2.apibinding import (
    CONDITION_RESOURCES_DELETED,
    REASON_FINALIZERS_REMAIN,
    REASON_RESOURCES_REMAIN,
)
from headwater.client.dynamic import Client
from headwater.machinery import conditions, objects
from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object


class Leftover(NamedTuple):
    """Objects of a resource that are still there, and how many of them each finalizer holds."""

    resource: str
    objects: int
    finalizers: Counter[str]


async def delete_objects(client: Client, bound: Object) -> list[Leftover]:
    """Delete all objects of an entry of ``status.boundResources``; answers what is left (nothing, or one entry)."""
    versions = bound.get("storageVersions") or ()
    gvr = GroupVersionResource(bound.get("group") or "", versions[-1] if versions else "v1", bound["resource"])
    collection = client.resource(gvr)
    try:
        items, _ = await collection.list_all(metadata_only=True)
        if not items:
            return []
        for namespace in sorted({objects.namespace(item) for item in items}):
            await client.resource(gvr, namespace).delete_collection()
        items, _ = await collection.list_all(metadata_only=True)
    except NotFound:
        return []  # not served any more, so there is nothing that could be deleted through the API
    held = Counter(finalizer for item in items for finalizer in objects.finalizers(item))
    return [Leftover(str(gvr.group_resource), len(items), held)] if items else []


def record(binding: Object, left: Sequence[Leftover], now: datetime) -> None:
    """Say what is still there; finalizers are the reason when there are any."""
    held = Counter[str]()
    for each in left:
        held.update(each.finalizers)
    if held:
        reason = REASON_FINALIZERS_REMAIN
        why = "Some content in the workspace has finalizers remaining: " + _listed(
            f"{finalizer} in {count} resource instances" for finalizer, count in sorted(held.items())
        )
    else:
        reason = REASON_RESOURCES_REMAIN
        why = "Some resources are remaining: " + _listed(
            f"{each.resource} has {each.objects} resource instances" for each in left
        )
    conditions.mark_false(binding, CONDITION_RESOURCES_DELETED, reason, conditions.ERROR, why, now)


def _listed(parts: Iterable[str]) -> str:
    return ", ".join(parts)
