"""Looks up what an explanation is made of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from headwater.apis.placement.v1alpha1.placement import CONDITION_READY, CONDITION_SCHEDULED, MAX_TARGETS, PLACEMENTS
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.apis.workload.compute import is_compute, not_compute_words
from headwater.apis.workload.intent import target_keys
from headwater.client.dynamic import ClusterClient
from headwater.machinery.conditions import get_condition
from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupResource, GroupVersionResource
from headwater.machinery.objects import Object, cluster_name, labels, name, namespace, nested, object_key
from headwater.scheduling.explain import Verdict, explain
from headwater.scheduling.workload import workload_id
from headwater.scheduling.world import World
from headwater.virtual.scheduling.explanation import IN_USE, Subject, document
from headwater.virtual.scheduling.selection import Surroundings
from headwater.virtual.scheduling.unseen import STATEFUL_SETS, unseen_pods

_PODS: Final = GroupVersionResource("", "v1", "pods")


class Explainer:
    """Explains one workload that the caller was allowed to read."""

    def __init__(self, cluster_client: ClusterClient, world: Callable[[], World]) -> None:
        self._cluster_client = cluster_client
        self._surroundings = Surroundings(cluster_client)
        self._world = world

    async def explain(self, gvr: GroupVersionResource, obj: Object, now: datetime) -> Object:
        """The Explanation. Raises NotFound for what is no workload, ServiceUnavailable while nothing is scheduled."""
        world, resource = self._world(), GroupResource(gvr.group, gvr.resource)
        known = workload_id(gvr.group, gvr.resource, object_key(obj))
        workload = world.workload(known)
        foreign = await self._not_compute(obj, resource) if workload is None else ""
        if workload is None and nested(obj, "spec", "template", default=None) is None:
            follows = f"{resource} are no workloads of their own: they follow their namespace and what uses them"
            raise NotFound(foreign or follows)
        if workload is None or not workload.policies:
            message = foreign or await self._unselected(obj, resource)
            return document(Subject(obj, resource, workload, {}), None, message)
        explanation = explain(world, known, now)
        had = target_keys(labels(obj))
        used = [each for each in explanation.verdicts if each.decision in IN_USE or each.target.key in had]
        unseen = await self._unseen(obj, resource, {verdict.target.key for verdict in used})
        return document(Subject(obj, resource, workload, await self._sync_targets(used), unseen), explanation, "")

    async def _unseen(self, obj: Object, resource: GroupResource, keys: Collection[str]) -> Mapping[str, Sequence[str]]:
        """Pods that are not shown, by sync target key: only a StatefulSet names its pods alike on several."""
        if resource != STATEFUL_SETS or len(keys) < 2:
            return {}
        pods = self._cluster_client.cluster(cluster_name(obj)).resource(_PODS, namespace(obj))
        marks = nested(obj, "spec", "selector", "matchLabels", default=None) or {}
        selector = ",".join(f"{label}={value}" for label, value in sorted(marks.items()))
        try:
            found, _ = await pods.list_all(label_selector=selector, metadata_only=True)
        except NotFound:
            return {}
        return unseen_pods(obj, keys, found)

    async def _sync_targets(self, verdicts: Iterable[Verdict]) -> dict[str, Object]:
        found: dict[str, Object] = {}
        for target in {verdict.target.key: verdict.target for verdict in verdicts}.values():
            if len(found) == MAX_TARGETS:
                break
            try:
                found[target.key] = (
                    await self._cluster_client.cluster(target.cluster).resource(SYNC_TARGETS).get(target.name)
                )
            except NotFound:
                continue
        return found

    async def _not_compute(self, obj: Object, resource: GroupResource) -> str:
        """That the object's API is bound from an export of which nothing is placed; "" if that is not so."""
        binding = await self._surroundings.serving(cluster_name(obj), resource)
        if binding is None or is_compute(binding):
            return ""
        reference = nested(binding, "spec", "reference", "export", default=None) or {}
        return not_compute_words(reference.get("path") or cluster_name(obj), str(reference.get("name")))

    async def _unselected(self, obj: Object, resource: GroupResource) -> str:
        try:
            selecting, count = await self._surroundings.would_select(obj, resource, cluster_name(obj))
        except NotFound:
            selecting, count = [], 0
        if selecting:
            return f"selected by Placement {name(selecting[0])}: {_trouble_of(selecting[0])}"
        if not count:
            return f"the workspace has no {PLACEMENTS.resource}: `headwater bind compute` makes one"
        return (
            "no Placement selects it: compare their namespaceSelector with the labels of its namespace, "
            "and their workloadSelector with its own"
        )


def _trouble_of(placement: Object) -> str:
    for kind in (CONDITION_READY, CONDITION_SCHEDULED):
        condition = get_condition(placement, kind) or {}
        if condition.get("status") == "False" and condition.get("message"):
            return str(condition["message"])
    return "it is not decided yet"
