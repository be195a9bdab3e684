"""Which objects are workloads, and how the engine should see them: by their pods, or by a declared rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from headwater.apis.workload.autoscalers import AUTOSCALERS, autoscalers_of
from headwater.apis.workload.coordination import CoordinationRule
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, cluster_name
from headwater.reconcilers.fleet import BY_NAMESPACE, Fleet, namespace_key
from headwater.reconcilers.scheduling.coordination import rule_of
from headwater.reconcilers.scheduling.division.shares import Divisible, divisible, pointer
from headwater.reconcilers.scheduling.division.step_divide import spec_diffs
from headwater.reconcilers.scheduling.inventory import Inventory, plain, runs_pods
from headwater.scheduling.snapshot import workload_from
from headwater.scheduling.workload import Workload


class Workloads:
    """Reads objects as workloads, with the rules of their logical cluster's bindings."""

    def __init__(self, fleet: Fleet, inventory: Inventory) -> None:
        self._fleet = fleet
        self._inventory = inventory

    def includes(self, gvr: GroupVersionResource, obj: Object) -> bool:
        """True for what runs pods, and for what a declared rule divides."""
        if runs_pods(obj):
            return True
        rule = self.rule(gvr, obj)
        return rule is not None and bool(rule.replicas_path)

    def rule(self, gvr: GroupVersionResource, obj: Object) -> CoordinationRule | None:
        """The declared rule for an object's resource."""
        return rule_of(self._fleet, cluster_name(obj), gvr)

    def divisible(self, gvr: GroupVersionResource, obj: Object) -> Divisible | None:
        """How an object is divided, None for one that can't be."""
        return divisible(obj, *plain(gvr), self.rule(gvr, obj))

    def read(self, gvr: GroupVersionResource, obj: Object, policies: tuple[str, ...]) -> Workload:
        """The workload as it is placed now, selected by these policies."""
        group, resource = plain(gvr)
        workload = workload_from(obj, group, resource, policies)
        how = self.divisible(gvr, obj)
        if how is None:
            return replace(workload, divisible=False)
        if how.path == ("replicas",) or (group, resource) == ("batch", "jobs"):
            return workload
        size, given, path = how.size(obj), spec_diffs(obj), pointer(how.path)

        def shares(keys: Iterable[str]) -> dict[str, int]:
            return {key: given[key].ours.get(path, size) if key in given else size for key in keys}

        current, leaving = shares(workload.current), shares(workload.leaving)
        return replace(workload, replicas=size, current=current, leaving=leaving)

    def autoscaled(self, obj: Object) -> bool:
        """Whether an autoscaler of its namespace scales an object, so that pclusters decide about its replicas."""
        for gvr, informer in self._inventory.informers().items():
            if plain(gvr) == tuple(AUTOSCALERS):
                return bool(autoscalers_of(obj, informer.by_index(BY_NAMESPACE, namespace_key(obj))))
        return False
