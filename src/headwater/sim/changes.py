"""What a stage wants done, as values: a stage decides, `apply.py` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object
from headwater.patch.mergepatch import create_merge_patch


@dataclass(frozen=True, slots=True)
class Create:
    """Create an object; that it exists already is fine."""

    gvr: GroupVersionResource
    obj: Object


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete this very object (by uid); that it is gone already is fine. `grace_seconds` None: as the object says."""

    gvr: GroupVersionResource
    obj: Object
    grace_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Patch:
    """Merge-patch this very object (by uid), or its subresource."""

    gvr: GroupVersionResource
    obj: Object
    body: Object
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Bind:
    """Put a pod on a node."""

    gvr: GroupVersionResource
    obj: Object
    node: str


@dataclass(frozen=True, slots=True)
class Emit:
    """Tell people about an object: an Event, of which repetitions are counted."""

    obj: Object
    reason: str
    message: str
    component: str
    warning: bool = False


Change = Create | Delete | Patch | Bind | Emit


@dataclass(frozen=True, slots=True)
class Plan:
    """All that one pass wants: changes in order, and when to look again though nothing changed."""

    changes: Sequence[Change] = field(default=())
    again_in_seconds: float | None = None


NOTHING = Plan()


def status_change(gvr: GroupVersionResource, obj: Object, status: Object) -> list[Change]:
    """The patch that makes `status` the object's status; none when it is that already."""
    body = create_merge_patch({"status": obj.get("status") or {}}, {"status": status})
    return [Patch(gvr, obj, body, "status")] if body else []


def spec_change(gvr: GroupVersionResource, obj: Object, **fields: object) -> list[Change]:
    """The patch that sets fields of the spec; none when they have these values already."""
    spec = obj.get("spec") or {}
    body = {key: value for key, value in fields.items() if spec.get(key) != value}
    return [Patch(gvr, obj, {"spec": body})] if body else []


def soonest(*seconds: float | None) -> float | None:
    """The smallest of several times to look again, None when there is none."""
    known = [value for value in seconds if value is not None]
    return min(known) if known else None
