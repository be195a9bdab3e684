"""Deletion of everything in a logical cluster, in an order in which each thing can still be cleaned up properly."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from headwater.apis.apis.v1alpha1.apiresourceschema import GROUP as APIS_GROUP
from headwater.apis.core.v1alpha1.logicalcluster import GROUP as CORE_GROUP
from headwater.apis.tenancy.v1alpha1.workspace import (
    CONDITION_CONTENT_DELETED,
    REASON_SOME_RESOURCES_REMAIN,
)
from headwater.client.discovery import ServedResource, discover
from headwater.client.dynamic import Client
from headwater.machinery import conditions
from headwater.machinery.errors import Forbidden, MethodNotAllowed, NotFound
from headwater.machinery.objects import Object

RBAC_GROUP: Final = "rbac.authorization.k8s.io"
_KEPT: Final = {(CORE_GROUP, "logicalclusters")}
_BINDINGS: Final = {(APIS_GROUP, "apibindings")}
_LAST: Final = {(RBAC_GROUP, "clusterroles"), (RBAC_GROUP, "clusterrolebindings")}


@dataclass(frozen=True, slots=True)
class Remaining:
    """What is still there: resource to number of objects."""

    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def describe(self) -> str:
        parts = [f"{resource} has {count} resource instances" for resource, count in sorted(self.counts.items())]
        return "Some resources are remaining: " + ", ".join(parts)


async def delete_content(client: Client) -> Remaining:
    """Delete one stage of the content and count what is left; call again until nothing is.

    First everything cluster-scoped (Namespaces take what is in them along), then APIBindings (which take bound objects
    along), then RBAC, because the owner should be able to look on.
    """
    resources = [
        each
        for each in (await discover(client)).preferred()
        if not each.namespaced
        and each.supports("list", "deletecollection")
        and (each.gvr.group, each.gvr.resource) not in _KEPT
    ]
    for stage in (_general, _bindings, _last):
        counts = Counter[str]()
        chosen = [each for each in resources if stage(each)]
        for resource, count in await asyncio.gather(*(_delete_all(client, each) for each in chosen)):
            counts[resource] += count
        left = Remaining({resource: count for resource, count in counts.items() if count})
        if left.total:
            return left
    return Remaining({})


def record(logical_cluster: Object, left: Remaining, now: datetime) -> None:
    """Set the condition that says how far the deletion is."""
    if left.total:
        conditions.mark_false(
            logical_cluster,
            CONDITION_CONTENT_DELETED,
            REASON_SOME_RESOURCES_REMAIN,
            conditions.INFO,
            left.describe(),
            now,
        )
    else:
        conditions.mark_true(logical_cluster, CONDITION_CONTENT_DELETED, now)


def _key(resource: ServedResource) -> tuple[str, str]:
    return resource.gvr.group, resource.gvr.resource


def _general(resource: ServedResource) -> bool:
    return _key(resource) not in _BINDINGS | _LAST


def _bindings(resource: ServedResource) -> bool:
    return _key(resource) in _BINDINGS


def _last(resource: ServedResource) -> bool:
    return _key(resource) in _LAST


async def _delete_all(client: Client, resource: ServedResource) -> tuple[str, int]:
    """Delete all objects of a resource; answers how many there are after that (finalizers may hold them)."""
    collection = client.resource(resource.gvr)
    name = str(resource.gvr.group_resource)
    try:
        items, _ = await collection.list_all(metadata_only=True)
        if items:
            await collection.delete_collection()
            items, _ = await collection.list_all(metadata_only=True)
    except (NotFound, MethodNotAllowed, Forbidden):
        return name, 0
    return name, len(items)
