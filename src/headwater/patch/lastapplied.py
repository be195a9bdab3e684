"""The bridge from client-side apply: `kubectl apply --server-side` takes over what `kubectl apply` put there before."""

from __future__ import annotations

from typing import Any

from headwater.base import jsonio
from headwater.machinery.objects import Object
from headwater.patch.compare import compare
from headwater.patch.fieldset import Node, subtract_root
from headwater.patch.fieldtypes import RootType
from headwater.patch.managers import Manager

ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
KUBECTL = "kubectl"
_NOTHING: frozenset[str] = frozenset()


def without_own(
    kind: RootType, live: Object | None, conflicts: list[tuple[Manager, Node]], *, manager: str
) -> list[tuple[Manager, Node]]:
    """Conflicts left for kubectl after leaving out fields that still have the value its client-side apply gave them."""
    if manager != KUBECTL or live is None:
        return conflicts
    before = _configuration(live)
    if before is None:
        return conflicts
    set_then = compare(kind, {}, before, ignore=_NOTHING).touched
    changed_since = compare(kind, before, live, ignore=_NOTHING)
    own = subtract_root(subtract_root(set_then, changed_since.touched), changed_since.removed)
    rest = ((owner, subtract_root(fields, own)) for owner, fields in conflicts)
    return [(owner, fields) for owner, fields in rest if fields]


def refresh(target: Object, applied: Object, *, manager: str) -> None:
    """Keep the annotation in step when kubectl applies server-side, so that a later client-side apply is right."""
    annotations = (target.get("metadata") or {}).get("annotations") or {}
    if manager == KUBECTL and ANNOTATION in annotations:
        annotations[ANNOTATION] = jsonio.dumps(applied).decode() + "\n"


def _configuration(live: Object) -> Object | None:
    text: Any = ((live.get("metadata") or {}).get("annotations") or {}).get(ANNOTATION)
    if not isinstance(text, str):
        return None
    try:
        found = jsonio.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
