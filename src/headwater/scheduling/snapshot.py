"""From API objects to the values that scheduling works on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from headwater.apis.placement.v1alpha1.placement import (
    DEFAULT_EVICTION_GRACE_SECONDS,
    DIVIDE_BY_WEIGHTS,
    MODE_DIVIDED,
    STRATEGY_IMMEDIATE,
)
from headwater.apis.sync.v1alpha1.synctarget import CONDITION_READY, STATE_ACCEPTED
from headwater.apis.workload.compute import is_compute
from headwater.apis.workload.labels import (
    PLACEMENT_TARGET_ANNOTATION,
    UNTRIED_TARGETS_ANNOTATION,
    sync_target_key,
)
from headwater.machinery.conditions import get_condition
from headwater.machinery.labels import Selector, selector_from_label_selector
from headwater.machinery.objects import Object, cluster_name, labels, name, nested, uid
from headwater.machinery.objects import annotations as annotations_of
from headwater.machinery.podrequests import capacity_of
from headwater.machinery.podrequests import requests_of as requests_of
from headwater.machinery.timestamps import parse_time
from headwater.scheduling.model import (
    Location,
    Policy,
    Preference,
    ResourceIdentity,
    SpreadConstraint,
    Taint,
    Target,
    Toleration,
)
from headwater.scheduling.pods import workload_from as workload_from

_BEGINNING = datetime.fromtimestamp(0, UTC)


def target_from(sync_target: Object) -> Target:
    """A SyncTarget. One whose readiness was never reported counts as not ready since its creation."""
    ready = get_condition(sync_target, CONDITION_READY)
    not_ready_since = None
    if ready is None or ready["status"] != "True":
        since = (ready or {}).get("lastTransitionTime") or nested(sync_target, "metadata", "creationTimestamp")
        not_ready_since = parse_time(since) if since else _BEGINNING
    spec = sync_target.get("spec") or {}
    evict_after = spec.get("evictAfter")
    allocatable = nested(sync_target, "status", "allocatable", default=None)
    return Target(
        key=sync_target_key(cluster_name(sync_target), name(sync_target)),
        cluster=cluster_name(sync_target),
        name=name(sync_target),
        labels=labels(sync_target),
        cells=tuple(spec.get("cells") or ()),
        taints=tuple(_taint(entry) for entry in spec.get("taints") or ()),
        not_ready_since=not_ready_since,
        not_ready_message=(ready or {}).get("message", ""),
        unschedulable=bool(spec.get("unschedulable")),
        evict_after=parse_time(evict_after) if evict_after else None,
        accepted=accepted_resources(sync_target),
        allocatable=capacity_of(allocatable) if allocatable is not None else None,
        requested=capacity_of(nested(sync_target, "status", "requested", default=None) or {}),
    )


def _taint(entry: Object) -> Taint:
    added = entry.get("timeAdded")
    return Taint(entry["key"], entry.get("value", ""), entry["effect"], parse_time(added) if added else None)


def accepted_resources(sync_target: Object) -> frozenset[ResourceIdentity]:
    """What the target can run: its synced resources in state Accepted."""
    return frozenset(
        (entry.get("group", ""), entry["resource"], entry.get("identityHash", ""))
        for entry in nested(sync_target, "status", "syncedResources", default=None) or ()
        if entry.get("state") == STATE_ACCEPTED
    )


def location_from(location: Object) -> Location:
    """A Location. Raises ValueError for an instance selector that can't be read."""
    return Location(
        cluster=cluster_name(location),
        name=name(location),
        labels=labels(location),
        instances=selector_from_label_selector(nested(location, "spec", "instanceSelector", default=None) or {}),
    )


def policy_from(
    placement: Object, required: Mapping[str, frozenset[ResourceIdentity]], location_cluster: str = ""
) -> Policy:
    """A Placement that chooses in a logical cluster. Raises ValueError for a selector that can't be read."""
    spec = placement.get("spec") or {}
    location_selector, location_names = _named_selector(spec.get("locationSelector"))
    target_selector, target_names = _named_selector(spec.get("syncTargetSelector"))
    targets, replicas, eviction = (spec.get(field) or {} for field in ("targets", "replicas", "eviction"))
    return Policy(
        uid=uid(placement),
        name=name(placement),
        order=(nested(placement, "metadata", "creationTimestamp", default="") or "", name(placement)),
        location_cluster=location_cluster,
        location_selector=location_selector,
        location_names=location_names,
        target_selector=target_selector,
        target_names=target_names,
        preferences=tuple(_preference(entry) for entry in spec.get("preferences") or ()),
        divided=replicas.get("mode") == MODE_DIVIDED,
        divide_by=replicas.get("divideBy", DIVIDE_BY_WEIGHTS),
        weights=replicas.get("weights") or {},
        immediate=eviction.get("strategy") == STRATEGY_IMMEDIATE,
        minimum=targets.get("min", 1),
        maximum=targets.get("max", 1),
        spread=tuple(
            SpreadConstraint(entry["by"], entry.get("maxSkew", 1), entry.get("label", ""))
            for entry in spec.get("spread") or ()
        ),
        tolerations=tuple(
            Toleration(
                entry.get("key", ""),
                entry.get("operator", "Equal"),
                entry.get("value", ""),
                entry.get("effect", ""),
                entry.get("tolerationSeconds"),
            )
            for entry in spec.get("tolerations") or ()
        ),
        not_ready_grace=timedelta(seconds=eviction.get("graceSeconds", DEFAULT_EVICTION_GRACE_SECONDS)),
        required=required,
        current=chosen_keys(placement),
        untried=frozenset(untried_keys(placement)),
    )


def _named_selector(selector: Object | None) -> tuple[Selector, frozenset[str]]:
    """A label selector that may also give names; an absent one selects everything."""
    rest = dict(selector or {})
    names = frozenset(rest.pop("names", None) or ())
    return selector_from_label_selector(rest), names


def _preference(entry: Object) -> Preference:
    return Preference(entry["weight"], *_named_selector(entry.get("syncTargetSelector")))


def chosen_keys(placement: Object) -> tuple[str, ...]:
    """Keys of the targets that a Placement has now, from its annotation."""
    text = annotations_of(placement).get(PLACEMENT_TARGET_ANNOTATION, "")
    return tuple(key for key in text.split(",") if key)


def untried_keys(placement: Object) -> tuple[str, ...]:
    """Those of the targets of a Placement that none of its workloads has come to yet, from its annotation."""
    text = annotations_of(placement).get(UNTRIED_TARGETS_ANNOTATION, "")
    return tuple(key for key in text.split(",") if key)


def required_resources(bindings: Iterable[Object]) -> dict[str, frozenset[ResourceIdentity]]:
    """Binding name -> what a target must accept: the bound resources of compute exports only."""
    return {
        name(binding): frozenset(
            (bound.get("group", ""), bound["resource"], nested(bound, "schema", "identityHash", default=""))
            for bound in nested(binding, "status", "boundResources", default=None) or ()
        )
        for binding in bindings
        if is_compute(binding)
    }
