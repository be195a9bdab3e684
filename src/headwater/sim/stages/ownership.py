"""Who made whom: controller references between the objects of a pcluster."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.machinery.objects import Object, controller_of, name, uid

BY_OWNER = "owner"


def by_owner(obj: Object) -> Iterable[str]:
    """Index by the uid of the controlling owner."""
    owner = controller_of(obj)
    return (str(owner.get("uid", "")),) if owner else ()


def owner_reference(owner: Object) -> Object:
    """The reference by which an object says that `owner` controls it."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name(owner),
        "uid": uid(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }
