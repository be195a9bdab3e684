"""Declared rules for kinds that Headwater doesn't know: which field is divided, and how statuses become one.

The owner of an APIExport declares them in an annotation, which comes with each binding; kinds without a rule are not
divided, and their status on several targets is not summarised.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, cast

from headwater.base import jsonio
from headwater.machinery.fieldpath import (
    FieldError,
    child,
    duplicate,
    index,
    invalid_value,
    key,
    not_supported,
    required,
    too_long,
    too_many,
    type_invalid,
)
from headwater.machinery.names import is_dns1123_label, is_dns1123_subdomain

COORDINATION_ANNOTATION: Final = "extra.apis.kcp.io/coordination.workload.kcp.io"
"""Annotation on an APIExport, copied to its bindings: JSON list of rules, one for each resource."""

Combine = Literal["sum", "min", "max", "worst", "union", "first"]
"""How one value is made of several: numbers by the first three, conditions by the worst of each type, lists by all of
their entries, and anything by what the first target reports."""

COMBINES: Final[tuple[Combine, ...]] = ("sum", "min", "max", "worst", "union", "first")
MAX_BYTES: Final = 16 * 1024
MAX_RULES: Final = 32
MAX_FIELDS: Final = 32
_STEP: Final = r"\.[A-Za-z_][A-Za-z0-9_-]{0,62}"
_SPEC_PATH: Final = re.compile(rf"spec({_STEP}){{1,8}}")
_STATUS_PATH: Final = re.compile(rf"status({_STEP}){{1,8}}")
_PATH: Final = key("metadata.annotations", COORDINATION_ANNOTATION)


@dataclass(frozen=True, slots=True)
class CombinedField:
    """One field of the status, as a path below `status`."""

    path: tuple[str, ...]
    combine: Combine


@dataclass(frozen=True, slots=True)
class CoordinationRule:
    """The rule for one resource.

    `replicas_path` is the path below `spec` of the number that is divided, empty when nothing is; `ready_path` the
    path below `status` of the number that says how much of it is ready, empty when nothing does.
    """

    group: str
    resource: str
    replicas_path: tuple[str, ...] = ()
    ready_path: tuple[str, ...] = ()
    status: tuple[CombinedField, ...] = ()


Parsed = tuple[tuple[CoordinationRule, ...], tuple[FieldError, ...]]


def parse_coordination(text: str) -> Parsed:
    """The rules of an annotation, and what is wrong with it; there are no rules when anything is."""
    if len(text.encode()) > MAX_BYTES:
        return (), (too_long(_PATH, MAX_BYTES),)
    return _parse(text)


@lru_cache(maxsize=256)
def _parse(text: str) -> Parsed:
    try:
        entries = jsonio.loads(text)
    except ValueError as error:
        return (), (invalid_value(_PATH, text[:64], f"must be JSON: {error}"),)
    if not isinstance(entries, list):
        return (), (type_invalid(_PATH, entries, "must be a list of rules"),)
    if len(entries) > MAX_RULES:
        return (), (too_many(_PATH, len(entries), MAX_RULES),)
    problems: list[FieldError] = []
    rules = [_rule(entry, index(_PATH, position), problems) for position, entry in enumerate(entries)]
    seen: set[tuple[str, str]] = set()
    for position, rule in enumerate(rules):
        if (rule.group, rule.resource) in seen:
            problems.append(duplicate(index(_PATH, position), f"{rule.resource}.{rule.group}"))
        seen.add((rule.group, rule.resource))
    return (() if problems else tuple(rules)), tuple(problems)


def _rule(entry: Any, path: str, problems: list[FieldError]) -> CoordinationRule:
    fields = _members(entry, path, ("group", "resource", "replicasPath", "readyPath", "status"), problems)
    group, resource = fields.get("group", ""), fields.get("resource", "")
    if not isinstance(group, str) or (group and not is_dns1123_subdomain(group)):
        problems.append(invalid_value(child(path, "group"), group, "must be the name of an API group"))
    if not resource:
        problems.append(required(child(path, "resource")))
    elif not isinstance(resource, str) or not is_dns1123_label(resource):
        problems.append(invalid_value(child(path, "resource"), resource, "must be a resource's plural name"))
    found = fields.get("status", [])
    if not isinstance(found, list):
        problems.append(type_invalid(child(path, "status"), found, "must be a list of fields"))
        found = []
    elif len(found) > MAX_FIELDS:
        problems.append(too_many(child(path, "status"), len(found), MAX_FIELDS))
        found = []
    return CoordinationRule(
        group=str(group),
        resource=str(resource),
        replicas_path=_path(fields, "replicasPath", _SPEC_PATH, path, problems),
        ready_path=_path(fields, "readyPath", _STATUS_PATH, path, problems),
        status=_combined(found, child(path, "status"), problems),
    )


def _combined(found: list[Any], path: str, problems: list[FieldError]) -> tuple[CombinedField, ...]:
    out: list[CombinedField] = []
    for position, each in enumerate(found):
        here = index(path, position)
        field = _members(each, here, ("fieldPath", "combine"), problems)
        if not field.get("fieldPath"):
            problems.append(required(child(here, "fieldPath")))
        combine = field.get("combine")
        if combine not in COMBINES:
            problems.append(not_supported(child(here, "combine"), combine or "", COMBINES))
        steps = _path(field, "fieldPath", _STATUS_PATH, here, problems)
        if any(_overlap(steps, other.path) for other in out):
            problems.append(duplicate(child(here, "fieldPath"), field.get("fieldPath")))
        out.append(CombinedField(steps, cast("Combine", combine)))
    return tuple(out)


def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether one is the other or in it, so that the order would matter."""
    shorter = min(len(one), len(other))
    return shorter > 0 and one[:shorter] == other[:shorter]


def _members(entry: Any, path: str, known: tuple[str, ...], problems: list[FieldError]) -> Mapping[str, Any]:
    if not isinstance(entry, dict):
        problems.append(type_invalid(path, entry, "must be an object"))
        return {}
    problems.extend(not_supported(path, name, known) for name in sorted(entry.keys() - set(known)))
    return entry


def _path(
    fields: Mapping[str, Any], name: str, form: re.Pattern[str], path: str, problems: list[FieldError]
) -> tuple[str, ...]:
    """The steps of a path without its first one."""
    text = fields.get(name)
    if not text:
        return ()
    if not isinstance(text, str) or form.fullmatch(text) is None:
        root = "spec" if form is _SPEC_PATH else "status"
        problems.append(invalid_value(child(path, name), text, f"must be a path of field names such as {root}.ready"))
        return ()
    return tuple(text.split(".")[1:])
