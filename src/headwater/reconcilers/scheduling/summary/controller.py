"""Watches objects that targets run, and writes into their status what is the control plane's to say."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

from headwater.apis.workload.coordination import COORDINATION_ANNOTATION
from headwater.apis.workload.endings import has_ended
from headwater.apis.workload.intent import deletion_marks, target_keys
from headwater.apis.workload.labels import STATUS_DIFF_ANNOTATION_PREFIX, sync_target_key
from headwater.apis.workload.scheduled import SCHEDULED_RESOURCES, has_scheduled, with_scheduled, without_scheduled
from headwater.client.informer import Informer
from headwater.controller.commit import Committer
from headwater.controller.controller import Controller
from headwater.controller.interface import Result
from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, cluster_name, labels, name, object_key
from headwater.machinery.objects import annotations as annotations_of
from headwater.reconcilers.fleet import BY_CLUSTER, BY_NAMESPACE, Fleet, cluster_scoped_key, namespace_key
from headwater.reconcilers.scheduling.coordination import rule_in, rule_of
from headwater.reconcilers.scheduling.inventory import BUILTINS, Inventory, plain
from headwater.reconcilers.scheduling.reachability import Lost, lost_from, lost_targets
from headwater.reconcilers.scheduling.summary.rules import StatusField, declared_fields, known_fields
from headwater.reconcilers.scheduling.summary.step_aggregate import aggregate, unpromoted
from headwater.reconcilers.scheduling.summary.step_scheduled import Verdict, scheduled_entry

CONTROLLER_NAME: Final = "placement-status-summary"
_WORKERS: Final = 4

ScheduledOf = Callable[[GroupVersionResource, Object], Verdict | None]
"""What the condition Scheduled of an object should say, None to leave it as it is."""

WantedOf = Callable[[GroupVersionResource, Object], Collection[str] | None]
"""Keys of the targets that an object should have and keep, None when that is not known."""


class SummaryController:
    """Writes the status of objects with several targets, of which one target is left, or whose target is lost.

    With one target that is heard of the virtual workspace promotes its status. On objects with pods the controller
    keeps the condition Scheduled too, when it is told what to say.
    """

    def __init__(
        self,
        fleet: Fleet,
        inventory: Inventory,
        *,
        scheduled: ScheduledOf | None = None,
        wanted: WantedOf | None = None,
    ) -> None:
        self._fleet = fleet
        self._inventory = inventory
        self._scheduled = scheduled
        self._wanted = wanted or self._wanted_by_namespace
        self._gvrs: dict[str, GroupVersionResource] = {}
        self.controller = Controller(CONTROLLER_NAME, reconcile=self.reconcile, workers=_WORKERS, clock=fleet.clock)
        inventory.add_listener(self._on_resource)
        fleet.sync_targets.add_handler(self._on_sync_target)
        fleet.bindings.add_handler(self._on_binding)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._fleet.wait_synced()
        await self.controller.run()

    def look_again(self, gvr: GroupVersionResource, key: str) -> None:
        """Have one object, by its informer key, looked at: what is to be said of its scheduling has changed."""
        self.controller.enqueue(f"{gvr} {key}")

    def _on_resource(self, gvr: GroupVersionResource, informer: Informer) -> None:
        if gvr in BUILTINS or not self._inventory.placed(gvr):
            return
        self._gvrs[str(gvr)] = gvr

        def changed(_kind: str, _old: Object | None, new: Object | None) -> None:
            if new is not None and self._concerns(gvr, new):
                self.look_again(gvr, object_key(new))

        informer.add_handler(changed)

    def _concerns(self, gvr: GroupVersionResource, obj: Object) -> bool:
        if self._scheduled is not None and plain(gvr) in SCHEDULED_RESOURCES:
            return True
        return _reported(obj) and bool(self._fields(gvr, obj))

    def _on_sync_target(self, _kind: str, old: Object | None, new: Object | None) -> None:
        """A pcluster that is lost or back: everything that it runs is looked at, and nothing else."""
        if new is None or (lost_from(old) if old is not None else None) == lost_from(new):
            return
        for gvr, key in self._inventory.on_target(sync_target_key(cluster_name(new), name(new))):
            if str(gvr) in self._gvrs:
                self.look_again(gvr, key)

    def _on_binding(self, _kind: str, old: Object | None, new: Object | None) -> None:
        """Declared rules that changed concern all objects of the binding's resources."""
        if new is None or _rules(new) == (_rules(old) if old is not None else None):
            return
        for gvr in self._gvrs.values():
            if any(each is not None and rule_in(each, gvr) is not None for each in (old, new)):
                for key in self._in_cluster(gvr, cluster_name(new)):
                    self.look_again(gvr, key)

    def _in_cluster(self, gvr: GroupVersionResource, cluster: str) -> Iterable[str]:
        informer = self._inventory.informers()[gvr]
        yield from informer.index_keys(BY_NAMESPACE, cluster_scoped_key(cluster))
        for holder in self._fleet.namespaces.by_index(BY_CLUSTER, cluster):
            yield from informer.index_keys(BY_NAMESPACE, object_key(holder))

    async def reconcile(self, key: str) -> Result | None:
        """One object, named by `<resource> <informer key>`: first what was promoted, in the next pass the status."""
        resource_text, _, object_of = key.partition(" ")
        gvr = self._gvrs[resource_text]
        obj = self._inventory.informers()[gvr].get(object_of)
        if obj is None:
            return None
        committer = Committer.of(self._fleet.cluster_client, gvr)
        fields = self._fields(gvr, obj)
        lost = lost_targets(self._fleet, obj) if _can_be_unknown(fields) and not has_ended(obj) else {}
        apart = unpromoted(obj, lost) if fields else None
        try:
            if apart is not None:
                await committer.commit(obj, apart)
                return None
            status = self._status(gvr, obj, fields, lost)
            if status is not None and status != obj.get("status"):
                await committer.commit(obj, {**obj, "status": status})
        except NotFound:
            pass
        return None

    def _status(
        self, gvr: GroupVersionResource, obj: Object, fields: Sequence[StatusField], lost: dict[str, Lost]
    ) -> Object | None:
        # What has ended keeps its status when the targets that ran parts of it let go one after the other.
        summary = aggregate(obj, fields, self._wanted(gvr, obj), lost) if fields and not has_ended(obj) else None
        if not has_scheduled(obj):
            return summary
        if summary is None:
            summary = without_scheduled(obj.get("status"))
        verdict = self._scheduled(gvr, obj) if self._scheduled is not None else None
        status: Object | None = with_scheduled(obj, summary, scheduled_entry(obj, verdict, self._fleet.clock.now()))
        return status

    def _fields(self, gvr: GroupVersionResource, obj: Object) -> Sequence[StatusField]:
        """How the status of an object is summarised; empty when it is not."""
        known = known_fields(*plain(gvr))
        if known:
            return known
        rule = rule_of(self._fleet, cluster_name(obj), gvr)
        return declared_fields(rule) if rule is not None else ()

    def _wanted_by_namespace(self, _gvr: GroupVersionResource, obj: Object) -> Collection[str] | None:
        """Keys of the targets that the object's namespace has and keeps."""
        holder = self._fleet.namespaces.get(namespace_key(obj))
        if holder is None:
            return None
        return target_keys(labels(holder)).keys() - deletion_marks(annotations_of(holder)).keys()


def _reported(obj: Object) -> bool:
    return any(note.startswith(STATUS_DIFF_ANNOTATION_PREFIX) for note in annotations_of(obj))


def _rules(binding: Object) -> str | None:
    return annotations_of(binding).get(COORDINATION_ANNOTATION)


def _can_be_unknown(fields: Sequence[StatusField]) -> bool:
    """False for addresses, which stay when nobody is there to report them."""
    return any(field.good or field.combine == "worst" for field in fields)
