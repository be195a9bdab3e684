"""Which workloads of a workspace a Placement selects, one that is there or one that only might be."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from headwater.apis.apis.v1alpha2.apibinding import API_BINDING
from headwater.apis.placement.v1alpha1.placement import PLACEMENTS
from headwater.apis.workload.compute import is_compute
from headwater.apis.workload.labels import UNSCHEDULED_NAMESPACES
from headwater.client.dynamic import ClusterClient
from headwater.machinery.gvk import GroupResource, GroupVersionResource
from headwater.machinery.labels import selector_from_label_selector
from headwater.machinery.objects import Object, labels, name, namespace, nested, object_key
from headwater.scheduling.workload import workload_id

_NAMESPACES: Final = GroupVersionResource("", "v1", "namespaces")
Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Inhabitants:
    """What a workspace has to place: labels of its Namespaces by name, and of its workloads by (id, namespace)."""

    namespaces: Mapping[str, Labels]
    workloads: Mapping[tuple[str, str], Labels]

    def selected_by(self, placement: Object) -> tuple[str, ...]:
        """Ids of the workloads that the Placement selects. Raises ValueError for a selector that can't be read."""
        spec = placement.get("spec") or {}
        spaces = selector_from_label_selector(spec.get("namespaceSelector") or {})
        chosen = {
            space
            for space, marks in self.namespaces.items()
            if space not in UNSCHEDULED_NAMESPACES and spaces.matches(marks)
        }
        wanted = spec.get("workloadSelector")
        selector = selector_from_label_selector(wanted) if wanted is not None else None
        return tuple(
            workload
            for (workload, space), marks in self.workloads.items()
            if space in chosen and (selector is None or selector.matches(marks))
        )


class Surroundings:
    """Reads what a workspace has, with the server's own rights."""

    def __init__(self, cluster_client: ClusterClient) -> None:
        self._cluster_client = cluster_client

    async def bindings(self, cluster: str) -> Sequence[Object]:
        """The APIBindings of compute exports."""
        return [each for each in await self._all_bindings(cluster) if is_compute(each)]

    async def serving(self, cluster: str, resource: GroupResource) -> Object | None:
        """The APIBinding that brings a resource into a workspace, of a compute export or not."""
        for binding in await self._all_bindings(cluster):
            for bound in nested(binding, "status", "boundResources", default=None) or ():
                if GroupResource(bound.get("group") or "", bound["resource"]) == resource:
                    return binding
        return None

    async def _all_bindings(self, cluster: str) -> Sequence[Object]:
        found, _ = await self._cluster_client.cluster(cluster).resource(API_BINDING.gvr).list_all()
        return found

    async def inhabitants(
        self, cluster: str, bindings: Sequence[Object], resources: Collection[GroupResource]
    ) -> Inhabitants:
        """Namespaces, and the objects of those of the resources that are bound. Only metadata is read."""
        client = self._cluster_client.cluster(cluster)
        spaces, _ = await client.resource(_NAMESPACES).list_all(metadata_only=True)
        workloads: dict[tuple[str, str], Labels] = {}
        for gvr in bound_resources(bindings):
            if (gvr.group, gvr.resource) not in resources:
                continue
            found, _ = await client.resource(gvr).list_all(metadata_only=True)
            for obj in found:
                workloads[workload_id(gvr.group, gvr.resource, object_key(obj)), namespace(obj)] = labels(obj)
        return Inhabitants({name(space): labels(space) for space in spaces}, workloads)

    async def would_select(self, obj: Object, resource: GroupResource, cluster: str) -> tuple[list[Object], int]:
        """The Placements of the workspace that select a workload, and how many Placements there are."""
        client = self._cluster_client.cluster(cluster)
        placements, _ = await client.resource(PLACEMENTS).list_all()
        space = await client.resource(_NAMESPACES).get(namespace(obj))
        key = (workload_id(resource.group, resource.resource, object_key(obj)), namespace(obj))
        alone = Inhabitants({name(space): labels(space)}, {key: labels(obj)})
        selecting = []
        for placement in placements:
            try:
                if alone.selected_by(placement):
                    selecting.append(placement)
            except ValueError:
                continue
        return selecting, len(placements)


def bound_resources(bindings: Sequence[Object]) -> list[GroupVersionResource]:
    """The bound resources, each at the version that it is stored in."""
    found = []
    for binding in bindings:
        for bound in nested(binding, "status", "boundResources", default=None) or ():
            versions = bound.get("storageVersions") or ()
            if versions:
                found.append(GroupVersionResource(bound.get("group", ""), versions[-1], bound["resource"]))
    return found
