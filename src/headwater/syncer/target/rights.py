"""Asks the pcluster whether the syncer may do what it has to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from headwater.base.tasks import TaskGroup
from headwater.client.dynamic import Client
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object

REVIEWS: Final = GroupVersionResource("authorization.k8s.io", "v1", "selfsubjectaccessreviews")
NEEDED_VERBS: Final = ("get", "list", "watch", "create", "patch", "delete")
_PARALLEL_REVIEWS: Final = 8


Rights = Mapping[GroupVersionResource, tuple[str, ...]]
"""The verbs that the syncer lacks on a resource, cluster-wide. A resource that was not asked about is missing."""


async def lacking_verbs(
    client: Client, resources: Iterable[GroupVersionResource], verbs: Sequence[str] = NEEDED_VERBS
) -> Rights:
    """Which of the verbs are missing on which resource. Raises StatusError and TransportError."""
    limit = asyncio.Semaphore(_PARALLEL_REVIEWS)
    lacking: dict[GroupVersionResource, tuple[str, ...]] = dict.fromkeys(resources, ())

    async def check(gvr: GroupVersionResource) -> None:
        async with limit:
            if not await _may(client, gvr, "*"):
                lacking[gvr] = tuple([verb for verb in verbs if not await _may(client, gvr, verb)])

    async with TaskGroup("access reviews") as group:
        for gvr in lacking:
            group.start(check(gvr), name=str(gvr))
    return lacking


async def _may(client: Client, gvr: GroupVersionResource, verb: str) -> bool:
    review: Object = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": verb, "group": gvr.group, "version": "*", "resource": gvr.resource}},
    }
    answer = await client.resource(REVIEWS).create(review)
    return (answer.get("status") or {}).get("allowed") is True
