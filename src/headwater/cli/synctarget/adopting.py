"""What of an earlier SyncTarget of the same name is on a pcluster, and what of it the new one can take over (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from headwater.apis.workload.labels import CLUSTER_LABEL, LOCATOR_ANNOTATION, TENANT_LABEL
from headwater.apis.workload.locator import LocatorError, NamespaceLocator, parse_locator
from headwater.machinery.objects import Object, deletion_timestamp, labels, name, resource_version, uid
from headwater.machinery.objects import annotations as annotations_of
from headwater.syncer.identity import TargetIdentity

NAMESPACES: Final = "namespaces"


@dataclass(frozen=True, slots=True)
class Orphan:
    """A downstream namespace, or a cluster-scoped copy, of an earlier SyncTarget: where it comes from, what is in it.

    `hindrance` says why it can't be taken over; empty when it can.
    """

    resource: str
    obj: Object
    locator: NamespaceLocator
    copies: int
    hindrance: str = ""

    @property
    def origin(self) -> str:
        """Logical cluster and namespace, or name, of what it is the copy of."""
        return f"{self.locator.cluster}/{self.locator.namespace or name(self.obj)}"


def orphans(
    identity: TargetIdentity, namespaces: Sequence[Object], scoped: Mapping[str, Sequence[Object]], copies: Counter[str]
) -> list[Orphan]:
    """All that carries the key of the SyncTarget for another uid, by resource and name.

    ``scoped`` are cluster-scoped objects with that key by resource, and ``copies`` counts those in each namespace.
    """
    present = {
        (locator.cluster, locator.namespace): name(each)
        for each in namespaces
        if (locator := _locator(each)) and _is_of(locator, identity.uid, identity)
    }
    spaces = [
        Orphan(NAMESPACES, each, locator, copies[name(each)])
        for each in namespaces
        if (locator := _locator(each)) and locator.namespace and _is_earlier(locator, identity)
    ]
    several = Counter((each.locator.cluster, each.locator.namespace) for each in spaces)
    found = [_judged(each, present, several) for each in spaces]
    found += [
        Orphan(resource, each, locator, 1, _going(each))
        for resource, objects in scoped.items()
        for each in objects
        if (locator := _locator(each)) and not locator.namespace and _is_earlier(locator, identity)
    ]
    return sorted(found, key=lambda each: (each.resource, name(each.obj)))


def adoption(orphan: Orphan, identity: TargetIdentity) -> Object:
    """The merge patch by which the SyncTarget takes something over, for exactly the state that was looked at."""
    locator = replace(orphan.locator, sync_target_name=identity.name, sync_target_uid=identity.uid)
    meta: Object = {
        "uid": uid(orphan.obj),
        "resourceVersion": resource_version(orphan.obj),
        "annotations": {LOCATOR_ANNOTATION: locator.to_json()},
    }
    if orphan.resource == NAMESPACES:
        meta["labels"] = {TENANT_LABEL: locator.tenant_id()}
    return {"metadata": meta}


def is_copy(obj: Object, key: str) -> bool:
    """Whether an object carries the key, and was not made from one that does."""
    return labels(obj).get(CLUSTER_LABEL) == key and not obj["metadata"].get("ownerReferences")


def _judged(orphan: Orphan, present: Mapping[tuple[str, str], str], several: Mapping[tuple[str, str], int]) -> Orphan:
    origin = (orphan.locator.cluster, orphan.locator.namespace)
    if several[origin] > 1:
        return replace(orphan, hindrance="there are several of it, from several earlier SyncTargets")
    if origin in present:
        return replace(orphan, hindrance=f"{present[origin]} has taken its place already")
    if not orphan.copies:
        return replace(orphan, hindrance="no copy is in it")
    return replace(orphan, hindrance=_going(orphan.obj))


def _going(obj: Object) -> str:
    return "it is being deleted" if deletion_timestamp(obj) else ""


def _locator(obj: Object) -> NamespaceLocator | None:
    try:
        return parse_locator(annotations_of(obj).get(LOCATOR_ANNOTATION, ""))
    except LocatorError:
        return None


def _is_of(locator: NamespaceLocator, wanted_uid: str, identity: TargetIdentity) -> bool:
    return (locator.sync_target_cluster, locator.sync_target_name, locator.sync_target_uid) == (
        identity.cluster, identity.name, wanted_uid
    )  # fmt: skip


def _is_earlier(locator: NamespaceLocator, identity: TargetIdentity) -> bool:
    return locator.sync_target_uid != identity.uid and _is_of(locator, locator.sync_target_uid, identity)


def shown(found: Iterable[Orphan]) -> list[list[str]]:
    """Rows of a table: what, of which workspace, how many copies, and what becomes of it."""
    return [
        [
            f"{each.resource}/{name(each.obj)}",
            each.origin,
            str(each.copies),
            f"stays: {each.hindrance}" if each.hindrance else "adopt",
        ]
        for each in found
    ]
