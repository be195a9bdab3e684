"""From API objects to the values that scheduling works on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from headwater.apis.placement.v1alpha1.placement import DEFAULT_EVICTION_GRACE_SECONDS
from headwater.apis.sync.v1alpha1.synctarget import CONDITION_READY, STATE_ACCEPTED
from headwater.apis.workload.labels import COMPUTE_EXPORT_ANNOTATION, PLACEMENT_TARGET_ANNOTATION, sync_target_key
from headwater.machinery.conditions import get_condition
from headwater.machinery.labels import selector_from_label_selector
from headwater.machinery.objects import Object, cluster_name, labels, name, nested, uid
from headwater.machinery.objects import annotations as annotations_of
from headwater.machinery.timestamps import parse_time
from headwater.scheduling.model import Location, Policy, ResourceIdentity, SpreadConstraint, Taint, Target, Toleration

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
    return Target(
        key=sync_target_key(cluster_name(sync_target), name(sync_target)),
        cluster=cluster_name(sync_target),
        name=name(sync_target),
        labels=labels(sync_target),
        cells=tuple(spec.get("cells") or ()),
        taints=tuple(Taint(t["key"], t.get("value", ""), t["effect"]) for t in spec.get("taints") or ()),
        not_ready_since=not_ready_since,
        not_ready_message=(ready or {}).get("message", ""),
        unschedulable=bool(spec.get("unschedulable")),
        evict_after=parse_time(evict_after) if evict_after else None,
        accepted=accepted_resources(sync_target),
    )


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


def policy_from(placement: Object, required: Mapping[str, frozenset[ResourceIdentity]]) -> Policy:
    """A Placement. Raises ValueError for a location selector that can't be read."""
    spec = placement.get("spec") or {}
    selector = dict(spec.get("locationSelector") or {})
    names = frozenset(selector.pop("names", None) or ())
    targets = spec.get("targets") or {}
    grace = (spec.get("eviction") or {}).get("graceSeconds", DEFAULT_EVICTION_GRACE_SECONDS)
    return Policy(
        uid=uid(placement),
        location_selector=selector_from_label_selector(selector),
        location_names=names,
        minimum=targets.get("min", 1),
        maximum=targets.get("max", 1),
        spread=tuple(
            SpreadConstraint(entry["by"], entry.get("maxSkew", 1), entry.get("label", ""))
            for entry in spec.get("spread") or ()
        ),
        tolerations=tuple(
            Toleration(
                entry.get("key", ""), entry.get("operator", "Equal"), entry.get("value", ""), entry.get("effect", "")
            )
            for entry in spec.get("tolerations") or ()
        ),
        not_ready_grace=timedelta(seconds=grace),
        required=required,
        current=chosen_keys(placement),
    )


def chosen_keys(placement: Object) -> tuple[str, ...]:
    """Keys of the targets that a Placement has now, from its annotation."""
    text = annotations_of(placement).get(PLACEMENT_TARGET_ANNOTATION, "")
    return tuple(key for key in text.split(",") if key)


def required_resources(bindings: Iterable[Object]) -> dict[str, frozenset[ResourceIdentity]]:
    """Binding name -> what a target must accept: the bound resources of compute exports only."""
    return {
        name(binding): frozenset(
            (bound.get("group", ""), bound["resource"], nested(bound, "schema", "identityHash", default=""))
            for bound in nested(binding, "status", "boundResources", default=None) or ()
        )
        for binding in bindings
        if COMPUTE_EXPORT_ANNOTATION in annotations_of(binding)
    }
