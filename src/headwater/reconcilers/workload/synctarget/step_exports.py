"""List the resources that a SyncTarget's exports offer, keeping what its syncer said of them (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from headwater.apis.sync.v1alpha1.synctarget import CONDITION_EXPORTS_PLACED, REASON_NOT_COMPUTE, STATE_PENDING
from headwater.apis.workload.compute import is_compute, not_compute_words
from headwater.machinery.conditions import WARNING, mark_false, remove_condition
from headwater.machinery.logicalcluster import PATH_ANNOTATION
from headwater.machinery.objects import Object, cluster_name, name, nested
from headwater.machinery.objects import annotations as annotations_of

_MAX_NAMED: Final = 3


def record_synced_resources(
    sync_target: Object, exports: Iterable[Object], schema: Callable[[Object, str], Object | None]
) -> None:
    """Set `status.syncedResources`, sorted by group and resource. Changes `sync_target` (status only).

    `schema(export, name)` answers an APIResourceSchema. What is missing is left out, and so are exports that have no
    identity yet: nobody can bind those. `supportedAPIs`, if any, narrows the list. State and message of an entry stay
    while group, resource and identity do.
    """
    known = {
        (entry.get("group", ""), entry["resource"], entry.get("identityHash", "")): entry
        for entry in nested(sync_target, "status", "syncedResources", default=None) or ()
    }
    offered = {
        (each.get("group", ""), each["kind"])
        for each in nested(sync_target, "spec", "supportedAPIs", default=None) or ()
    }
    entries: dict[tuple[str, str], Object] = {}
    for export in exports:
        identity = nested(export, "status", "identityHash", default="")
        if not identity:
            continue
        for resource in nested(export, "spec", "resources", default=None) or ():
            definition = schema(export, resource["schema"])
            if definition is None:
                continue
            entry = _entry(definition, identity, known, offered)
            if entry is not None:
                entries.setdefault((entry.get("group", ""), entry["resource"]), entry)
    sync_target.setdefault("status", {})["syncedResources"] = [entries[key] for key in sorted(entries)]


def record_unplaced_exports(sync_target: Object, exports: Iterable[Object], now: datetime) -> None:
    """Set SupportedAPIExportsPlaced to False where exports are no compute exports, else remove it.

    Changes `sync_target` (status only).
    """
    unplaced = [each for each in exports if not is_compute(each)]
    if not unplaced:
        remove_condition(sync_target, CONDITION_EXPORTS_PLACED)
        return
    named = [
        not_compute_words(annotations_of(each).get(PATH_ANNOTATION, cluster_name(each)), name(each))
        for each in unplaced[:_MAX_NAMED]
    ]
    more = len(unplaced) - _MAX_NAMED
    message = ". ".join([*named, *([f"And {more} more"] if more > 0 else [])])
    mark_false(sync_target, CONDITION_EXPORTS_PLACED, REASON_NOT_COMPUTE, WARNING, message, now)


def _entry(
    definition: Object, identity: str, known: dict[tuple[str, str, str], Object], offered: set[tuple[str, str]]
) -> Object | None:
    spec = definition["spec"]
    group, plural = spec.get("group", ""), spec["names"]["plural"]
    if offered and (group, spec["names"]["kind"]) not in offered:
        return None
    before = known.get((group, plural, identity), {})
    entry: Object = {
        "resource": plural,
        "versions": sorted(version["name"] for version in spec["versions"] if version.get("served")),
        "identityHash": identity,
        "state": before.get("state", STATE_PENDING),
    }
    if group:
        entry["group"] = group
    if before.get("message"):
        entry["message"] = before["message"]
    return entry if entry["versions"] else None
