"""Default APIBindings: which ones a logical cluster starts with, and how far they are. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from headwater.apis.apis.v1alpha2.apibinding import ACCEPTED, API_BINDING, CONDITION_INITIAL_BINDING
from headwater.apis.tenancy.v1alpha1.workspace import (
    CONDITION_API_BINDINGS_INITIALIZED,
    REASON_TYPES_INVALID,
    REASON_WAITING_ON_BINDINGS,
)
from headwater.base.hashing import base62_sha224
from headwater.machinery import conditions
from headwater.machinery.objects import Object

_SUFFIX_LENGTH = 5
_MAX_NAME = 253


def binding_name(cluster: str, path: str, export: str) -> str:
    """Name of a default binding: the export's, with a short hash of where it is bound and from where."""
    digest = base62_sha224(f"{cluster}|{path}|{export}").lower()[:_SUFFIX_LENGTH]
    return f"{export[: _MAX_NAME - _SUFFIX_LENGTH - 1]}-{digest}"


def default_binding(cluster: str, path: str, export: str, claims: Sequence[Object]) -> Object:
    """The binding of one default export. All that the export claims is accepted."""
    accepted = []
    for claim in claims:
        kept = {key: value for key, value in claim.items() if key != "defaultSelector"}
        selector = claim.get("defaultSelector") or {"matchAll": True}
        accepted.append({**kept, "selector": selector, "state": ACCEPTED})
    spec: Object = {"reference": {"export": {"path": path, "name": export}}}
    if accepted:
        spec["permissionClaims"] = accepted
    return {
        "apiVersion": API_BINDING.api_version,
        "kind": API_BINDING.kind,
        "metadata": {"name": binding_name(cluster, path, export)},
        "spec": spec,
    }


def unfinished(wanted: Sequence[tuple[str, str]], present: Mapping[tuple[str, str], Object]) -> list[str]:
    """Names of the exports whose initial binding isn't complete."""
    return [
        export
        for path, export in wanted
        if (binding := present.get((path, export))) is None
        or not conditions.is_true(binding, CONDITION_INITIAL_BINDING)
    ]


def record(logical_cluster: Object, waiting: Sequence[str], problem: str, now: datetime) -> None:
    """Set the condition that says whether the default bindings are there.

    It names none of them: else every single binding would cost a write.
    """
    type_ = CONDITION_API_BINDINGS_INITIALIZED
    if problem:
        conditions.mark_false(logical_cluster, type_, REASON_TYPES_INVALID, conditions.ERROR, problem, now)
    elif waiting:
        why = "APIBinding(s) not yet fully bound"
        conditions.mark_false(logical_cluster, type_, REASON_WAITING_ON_BINDINGS, conditions.INFO, why, now)
    else:
        conditions.mark_true(logical_cluster, type_, now)
