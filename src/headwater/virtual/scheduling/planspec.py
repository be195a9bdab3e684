"""What a plan is asked for: the body of a request, checked to the last field (pure)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from headwater.apis.placement.v1alpha1.location import GROUP, LOCATION, VERSION
from headwater.apis.placement.v1alpha1.placement import PLACEMENT
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGET
from headwater.machinery import errors, fieldpath
from headwater.machinery.errors import BadRequest
from headwater.machinery.fieldpath import FieldError
from headwater.machinery.objects import Object

KIND: Final = "Plan"
API_VERSION: Final = f"{GROUP}/{VERSION}"
MAX_ENTRIES: Final = 64
_MAX_NAME: Final = 253
_TOP: Final = ("apiVersion", "kind", "metadata", "spec")
_NAME_LISTS: Final = ("drain", "cordon", "remove")
_FAIL_LISTS: Final = ("targets", "cells")
APPLICABLE: Final = {(kind.api_version, kind.kind): kind for kind in (PLACEMENT, SYNC_TARGET, LOCATION)}
"""(apiVersion, kind) -> the kinds that a plan may apply."""


@dataclass(frozen=True, slots=True)
class PlanSpec:
    """The changes to plan. Names are those of SyncTargets in the workspace of the request."""

    drain: tuple[str, ...] = ()
    cordon: tuple[str, ...] = ()
    fail_targets: tuple[str, ...] = ()
    fail_cells: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    apply: tuple[Object, ...] = ()

    @property
    def named(self) -> tuple[tuple[str, str, str], ...]:
        """(field, name, verb that is needed) of every SyncTarget that is named."""
        entries = []
        for field, names, verb in (
            ("spec.drain", self.drain, "update"),
            ("spec.cordon", self.cordon, "update"),
            ("spec.fail.targets", self.fail_targets, "update"),
            ("spec.remove", self.remove, "delete"),
        ):
            entries += [(fieldpath.index(field, position), name, verb) for position, name in enumerate(names)]
        return tuple(entries)


def parse_plan(body: object) -> PlanSpec:
    """The spec of a Plan. Raises BadRequest for what is no Plan, and Invalid with every field that is wrong."""
    if not isinstance(body, dict):
        raise BadRequest("the body is not an object")
    if (body.get("apiVersion"), body.get("kind")) != (API_VERSION, KIND):
        raise BadRequest(f"the body must be of kind {KIND}, apiVersion {API_VERSION}")
    found: list[FieldError] = _unknown("", body, _TOP)
    spec = body.get("spec")
    if not isinstance(spec, dict):
        raise invalid([*found, fieldpath.required("spec", "say what is to change")])
    found += _unknown("spec", spec, (*_NAME_LISTS, "fail", "apply"))
    lists = {field: _names(f"spec.{field}", spec.get(field), found) for field in _NAME_LISTS}
    failing = spec.get("fail")
    if failing is None:
        failing = {}
    if not isinstance(failing, dict):
        found.append(fieldpath.type_invalid("spec.fail", failing, "must be an object"))
        failing = {}
    found += _unknown("spec.fail", failing, _FAIL_LISTS)
    failed = {field: _names(f"spec.fail.{field}", failing.get(field), found) for field in _FAIL_LISTS}
    applied = _applied(spec.get("apply"), found)
    plan = PlanSpec(lists["drain"], lists["cordon"], failed["targets"], failed["cells"], lists["remove"], applied)
    if not found and plan == PlanSpec():
        found.append(fieldpath.required("spec", "say what is to change"))
    if found:
        raise invalid(found)
    return plan


def invalid(found: list[FieldError]) -> errors.Invalid:
    """One answer for all fields that are wrong."""
    return errors.invalid(KIND, "", found, group=GROUP)


def _unknown(path: str, holder: Object, known: Collection[str]) -> list[FieldError]:
    return [
        fieldpath.forbidden_field(fieldpath.child(path, field), "unknown field")
        for field in holder
        if field not in known
    ]


def _items(path: str, value: Any, found: list[FieldError]) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        found.append(fieldpath.type_invalid(path, type(value).__name__, "must be a list"))
        return []
    if len(value) > MAX_ENTRIES:
        found.append(fieldpath.too_many(path, len(value), MAX_ENTRIES))
        return []
    return value


def _names(path: str, value: Any, found: list[FieldError]) -> tuple[str, ...]:
    names: list[str] = []
    for position, entry in enumerate(_items(path, value, found)):
        here = fieldpath.index(path, position)
        if not isinstance(entry, str):
            found.append(fieldpath.type_invalid(here, type(entry).__name__, "must be a string"))
        elif not entry or "/" in entry or not entry.isprintable():
            found.append(fieldpath.invalid_value(here, entry, "must be a name"))
        elif len(entry) > _MAX_NAME:
            found.append(fieldpath.too_long(here, _MAX_NAME))
        elif entry in names:
            found.append(fieldpath.duplicate(here, entry))
        else:
            names.append(entry)
    return tuple(names)


def _applied(value: Any, found: list[FieldError]) -> tuple[Object, ...]:
    objects: list[Object] = []
    seen: set[tuple[str, str, str]] = set()
    for position, entry in enumerate(_items("spec.apply", value, found)):
        here = fieldpath.index("spec.apply", position)
        if not isinstance(entry, dict):
            found.append(fieldpath.type_invalid(here, type(entry).__name__, "must be an object"))
            continue
        kind = (str(entry.get("apiVersion", "")), str(entry.get("kind", "")))
        if kind not in APPLICABLE:
            if versions := [version for version, each in APPLICABLE if each == kind[1]]:
                found.append(fieldpath.not_supported(fieldpath.child(here, "apiVersion"), kind[0], versions))
                continue
            supported = [f"{each} ({api_version})" for api_version, each in APPLICABLE]
            found.append(fieldpath.not_supported(fieldpath.child(here, "kind"), kind[1], supported))
            continue
        meta = entry.get("metadata")
        name = meta.get("name") if isinstance(meta, dict) else None
        if not isinstance(name, str) or not name:
            found.append(fieldpath.required(fieldpath.child(here, "metadata", "name")))
        elif "/" in name or not name.isprintable() or len(name) > _MAX_NAME:
            found.append(
                fieldpath.invalid_value(fieldpath.child(here, "metadata", "name"), name[:_MAX_NAME], "no name")
            )
        elif (*kind, name) in seen:
            found.append(fieldpath.duplicate(fieldpath.child(here, "metadata", "name"), name))
        else:
            seen.add((*kind, name))
            objects.append(entry)
    return tuple(objects)
