"""Checks what a plan on a file applies, as the control plane would before it took it (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from headwater.apis.kind import Kind
from headwater.apis.placement.v1alpha1.location import LOCATION
from headwater.apis.placement.v1alpha1.placement import PLACEMENT
from headwater.apis.placement.v1alpha1.validation import location_problems, placement_problems
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGET
from headwater.cli.failure import CommandFailed
from headwater.machinery.fieldpath import FieldError, aggregate, child, invalid_value, not_supported, type_invalid
from headwater.machinery.objects import Object, deep_copy, name
from headwater.machinery.quantity import is_quantity
from headwater.schema import compile_schema

_KINDS = {kind.kind: kind for kind in (PLACEMENT, SYNC_TARGET, LOCATION)}
_PROBLEMS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], list[FieldError]]] = {
    PLACEMENT.kind: placement_problems,
    LOCATION.kind: location_problems,
}


def check(objects: Sequence[Object]) -> None:
    """Raise CommandFailed that names the field of the first object that would be refused."""
    for obj in objects:
        kind = _KINDS[obj["kind"]]
        if problems := _problems(kind, obj):
            raise CommandFailed(f'{kind.kind} "{name(obj)}" is invalid: {aggregate(problems)}')


def _problems(kind: Kind, obj: Object) -> Sequence[object]:
    if obj.get("apiVersion") != kind.api_version:
        return [not_supported("apiVersion", obj.get("apiVersion"), [kind.api_version])]
    schema = compile_schema(kind.schema)
    written = deep_copy({field: value for field, value in obj.items() if field != "status"})
    if unknown := schema.prune(written):
        return [f'unknown field "{each}"' for each in unknown]
    schema.default(written)
    found = schema.validate(written) or _amount_problems(obj)
    more = _PROBLEMS.get(kind.kind)
    return found or (more(written.get("spec") or {}, {}) if more is not None else [])


def _amount_problems(obj: Object) -> list[FieldError]:
    """What of `status.allocatable`, the only part of a status that a plan reads, is no amount."""
    path = "status.allocatable"
    status = obj.get("status") or {}
    if not isinstance(status, dict):
        return [type_invalid("status", type(status).__name__, "must be an object")]
    amounts = status.get("allocatable") or {}
    if not isinstance(amounts, dict):
        return [type_invalid(path, type(amounts).__name__, "must be an object")]
    return [
        invalid_value(child(path, resource), str(value), "must be a quantity")
        for resource, value in amounts.items()
        if not is_quantity(str(value))
    ]
