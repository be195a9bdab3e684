"""Watches everything that can be placed, and keeps each object's targets as the engine and its namespace want them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import Final

from headwater.apis.workload.intent import deletion_marks, names_targets, target_keys
from headwater.apis.workload.labels import STATE_LABEL_PREFIX, sync_target_key
from headwater.client.informer import Informer
from headwater.controller.controller import Controller
from headwater.controller.events import EventRecorder, Notice
from headwater.controller.interface import Result
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, cluster_name, labels, name, namespace, object_key
from headwater.machinery.objects import annotations as annotations_of
from headwater.machinery.watch import DELETED
from headwater.reconcilers.fleet import BY_CLUSTER, Fleet, cluster_scoped_key, namespace_key
from headwater.reconcilers.scheduling.inventory import BUILTINS, Inventory
from headwater.reconcilers.scheduling.reachability import Lost, lost_from
from headwater.reconcilers.scheduling.resource.execution import Execution, Outcome
from headwater.reconcilers.scheduling.resource.moves import MoveLimiter, MoveLimits
from headwater.reconcilers.scheduling.summary.step_scheduled import Verdict
from headwater.reconcilers.scheduling.workloads import Workloads
from headwater.reconcilers.scheduling.worldfeed import WorldFeed
from headwater.scheduling.matching import placement_applies, same_effect
from headwater.scheduling.model import Target
from headwater.scheduling.snapshot import chosen_keys, target_from

CONTROLLER_NAME: Final = "placement-resource"
_WORKERS: Final = 8
_RETRY: Final = "waiting"
"""Key of the pass that tries all workloads again that wait for room."""
_RETRY_SECONDS: Final = 1.0
_DOUBT_SECONDS: Final = 5.0
"""After this long people are told that nothing can be decided: a Placement that was just made is read by then."""
_CONTENT: Final = "content-of:"
"""Prefix of the key of the pass that looks at all objects of a namespace."""
_CONTENT_SECONDS: Final = 0.05

OnVerdict = Callable[[GroupVersionResource, str], None]
"""Called with the resource and key of a workload of which something else was concluded than before."""


class ResourceController:
    """Adds and removes state labels and deletion marks, shares out replicas, and records what it did and why."""

    def __init__(
        self,
        fleet: Fleet,
        inventory: Inventory,
        workloads: Workloads,
        feed: WorldFeed,
        *,
        events: EventRecorder,
        limits: MoveLimits,
    ) -> None:
        self._fleet = fleet
        self._inventory = inventory
        self._feed = feed
        self._events = events
        limiter = MoveLimiter(limits, clock=fleet.clock)
        self._execution = Execution(fleet, inventory, workloads, feed, events=events, limiter=limiter)
        self._workloads = workloads
        self._gvrs: dict[str, GroupVersionResource] = {}
        self._waiting: set[str] = set()
        self._verdicts: dict[str, Verdict] = {}
        self._doubts: dict[str, datetime] = {}
        self._assigned: dict[str, frozenset[str]] = {}
        self.on_verdict: list[OnVerdict] = []
        self.controller = Controller(CONTROLLER_NAME, reconcile=self.reconcile, workers=_WORKERS, clock=fleet.clock)
        inventory.add_listener(self._on_resource)
        feed.on_room.append(self._try_waiting)
        fleet.namespaces.add_handler(self._on_namespace)
        fleet.placements.add_handler(self._on_placement)
        fleet.sync_targets.add_handler(self._on_sync_target)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._fleet.wait_synced()
        await self.controller.run()

    def verdict_of(self, gvr: GroupVersionResource, obj: Object) -> Verdict | None:
        """What was last concluded of a workload, for its condition Scheduled."""
        return self._verdicts.get(f"{gvr} {object_key(obj)}")

    def assigned_to(self, gvr: GroupVersionResource, obj: Object) -> Collection[str] | None:
        """Keys of the targets that an object should have and keep; None while that is not known."""
        if self._workloads.includes(gvr, obj):
            return self._assigned.get(f"{gvr} {object_key(obj)}")
        holder = self._fleet.namespaces.get(namespace_key(obj))
        if holder is None:
            return None
        return target_keys(labels(holder)).keys() - deletion_marks(annotations_of(holder)).keys()

    def policy_changed(self, placement: Object) -> None:
        """Hear that the engine knows another version of a Placement than before."""
        for holder in self._fleet.namespaces.by_index(BY_CLUSTER, cluster_name(placement)):
            if placement_applies(placement, holder):
                self._enqueue_all(self._inventory.in_namespace(object_key(holder)))

    def _on_resource(self, gvr: GroupVersionResource, informer: Informer) -> None:
        self._gvrs[str(gvr)] = gvr

        def changed(_kind: str, old: Object | None, new: Object | None) -> None:
            if new is not None and (self._concerns_targets(new) or self._includes(gvr, new)):
                self._enqueue(gvr, object_key(new))
            self._on_targets(gvr, old, new)
            if new is None and old is not None:
                self._forget(f"{gvr} {object_key(old)}")

        informer.add_handler(changed)

    def _includes(self, gvr: GroupVersionResource, obj: Object) -> bool:
        return gvr not in BUILTINS and self._workloads.includes(gvr, obj)

    def _forget(self, key: str) -> None:
        self._verdicts.pop(key, None)
        self._doubts.pop(key, None)
        self._assigned.pop(key, None)
        self._waiting.discard(key)

    def _on_targets(self, gvr: GroupVersionResource, old: Object | None, new: Object | None) -> None:
        """What a workload needs follows it to a target that its namespace does not have, and away from any."""
        known, before, after = new or old, _targets(old), _targets(new)
        if known is None or before == after or not self._includes(gvr, known):
            return
        holder = self._fleet.namespaces.get(namespace_key(known))
        # Many workloads that move together are one look at the rest of their namespace, and at what is in none.
        if before - after or (after - before) - _targets(holder):
            self.controller.enqueue_after(_CONTENT + namespace_key(known), _CONTENT_SECONDS)
        if before - after:
            self.controller.enqueue_after(_CONTENT + cluster_scoped_key(cluster_name(known)), _CONTENT_SECONDS)

    def _concerns_targets(self, obj: Object) -> bool:
        """Most objects are in namespaces without targets: a look at both is all that their changes may cost.

        When the namespace gets its first target, all of its objects are looked at.
        """
        if names_targets(obj):
            return True
        if not namespace(obj):
            return any(map(chosen_keys, self._fleet.placements.by_index(BY_CLUSTER, cluster_name(obj))))
        holder = self._fleet.namespaces.get(namespace_key(obj))
        return holder is not None and names_targets(holder)

    def _on_namespace(self, _kind: str, old: Object | None, new: Object | None) -> None:
        if new is not None and _placing(old) != _placing(new):
            self._enqueue_all(self._inventory.in_namespace(object_key(new)))

    def _on_placement(self, _kind: str, old: Object | None, new: Object | None) -> None:
        if old is not None and new is not None and same_effect(old, new):
            return
        for each in (old, new):
            if each is not None:
                self.policy_changed(each)
                self._enqueue_all(self._inventory.in_namespace(cluster_scoped_key(cluster_name(each))))

    def _on_sync_target(self, kind: str, old: Object | None, new: Object | None) -> None:
        changed = new or old
        assert changed is not None, "an event has an object"
        key = sync_target_key(cluster_name(changed), name(changed))
        if old is not None and new is not None:
            self._tell_of_reachability(key, lost_from(old), lost_from(new))
        if kind == DELETED:
            self._enqueue_all(self._inventory.on_target(key))
        elif _standing(old) != _standing(new):
            for each in self._feed.world.targets(cluster_name(changed)):
                if each.key == key or each.not_ready_since is not None:
                    self._enqueue_all(self._inventory.on_target(each.key))

    def _tell_of_reachability(self, target: str, before: Lost | None, now: Lost | None) -> None:
        """Say on each workload of a target that its pcluster is not heard of any more, or is heard of again."""
        if (before is None) == (now is None):
            return
        for gvr, key in self._inventory.on_target(target):
            obj = self._inventory.informers()[gvr].get(key)
            if obj is None or not self._includes(gvr, obj):
                continue
            if now is not None:
                message = f"SyncTarget {now.name} was last heard of at {now.since}; what runs there is not known"
                self._events.record(Notice(obj, "TargetUnreachable", message, warning=True))
            elif before is not None:
                self._events.record(Notice(obj, "TargetReachable", f"SyncTarget {before.name} is heard of again"))

    def _try_waiting(self) -> None:
        if self._waiting:
            self.controller.enqueue_after(_RETRY, _RETRY_SECONDS)

    def _enqueue_all(self, objects: Iterable[tuple[GroupVersionResource, str]]) -> None:
        for gvr, key in objects:
            self._enqueue(gvr, key)

    def _enqueue(self, gvr: GroupVersionResource, key: str) -> None:
        self.controller.enqueue(f"{gvr} {key}")

    async def reconcile(self, key: str) -> Result | None:
        """One object, named by `<resource> <informer key>`."""
        if key == _RETRY:
            for each in sorted(self._waiting):
                self.controller.enqueue(each)
            return None
        if key.startswith(_CONTENT):
            self._enqueue_all(self._inventory.in_namespace(key.removeprefix(_CONTENT)))
            return None
        resource_text, _, object_of = key.partition(" ")
        gvr = self._gvrs[resource_text]
        obj = self._inventory.informers()[gvr].get(object_of)
        if obj is None:
            return None
        outcome = await self._execution.bring(gvr, obj)
        self._note(gvr, key, obj, outcome)
        return Result(requeue_after_seconds=outcome.again_seconds) if outcome.again_seconds is not None else None

    def _note(self, gvr: GroupVersionResource, key: str, obj: Object, outcome: Outcome) -> None:
        """Remember what waits for room, and tell of conclusions that are not on the object yet."""
        if outcome.wants_room:
            self._waiting.add(key)
        else:
            self._waiting.discard(key)
        if outcome.assigned is not None and self._assigned.get(key) != outcome.assigned:
            self._assigned[key] = outcome.assigned
            self._tell(gvr, obj)
        now = outcome.verdict
        if now is None:
            return
        if self._verdicts.get(key) != now:
            self._verdicts[key] = now
            self._doubts.pop(key, None)
            if now[0] == "False":
                self._tell_of_failure(obj, now)
            elif now[0] == "Unknown":
                self._doubts[key] = self._fleet.clock.now() + timedelta(seconds=_DOUBT_SECONDS)
                self.controller.enqueue_after(key, _DOUBT_SECONDS)
            self._tell(gvr, obj)
        elif key in self._doubts and self._fleet.clock.now() >= self._doubts[key]:
            del self._doubts[key]
            self._tell_of_failure(obj, now)

    def _tell_of_failure(self, obj: Object, verdict: Verdict) -> None:
        _, reason, message = verdict
        self._events.record(Notice(obj, "FailedScheduling", f"{reason}: {message}", warning=True))

    def _tell(self, gvr: GroupVersionResource, obj: Object) -> None:
        for hear in self.on_verdict:
            hear(gvr, object_key(obj))


def _targets(obj: Object | None) -> frozenset[str]:
    return frozenset(target_keys(labels(obj))) if obj is not None else frozenset()


def _placing(namespace: Object | None) -> object:
    """What of a namespace bears on the objects in it."""
    if namespace is None:
        return None
    plain_labels = {key: value for key, value in labels(namespace).items() if not key.startswith(STATE_LABEL_PREFIX)}
    return target_keys(labels(namespace)), deletion_marks(annotations_of(namespace)), plain_labels


def _standing(sync_target: Object | None) -> Target | None:
    """What of a SyncTarget bears on what is placed there already."""
    return target_from(sync_target).without_load() if sync_target is not None else None
