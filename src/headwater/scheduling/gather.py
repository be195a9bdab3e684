"""A world from API objects, as they stand in files: what `plan` and `explain` need when there is no control plane."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from headwater.apis.placement.v1alpha1.location import DEFAULT_LOCATION
from headwater.apis.placement.v1alpha1.location import GROUP as PLACEMENT_GROUP
from headwater.apis.sync.v1alpha1.synctarget import GROUP as SYNC_GROUP
from headwater.apis.workload.labels import UNSCHEDULED_NAMESPACES
from headwater.machinery.labels import EVERYTHING, selector_from_label_selector
from headwater.machinery.logicalcluster import PATH_ANNOTATION
from headwater.machinery.objects import (
    Object,
    cluster_name,
    controller_of,
    labels,
    name,
    namespace,
    nested,
    object_key,
)
from headwater.machinery.objects import annotations as annotations_of
from headwater.scheduling.model import Location, Policy, Target
from headwater.scheduling.pods import pod_template, workload_from
from headwater.scheduling.snapshot import location_from, policy_from, required_resources, target_from
from headwater.scheduling.workload import Workload
from headwater.scheduling.world import World

Read = TypeVar("Read")

NAME_LABEL: Final = "kubernetes.io/metadata.name"
"""Every namespace has its name as a label, whether its manifest says so or not."""


class Gathering:
    """API objects of several logical clusters, sorted by what they mean for scheduling.

    The annotation kcp.io/cluster says which logical cluster an object is from, and kcp.io/path by which path that is
    known; objects without them are all from one. Raises ValueError for an object that can't be read.
    """

    def __init__(self, objects: Iterable[Object]) -> None:
        self.objects = [each for obj in objects for each in _flat(obj)]
        self._paths = {
            path: cluster_name(obj) for obj in self.objects if (path := annotations_of(obj).get(PATH_ANNOTATION))
        }
        self._namespaces = {object_key(each): labels(each) for each in self._of("", "Namespace")}
        self._placements = [(each, self.policy(each)) for each in self._of(PLACEMENT_GROUP, "Placement")]
        self._placements.sort(key=lambda each: (each[1].order, each[1].uid))

    def _of(self, group: str, kind: str) -> list[Object]:
        return [each for each in self.objects if _group_kind(each) == (group, kind)]

    def policy(self, placement: Object) -> Policy:
        """A Placement; without a UID it is known by its logical cluster and name."""
        cluster = cluster_name(placement)
        path = nested(placement, "spec", "locationWorkspace", default="")
        bindings = [each for each in self._of("apis.kcp.io", "APIBinding") if cluster_name(each) == cluster]
        policy = _readable(placement, policy_from, required_resources(bindings), self._cluster_of(path, cluster))
        return policy if policy.uid else replace(policy, uid=object_key(placement))

    def _cluster_of(self, path: str, own: str) -> str:
        """The logical cluster that a path means; all objects are from one where none says anything else."""
        if not path:
            return own
        single = len({cluster_name(each) for each in self.objects}) == 1
        return self._paths.get(path, own if single else path)

    def targets(self) -> Iterator[Target]:
        """SyncTargets; one without status is expected to be ready and to accept everything."""
        required = frozenset().union(*(each for _, policy in self._placements for each in policy.required.values()))
        for obj in self._of(SYNC_GROUP, "SyncTarget"):
            target = _readable(obj, target_from)
            yield target if obj.get("status") else replace(target, not_ready_since=None, accepted=required)

    def locations(self) -> Iterator[Location]:
        """Locations, and the default one where a logical cluster has targets and no Location."""
        found = [_readable(obj, location_from) for obj in self._of(PLACEMENT_GROUP, "Location")]
        yield from found
        for cluster in sorted({each.cluster for each in self.targets()} - {each.cluster for each in found}):
            yield Location(cluster, DEFAULT_LOCATION, {}, EVERYTHING)

    def policies(self) -> Iterator[Policy]:
        """Placements, in the order in which they go."""
        return (policy for _, policy in self._placements)

    def workloads(self) -> Iterator[Workload]:
        """Everything with a pod template that nothing else controls, with the Placements that select it."""
        for obj in self.objects:
            if pod_template(obj) is not None and controller_of(obj) is None:
                group, kind = _group_kind(obj)
                selected = tuple(policy.uid for placement, policy in self._placements if self.selects(placement, obj))
                yield workload_from(obj, group, _plural(kind), selected)

    def selects(self, placement: Object, obj: Object) -> bool:
        """Whether a Placement selects a workload of its own logical cluster, whatever its status says."""
        space, cluster = namespace(obj), cluster_name(obj)
        if cluster != cluster_name(placement) or not space or space in UNSCHEDULED_NAMESPACES:
            return False
        holder = f"{cluster}|{space}" if cluster else space
        of_namespace = {NAME_LABEL: space, **self._namespaces.get(holder, {})}
        return _selector_matches(placement, "namespaceSelector", of_namespace) and _selector_matches(
            placement, "workloadSelector", labels(obj)
        )


def world_from(objects: Iterable[Object]) -> World:
    """A world of all SyncTargets, Locations, Placements and workloads among API objects; Lists are taken apart.

    Raises ValueError for an object that can't be read, and says which.
    """
    gathering = Gathering(objects)
    world = World()
    for location in gathering.locations():
        world.put_location(location)
    for target in gathering.targets():
        world.put_target(target)
    for policy in gathering.policies():
        world.put_policy(policy)
    for workload in gathering.workloads():
        world.put_workload(workload)
    return world


def _flat(obj: Object) -> Iterator[Object]:
    items = obj.get("items")
    if isinstance(items, list) and str(obj.get("kind", "")).endswith("List"):
        for item in items:
            yield from _flat(item)
    else:
        yield obj


def _group_kind(obj: Object) -> tuple[str, str]:
    group, slash, _ = str(obj.get("apiVersion", "")).partition("/")
    return (group if slash else "", str(obj.get("kind", "")))


def _plural(kind: str) -> str:
    """The resource of a kind, as Kubernetes guesses it."""
    singular = kind.lower()
    if singular.endswith(("s", "x", "ch", "sh")):
        return singular + "es"
    return singular[:-1] + "ies" if singular.endswith("y") else singular + "s"


def _readable(obj: Object, read: Callable[..., Read], *more: Any) -> Read:
    try:
        return read(obj, *more)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{obj.get('kind')} {name(obj)}: {error}") from error


def _selector_matches(placement: Object, field: str, of_object: Mapping[str, str]) -> bool:
    selector = nested(placement, "spec", field, default=None)
    return _readable(placement, lambda _: selector_from_label_selector(selector or {})).matches(of_object)
