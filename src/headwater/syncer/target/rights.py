"""Asks the pcluster whether the syncer may do what it has to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

from headwater.base.tasks import TaskGroup
from headwater.client.dynamic import Client
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object

REVIEWS: Final = GroupVersionResource("authorization.k8s.io", "v1", "selfsubjectaccessreviews")
NEEDED_VERBS: Final = ("get", "list", "watch", "create", "patch", "delete")
_PARALLEL_REVIEWS: Final = 8


async def denied(
    client: Client, resources: Iterable[GroupVersionResource], verbs: Sequence[str] = NEEDED_VERBS
) -> list[GroupVersionResource]:
    """Those resources on which a verb is missing, cluster-wide. Raises StatusError and TransportError."""
    limit = asyncio.Semaphore(_PARALLEL_REVIEWS)
    lacking: set[GroupVersionResource] = set()

    async def check(gvr: GroupVersionResource) -> None:
        async with limit:
            if await _may(client, gvr, "*"):
                return
            for verb in verbs:
                if not await _may(client, gvr, verb):
                    lacking.add(gvr)
                    return

    asked = list(resources)
    async with TaskGroup("access reviews") as group:
        for gvr in asked:
            group.start(check(gvr), name=str(gvr))
    return [gvr for gvr in asked if gvr in lacking]


async def _may(client: Client, gvr: GroupVersionResource, verb: str) -> bool:
    review: Object = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": verb, "group": gvr.group, "version": "*", "resource": gvr.resource}},
    }
    answer = await client.resource(REVIEWS).create(review)
    return (answer.get("status") or {}).get("allowed") is True
