"""From what a plan is asked for to changes of the world that scheduling knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from headwater.apis.placement.v1alpha1.location import LOCATION
from headwater.apis.placement.v1alpha1.placement import PLACEMENT
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGET
from headwater.apis.workload.labels import sync_target_key
from headwater.apiserver.authn.interface import UserInfo
from headwater.client.dynamic import ClusterClient
from headwater.machinery import fieldpath
from headwater.machinery.fieldpath import FieldError
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, name, nested
from headwater.machinery.quantity import is_quantity
from headwater.scheduling.candidates import required_of
from headwater.scheduling.changes import Change, Cordon, Drain, Fail, PutLocation, PutPolicy, PutTarget, RemoveTarget
from headwater.scheduling.model import Target
from headwater.scheduling.snapshot import location_from, policy_from, required_resources, target_from
from headwater.scheduling.world import World
from headwater.virtual.rights import Rights
from headwater.virtual.scheduling.applied import AsUser, Rehearsal
from headwater.virtual.scheduling.planned import ids_in
from headwater.virtual.scheduling.planspec import APPLICABLE, PlanSpec, invalid
from headwater.virtual.scheduling.selection import Surroundings

_ORDER: Final = (LOCATION, SYNC_TARGET, PLACEMENT)
_APPLY: Final = "spec.apply"


@dataclass(slots=True)
class Changes:
    """Changes in the order in which they happen, and (cluster, name) of the SyncTargets that the plan adds, by key."""

    found: list[Change] = field(default_factory=list)
    added: dict[str, tuple[str, str]] = field(default_factory=dict)


class ChangeMaker:
    """Looks up and rehearses what a plan names, as the caller. Raises StatusError that names the field."""

    def __init__(self, cluster_client: ClusterClient, as_user: AsUser, rights: Rights) -> None:
        self._rehearsal = Rehearsal(cluster_client, as_user)
        self._surroundings = Surroundings(cluster_client)
        self._rights = rights

    async def changes(self, user: UserInfo, cluster: str, spec: PlanSpec, world: World) -> Changes:
        """What is applied comes first, then cordons, drains, failures and removals."""
        made = Changes()
        rehearsed: list[tuple[str, Object]] = []
        for kind in _ORDER:
            for position, given in enumerate(spec.apply):
                if APPLICABLE[given["apiVersion"], given["kind"]] is not kind:
                    continue
                path = fieldpath.index(_APPLY, position)
                live = await self._rehearsal.live(cluster, kind, name(given))
                result = await self._rehearsal.apply(user, cluster, kind, given, live, path=path)
                if kind is SYNC_TARGET:
                    expected = live is None
                    target = _expected(result, given, cluster, world, path) if expected else target_from(result)
                    made.found.append(PutTarget(_untimed(target, world.target(target.key))))
                    made.added[target.key] = (target.cluster, target.name)
                elif kind is LOCATION:
                    made.found.append(PutLocation(_readable(location_from, result, path)))
                else:
                    rehearsed.append((path, result))
        made.found += await self._policies(cluster, rehearsed, world)
        made.found += _named(cluster, spec, world, made.added)
        return made

    async def _policies(self, cluster: str, placements: list[tuple[str, Object]], world: World) -> list[Change]:
        """Placements, with the workloads that each selects."""
        if not placements:
            return []
        bindings = await self._surroundings.bindings(cluster)
        resources = {GroupResource.parse(each.partition(" ")[0]) for each in ids_in(world, cluster)}
        inhabitants = await self._surroundings.inhabitants(cluster, bindings, resources)
        changes: list[Change] = []
        for path, placement in placements:
            workspace = nested(placement, "spec", "locationWorkspace", default="")
            chooses_in = await self._rights.resolve(workspace) if workspace else cluster
            if chooses_in is None:
                here = fieldpath.child(path, "spec", "locationWorkspace")
                raise invalid([fieldpath.not_found(here, workspace)])
            try:
                policy = policy_from(placement, required_resources(bindings), chooses_in)
                selected = inhabitants.selected_by(placement)
            except ValueError as error:
                raise invalid([fieldpath.invalid_value(fieldpath.child(path, "spec"), {}, str(error))]) from error
            known = frozenset(each for each in selected if world.workload(each) is not None)
            changes.append(PutPolicy(policy, known))
        return changes


def _readable(read: Any, obj: Object, path: str) -> Any:
    try:
        return read(obj)
    except ValueError as error:
        raise invalid([fieldpath.invalid_value(fieldpath.child(path, "spec"), {}, str(error))]) from error


def _named(cluster: str, spec: PlanSpec, world: World, added: Mapping[str, object]) -> list[Change]:
    """Changes of SyncTargets that are named, all of which must be there."""
    found: list[FieldError] = []
    for path, target, _ in spec.named:
        key = sync_target_key(cluster, target)
        if world.target(key) is None and key not in added:
            found.append(fieldpath.not_found(path, target))
    cells: dict[str, list[str]] = {cell: [] for cell in spec.fail_cells}
    for each in world.targets(cluster):
        for cell in each.cells:
            if cell in cells:
                cells[cell].append(each.key)
    for position, (cell, members) in enumerate(cells.items()):
        if not members:
            found.append(fieldpath.not_found(fieldpath.index("spec.fail.cells", position), cell))
    if found:
        raise invalid(found)
    failing = {sync_target_key(cluster, target) for target in spec.fail_targets}
    failing.update(key for members in cells.values() for key in members)
    return [
        *(Cordon(sync_target_key(cluster, target)) for target in spec.cordon),
        *(Drain(sync_target_key(cluster, target)) for target in spec.drain),
        *((Fail(frozenset(failing)),) if failing else ()),
        *(RemoveTarget(sync_target_key(cluster, target)) for target in spec.remove),
    ]


def _expected(result: Object, given: Object, cluster: str, world: World, path: str) -> Target:
    """A SyncTarget that is not there yet, as it will be once its syncer runs.

    It is ready, and accepts all that Placements that choose in its workspace need. Of a status that is given
    `allocatable` counts; without one the room is not limited.
    """
    allocatable = nested(given, "status", "allocatable", default=None)
    here = fieldpath.child(path, "status", "allocatable")
    if allocatable is not None and not _are_quantities(allocatable):
        raise invalid([fieldpath.type_invalid(here, allocatable, "must be resource names with quantities")])
    status = {} if allocatable is None else {"allocatable": allocatable}
    needed = [required_of(policy) for policy in world.policies() if policy.location_cluster == cluster]
    expected = target_from({**result, "status": status})
    return replace(expected, not_ready_since=None, not_ready_message="", accepted=frozenset().union(*needed))


def _untimed(target: Target, old: Target | None) -> Target:
    """A plan looks at the end: a new taint has been there for long by then, whatever tolerates it for a time."""
    known = old.taints if old is not None else ()
    taints = (taint if taint in known else replace(taint, time_added=None) for taint in target.taints)
    return replace(target, taints=tuple(taints))


def _are_quantities(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) and is_quantity(each) for each in value.values())
