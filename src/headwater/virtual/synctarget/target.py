"""Which sync target a request to the syncer virtual workspace is for, and whether the caller may act for it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from headwater.apis.sync.v1alpha1.synctarget import GROUP, SYNC_TARGETS, SYNC_VERB, VERSION
from headwater.apis.workload.labels import sync_target_key
from headwater.apiserver.authn.interface import UserInfo
from headwater.base.clock import Clock
from headwater.client.dynamic import ClusterClient
from headwater.machinery.errors import Forbidden, NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.logicalcluster import WILDCARD
from headwater.machinery.objects import Object, uid

_REVIEWS: Final = GroupVersionResource("authorization.k8s.io", "v1", "subjectaccessreviews")
_ALLOWED_SECONDS: Final = 5.0
_MAX_REMEMBERED: Final = 4096


@dataclass(frozen=True, slots=True)
class TargetRequest:
    """A parsed URL: `/<target cluster>/<target name>/<target uid>/clusters/<cluster>/<path>`."""

    cluster: str
    name: str
    uid: str
    request_cluster: str
    path: str

    @property
    def key(self) -> str:
        """Sync target key."""
        return sync_target_key(self.cluster, self.name)

    @property
    def wildcard(self) -> bool:
        """True for a request over all logical clusters."""
        return self.request_cluster == WILDCARD


def parse_target_request(rest: str) -> TargetRequest:
    """Split the path after `/services/syncer`. Clusters are given by name, never by path.

    Raises NotFound for anything else, as for a URL that nothing serves.
    """
    parts = rest.strip("/").split("/", 5)
    named = len(parts) >= 5 and parts[3] == "clusters" and all(parts[:5])
    if not named or parts[0] == WILDCARD or ":" in parts[0] or ":" in parts[4]:
        raise NotFound("the server could not find the requested resource")
    return TargetRequest(parts[0], parts[1], parts[2], parts[4], "/" + (parts[5] if len(parts) > 5 else ""))


class TargetGate:
    """Lets a caller through to a SyncTarget that exists, with the UID of the URL, if it may `sync` it.

    A caller that may not learns nothing about the target. An allowance is remembered for five seconds per caller
    and target; a refusal never is.
    """

    def __init__(self, cluster_client: ClusterClient, clock: Clock) -> None:
        self._cluster_client = cluster_client
        self._clock = clock
        self._allowed: OrderedDict[Hashable, float] = OrderedDict()

    async def enter(self, request: TargetRequest, user: UserInfo) -> Object:
        """The SyncTarget. Raises Forbidden or NotFound."""
        await self._authorize(request, user)
        client = self._cluster_client.cluster(request.cluster).resource(SYNC_TARGETS)
        target = await client.get(request.name)
        if uid(target) != request.uid:
            raise NotFound(f"SyncTarget {request.name!r} with UID {request.uid!r} does not exist")
        return target

    async def _authorize(self, request: TargetRequest, user: UserInfo) -> None:
        extra = tuple(sorted((key, tuple(values)) for key, values in user.extra.items()))
        known = (user.name, user.uid, user.groups, extra, request.cluster, request.name)
        now = self._clock.monotonic()
        if self._allowed.get(known, 0.0) > now:
            return
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": user.name,
                "groups": list(user.groups),
                "extra": {name: list(values) for name, values in user.extra.items()},
                "resourceAttributes": {
                    "verb": SYNC_VERB,
                    "group": GROUP,
                    "version": VERSION,
                    "resource": SYNC_TARGETS.resource,
                    "name": request.name,
                },
            },
        }
        try:
            answer = await self._cluster_client.cluster(request.cluster).resource(_REVIEWS).create(review)
        except NotFound:
            answer = {}
        if not (answer.get("status") or {}).get("allowed"):
            raise Forbidden(
                f'synctargets.{GROUP} "{request.name}" is forbidden: '
                f'User "{user.name}" cannot {SYNC_VERB} it: access denied'
            )
        self._allowed[known] = now + _ALLOWED_SECONDS
        while len(self._allowed) > _MAX_REMEMBERED:
            self._allowed.popitem(last=False)
