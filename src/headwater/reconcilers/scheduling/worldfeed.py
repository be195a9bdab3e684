"""Keeps the engine's world in step with what the informers show, and with decisions that they don't show yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from headwater.client.informer import Informer
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, cluster_name, name, object_key, resource_version
from headwater.machinery.objects import uid as uid_of
from headwater.reconcilers.fleet import Fleet
from headwater.reconcilers.scheduling.inventory import BUILTINS, Inventory, plain
from headwater.reconcilers.scheduling.workloads import Workloads
from headwater.scheduling.assign import begin
from headwater.scheduling.model import Policy, Resources
from headwater.scheduling.recheck import recheck_at
from headwater.scheduling.snapshot import location_from, target_from
from headwater.scheduling.workload import Assignment, Workload, workload_id
from headwater.scheduling.world import World

Heard = Callable[[], None]
OnTarget = Callable[[str], None]
OnPolicy = Callable[[str], None]

_NO_VERSION: Final = 0


class WorldFeed:
    """Puts SyncTargets, Locations, Placements and workloads into the world as they change.

    Made before the controllers, so that the world is current when their handlers run. A workload that was just
    assigned keeps its assignment until the informer shows the write that says so: an older state of it must not give
    its room to somebody else. Neither must it what it leaves, which stays charged until the informer shows that it
    is gone.
    """

    def __init__(self, fleet: Fleet, inventory: Inventory, workloads: Workloads, world: World) -> None:
        self.world = world
        self._workloads = workloads
        self._fleet = fleet
        self._inventory = inventory
        self._written: dict[str, int] = {}
        self.on_room: list[Heard] = []
        """Called when there may be more room somewhere than before."""
        self.on_requested: list[OnTarget] = []
        """Called with the key of a target on which another sum is requested than before."""
        self.on_untried: list[OnPolicy] = []
        """Called with the uid of a Placement that has untried targets, when a workload of it runs elsewhere than
        before."""
        fleet.sync_targets.add_handler(self._on_target)
        fleet.locations.add_handler(self._on_location)
        fleet.placements.add_handler(self._on_placement)
        inventory.add_listener(self._on_resource)

    def put_policy(self, policy: Policy) -> bool:
        """Take a Placement into account; says whether it differs, for its workloads, from what was known of it."""
        before = self.world.policy(policy.uid)
        if before == policy:
            return False
        self.world.put_policy(policy)
        return before is None or replace(before, untried=policy.untried) != policy

    def put_workload(self, workload: Workload) -> None:
        """Take a workload into account as it is."""
        before = self.world.workload(workload.id)
        if before == workload:
            return
        self.world.put_workload(workload)
        self._tell(before, workload)

    def assume(self, identity: str, assignment: Assignment, answer: Object | None = None) -> None:
        """Take an assignment into account, from before it is written until the informer shows it."""
        before = self.world.workload(identity)
        begin(self.world, identity, assignment)
        self._tell(before, self.world.workload(identity))
        if answer is not None and resource_version(answer).isdecimal():
            self._written[identity] = int(resource_version(answer))

    def requested(self, key: str) -> Resources | None:
        """What is requested on a target; None before all workloads are known."""
        return self.world.requested(key) if self._inventory.all_synced else None

    def is_older(self, identity: str, obj: Object) -> bool:
        """Whether a state of a workload is older than our last write of it."""
        written = self._written.get(identity, _NO_VERSION)
        if not written:
            return False
        if int(resource_version(obj) or 0) < written:
            return True
        del self._written[identity]
        return False

    def seconds_to_recheck(self, identity: str, now: datetime) -> float | None:
        """When time alone may change where a workload belongs: a drain that begins, a grace that ends."""
        workload = self.world.workload(identity) if identity else None
        at = recheck_at(self.world, workload, now) if workload is not None else None
        return (at - now).total_seconds() if at is not None else None

    def _on_target(self, _kind: str, old: Object | None, new: Object | None) -> None:
        if new is None:
            assert old is not None, "an event has an object"
            self.world.drop_target(target_from(old).key)
            return
        target = target_from(new)
        if self.world.target(target.key) != target:
            self.world.put_target(target)
            self._room()

    def _on_location(self, _kind: str, old: Object | None, new: Object | None) -> None:
        changed = new or old
        assert changed is not None, "an event has an object"
        try:
            if new is not None:
                self.world.put_location(location_from(new))
                self._room()
                return
        except ValueError:
            pass  # Its own condition says that the selector can't be read.
        self.world.drop_location(cluster_name(changed), name(changed))

    def _on_placement(self, _kind: str, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None:
            self.world.drop_policy(uid_of(old))

    def _on_resource(self, gvr: GroupVersionResource, informer: Informer) -> None:
        if gvr in BUILTINS:
            return

        def changed(_kind: str, old: Object | None, new: Object | None) -> None:
            if new is not None and self._workloads.includes(gvr, new):
                self._observe(gvr, new)
            elif old is not None:
                self._forget(workload_id(*plain(gvr), object_key(old)))

        informer.add_handler(changed)

    def _observe(self, gvr: GroupVersionResource, obj: Object) -> None:
        identity = workload_id(*plain(gvr), object_key(obj))
        if self.is_older(identity, obj):
            return
        known = self.world.workload(identity)
        self.put_workload(self._workloads.read(gvr, obj, known.policies if known else ()))

    def _forget(self, identity: str) -> None:
        before = self.world.workload(identity)
        self._written.pop(identity, None)
        if before is not None:
            self.world.drop_workload(identity)
            self._tell(before, None)

    def _tell(self, before: Workload | None, after: Workload | None) -> None:
        was, now = _load(before), _load(after)
        self._tell_homes(before, after)
        if was == now:
            return
        changed = {key for key in was.keys() | now.keys() if was.get(key) != now.get(key)}
        for key in changed:
            for hear in self.on_requested:
                hear(key)
        if any(key in was for key in changed):
            self._room()

    def _tell_homes(self, before: Workload | None, after: Workload | None) -> None:
        for each in (before, after):
            for uid in each.policies if each is not None else ():
                policy = self.world.policy(uid)
                if policy is not None and policy.untried:
                    for hear in self.on_untried:
                        hear(uid)

    def _room(self) -> None:
        _call(self.on_room)


def _load(workload: Workload | None) -> dict[str, tuple[int, tuple[tuple[str, int], ...]]]:
    """What a workload takes of each of its targets, to compare."""
    if workload is None:
        return {}
    request = tuple(sorted(workload.request.items()))
    return {key: (replicas, request) for key, replicas in workload.charged.items()}


def _call(listeners: Iterable[Heard]) -> None:
    for hear in listeners:
        hear()
