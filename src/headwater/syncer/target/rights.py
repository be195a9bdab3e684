"""Asks the pcluster whether the syncer may do what it has to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from headwater.base.tasks import TaskGroup
from headwater.client.dynamic import Client
from headwater.machinery.errors import Forbidden, MethodNotAllowed, NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object

REVIEWS: Final = GroupVersionResource("authorization.k8s.io", "v1", "selfsubjectaccessreviews")
RULES_REVIEWS: Final = GroupVersionResource("authorization.k8s.io", "v1", "selfsubjectrulesreviews")
_LOOKED_INTO: Final = "default"
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


async def held_rules(client: Client) -> list[Object] | None:
    """The rules by which the pcluster lets us do things, on the whole of it or in the namespace ``default``.

    None where it can't tell them all, as with an authorizer behind a webhook, or doesn't tell us. Raises StatusError
    and TransportError.
    """
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview"}
    try:
        answer = await client.resource(RULES_REVIEWS).create({**review, "spec": {"namespace": _LOOKED_INTO}})
    except (Forbidden, NotFound, MethodNotAllowed):
        return None
    status = answer.get("status") or {}
    return None if status.get("incomplete") else list(status.get("resourceRules") or ())


async def _may(client: Client, gvr: GroupVersionResource, verb: str) -> bool:
    review: Object = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": verb, "group": gvr.group, "version": "*", "resource": gvr.resource}},
    }
    answer = await client.resource(REVIEWS).create(review)
    return (answer.get("status") or {}).get("allowed") is True
