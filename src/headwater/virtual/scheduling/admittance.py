"""Who may plan what, and what of the answer is theirs to see."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.apis.placement.v1alpha1.placement import PLACEMENTS
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.apis.workload.labels import sync_target_key
from headwater.apiserver.authn.interface import UserInfo
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import name
from headwater.virtual.rights import Rights, refusal
from headwater.virtual.scheduling.planspec import APPLICABLE, PlanSpec


@dataclass(frozen=True, slots=True)
class Scope:
    """What a caller sees of a plan in the logical cluster `cluster`.

    Owners of SyncTargets see everything that runs on them, wherever it comes from: `targets` are the keys of theirs,
    None for all of the logical cluster's. Authors of Placements see the workloads of the workspace (`own`).
    """

    cluster: str
    targets: frozenset[str] | None
    own: bool

    def sees_target(self, cluster: str, key: str) -> bool:
        """Whether a SyncTarget is the caller's."""
        return cluster == self.cluster and (self.targets is None or key in self.targets)


class Admittance:
    """Asks for each part of a plan whether the caller could do it."""

    def __init__(self, rights: Rights) -> None:
        self._rights = rights

    async def admit(self, user: UserInfo, workspace: str, spec: PlanSpec) -> Scope:
        """The scope of the plan. Raises Forbidden, in the same words whether things exist or not."""
        cluster = await self._rights.resolve(workspace)
        if cluster is None:
            raise _first_refusal(user, spec)
        updates_all = await self._rights.may(user, cluster, "update", SYNC_TARGETS)
        targets = await self._named(user, cluster, spec, updates_all=updates_all)
        if spec.fail_cells and not updates_all:
            raise refusal(user, "update", SYNC_TARGETS)
        for obj in spec.apply:
            await self._applies(user, cluster, _resource_of(obj["apiVersion"], obj["kind"]), name(obj))
        own = False
        for verb in ("create", "update"):
            own = own or await self._rights.may(user, cluster, verb, PLACEMENTS)
        own = own or any(obj["kind"] == "Placement" for obj in spec.apply)
        return Scope(cluster, None if updates_all else frozenset(targets), own)

    async def _named(self, user: UserInfo, cluster: str, spec: PlanSpec, *, updates_all: bool) -> set[str]:
        """Keys of the named SyncTargets, all of which the caller may change."""
        deletes_all = bool(spec.remove) and await self._rights.may(user, cluster, "delete", SYNC_TARGETS)
        all_of = {"update": updates_all, "delete": deletes_all}
        keys = set()
        for _, target, verb in spec.named:
            if not all_of[verb] and not await self._rights.may(user, cluster, verb, SYNC_TARGETS, target):
                raise refusal(user, verb, SYNC_TARGETS, target)
            keys.add(sync_target_key(cluster, target))
        return keys

    async def _applies(self, user: UserInfo, cluster: str, gvr: GroupVersionResource, object_name: str) -> None:
        """Who may neither create nor change an object is not told which of the two it would be."""
        if not await self._rights.may(user, cluster, "create", gvr) and not await self._rights.may(
            user, cluster, "update", gvr, object_name
        ):
            raise refusal(user, "update", gvr, object_name)


def _resource_of(api_version: str, kind: str) -> GroupVersionResource:
    return APPLICABLE[api_version, kind].gvr


def _first_refusal(user: UserInfo, spec: PlanSpec) -> Exception:
    if spec.named:
        _, target, verb = spec.named[0]
        return refusal(user, verb, SYNC_TARGETS, target)
    if spec.fail_cells:
        return refusal(user, "update", SYNC_TARGETS)
    first = spec.apply[0]
    return refusal(user, "update", _resource_of(first["apiVersion"], first["kind"]), name(first))
