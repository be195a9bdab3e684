"""Judges one object: from informers and the engine's world to what it should have of targets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from headwater.apis.workload.endings import has_ended
from headwater.apis.workload.intent import target_keys
from headwater.apis.workload.labels import UNSCHEDULED_NAMESPACES
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, cluster_name, labels, name, namespace, object_key, uid
from headwater.reconcilers.fleet import BY_CLUSTER, BY_NAMESPACE, Fleet, namespace_key
from headwater.reconcilers.scheduling.inventory import Inventory, plain
from headwater.reconcilers.scheduling.reachability import lost_targets
from headwater.reconcilers.scheduling.resource.references import backends, needed_by
from headwater.reconcilers.scheduling.resource.step_intent import Wanted
from headwater.reconcilers.scheduling.resource.wanted import (
    Scene,
    Subject,
    applying,
    selecting,
    wanted_of_cluster_scoped,
    wanted_of_rest,
    wanted_of_workload,
)
from headwater.reconcilers.scheduling.summary.step_scheduled import (
    Outcome,
    Verdict,
    outcome_of,
    scheduled,
    undecided,
)
from headwater.reconcilers.scheduling.workloads import Workloads
from headwater.reconcilers.scheduling.worldfeed import WorldFeed
from headwater.scheduling.assign import assign
from headwater.scheduling.filters import reject
from headwater.scheduling.home import choose_home
from headwater.scheduling.matching import awaited
from headwater.scheduling.snapshot import chosen_keys
from headwater.scheduling.workload import Assignment, workload_id
from headwater.scheduling.world import World

_SERVICES = ("", "services")
_INGRESSES = ("networking.k8s.io", "ingresses")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an object should have. `wanted` is None where nothing can be concluded; the rest is for workloads only."""

    wanted: Wanted | None
    identity: str = ""
    assignment: Assignment | None = None
    verdict: Verdict | None = None
    placements: tuple[Object, ...] = ()


def home_stands(world: World, uid: str, now: datetime) -> bool:
    """Whether a policy's own decision is the one it would make now.

    Where it is not, another one is on its way; a workload that did not wait for it would choose for itself and part
    from the others.
    """
    policy = world.policy(uid)
    assert policy is not None, "only known policies are asked for"
    in_use = [world.target(key) for key in policy.current]
    if (
        not policy.untried
        and len(in_use) >= policy.maximum
        and all(target is not None and reject(target, policy, now, in_use=True) is None for target in in_use)
    ):
        return True
    return tuple(pick.target.key for pick in choose_home(world, uid, now).picks) == policy.current


class Judge:
    """Puts a workload into the world as it is, and asks the engine; other objects follow namespace and workloads."""

    def __init__(self, fleet: Fleet, inventory: Inventory, workloads: Workloads, feed: WorldFeed) -> None:
        self._fleet = fleet
        self._inventory = inventory
        self._workloads = workloads
        self._feed = feed

    def judge(self, gvr: GroupVersionResource, obj: Object, now: datetime) -> Judgement:
        """The judgement of one object. Changes the world only by the workload as it is."""
        if not namespace(obj):
            return Judgement(self._cluster_scoped(obj) if self._inventory.placed(gvr) else None)
        holder = self._fleet.namespaces.get(namespace_key(obj))
        if holder is None or not self._inventory.placed(gvr):
            return Judgement(None)
        if name(holder) in UNSCHEDULED_NAMESPACES:
            return Judgement(Wanted(frozenset(), {}, lambda _key: True))
        scene = self._scene(holder, obj)
        if self._workloads.includes(gvr, obj):
            return self._workload(gvr, obj, scene, now)
        return Judgement(wanted_of_rest(scene, self._needed_on(gvr, obj, holder)))

    def _cluster_scoped(self, obj: Object) -> Wanted:
        cluster = cluster_name(obj)
        return wanted_of_cluster_scoped(
            self._fleet.placements.by_index(BY_CLUSTER, cluster),
            target_exists=self._fleet.target_exists,
            runs_on=partial(self._inventory.runs_in_cluster, cluster),
        )

    def _scene(self, holder: Object, obj: Object) -> Scene:
        placements = applying(self._fleet.placements.by_index(BY_CLUSTER, cluster_name(obj)), holder)
        runs_on = partial(self._inventory.runs_on, namespace_key(obj))
        return Scene(holder, placements, self._fleet.target_exists, lost_targets(self._fleet, obj), runs_on)

    def _workload(self, gvr: GroupVersionResource, obj: Object, scene: Scene, now: datetime) -> Judgement:
        world = self._feed.world
        identity = workload_id(*plain(gvr), object_key(obj))
        before = world.workload(identity)
        placements = selecting(obj, scene.placements, before.policies if before else ())
        policies = tuple(uid(each) for each in placements if self._knows(each))
        self._feed.put_workload(self._workloads.read(gvr, obj, policies))
        if len(policies) < len(placements):
            told = undecided([name(each) for each in placements]) if not has_ended(obj) else None
            return Judgement(None, identity, None, told, placements)
        if not self._inventory.all_synced or not all(home_stands(world, policy, now) for policy in policies):
            return Judgement(None, identity, None, None, placements)
        assignment = assign(world, identity, now)
        subject = Subject(obj, *plain(gvr), autoscaled=self._workloads.autoscaled(obj))
        wanted = wanted_of_workload(subject, scene, assignment)
        waiting = () if placements else self._awaited(scene, obj)
        if has_ended(obj):
            told = None
        else:
            told = undecided(waiting) if waiting else scheduled(self._outcome(assignment, placements))
        return Judgement(wanted, identity, assignment, told, placements)

    def _awaited(self, scene: Scene, obj: Object) -> list[str]:
        """Names of Placements that would select a workload, if they had found a Location."""
        found = [
            each
            for each in self._fleet.placements.by_index(BY_CLUSTER, cluster_name(obj))
            if awaited(each, scene.namespace)
        ]
        return sorted(name(each) for each in selecting(obj, found, ()))

    def _outcome(self, assignment: Assignment, placements: tuple[Object, ...]) -> Outcome:
        return outcome_of(assignment, [name(each) for each in placements], self._fleet.target_name)

    def _knows(self, placement: Object) -> bool:
        """Whether the engine knows the Placement with the targets that it has now."""
        policy = self._feed.world.policy(uid(placement))
        return policy is not None and policy.current == chosen_keys(placement)

    def _needed_on(self, gvr: GroupVersionResource, obj: Object, holder: Object) -> Iterable[str]:
        """Targets of workloads that need the object and run where the namespace does not."""
        space = namespace_key(obj)
        own = target_keys(labels(holder))
        workloads = [
            each for each in self._inventory.workloads_in(space) if not target_keys(labels(each)).keys() <= own.keys()
        ]
        if not workloads:
            return ()
        group, resource = plain(gvr)
        if (group, resource) == _INGRESSES:
            services = self._services(space, backends(obj))
            needing = [each for service in services for each in needed_by(service, *_SERVICES, workloads)]
        else:
            needing = list(needed_by(obj, group, resource, workloads))
        return {key for each in needing for key in target_keys(labels(each)) if key not in own}

    def _services(self, space: str, names: frozenset[str]) -> Iterable[Object]:
        for gvr, informer in self._inventory.informers().items():
            if plain(gvr) == _SERVICES:
                yield from (each for each in informer.by_index(BY_NAMESPACE, space) if name(each) in names)
