"""The status of a binding as it follows from its export and schemas. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from headwater.apis.apis.v1alpha1.apibinding import PHASE_BINDING, PHASE_BOUND
from headwater.apis.apis.v1alpha2.apibinding import (
    ACCEPTED,
    CONDITION_CLAIMS_APPLIED,
    CONDITION_CLAIMS_VALID,
    CONDITION_EXPORT_VALID,
    CONDITION_INITIAL_BINDING,
    CONDITION_UP_TO_DATE,
    REASON_CLAIMS_MISMATCH,
)
from headwater.apis.apis.v1alpha2.apiexport import EXTRA_ANNOTATION_PREFIX
from headwater.machinery import conditions, objects
from headwater.machinery.objects import Object

_CLAIM_KEY = ("group", "resource", "identityHash")


@dataclass(frozen=True, slots=True)
class SchemaFacts:
    """What a binding needs to know of an APIResourceSchema."""

    name: str
    uid: str
    group: str
    names: Mapping[str, object]
    storage_version: str


def copy_extra_annotations(binding: Object, export: Object) -> None:
    """Bring the export's ``extra.apis.kcp.io/`` annotations onto the binding, and take away those that are gone."""
    wanted = {k: v for k, v in objects.annotations(export).items() if k.startswith(EXTRA_ANNOTATION_PREFIX)}
    for key in list(objects.annotations(binding)):
        if key.startswith(EXTRA_ANNOTATION_PREFIX) and key not in wanted:
            objects.set_annotation(binding, key, None)
    for key, value in wanted.items():
        objects.set_annotation(binding, key, value)


def fail(binding: Object, type_: str, reason: str, message: str, now: datetime) -> None:
    """Record why the export can't be bound. A binding that was Bound stays Bound: it serves what it served."""
    conditions.mark_false(binding, type_, reason, conditions.ERROR, message, now)
    status = binding["status"]
    if status.get("phase") != PHASE_BOUND:
        status["phase"] = PHASE_BINDING
        conditions.mark_false(binding, CONDITION_INITIAL_BINDING, reason, conditions.ERROR, message, now)
    summarize(binding, now)


def is_bound_to(binding: Object, schemas: Sequence[SchemaFacts]) -> bool:
    """Whether exactly these schemas are bound already, so that their names are ours."""
    status = binding.get("status") or {}
    bound = {each["schema"]["UID"] for each in status.get("boundResources") or ()}
    return status.get("phase") == PHASE_BOUND and bound.issuperset(schema.uid for schema in schemas)


def bind(binding: Object, export: Object, schemas: Sequence[SchemaFacts], now: datetime) -> None:
    """Record that the schemas are served. What the export dropped stays bound until the binding goes."""
    identity = objects.nested(export, "status", "identityHash", default="")
    status = binding.setdefault("status", {})
    before = {(each.get("group") or "", each["resource"]): each for each in status.get("boundResources") or ()}
    bound: list[Object] = []
    for schema in schemas:
        plural = str(schema.names["plural"])
        old = before.pop((schema.group, plural), {})
        stored = [v for v in old.get("storageVersions") or () if v != schema.storage_version]
        bound.append(
            {
                "group": schema.group,
                "resource": plural,
                "schema": {"name": schema.name, "UID": schema.uid, "identityHash": identity},
                "storageVersions": [*stored, schema.storage_version],
            }
        )
    bound.extend(before.values())
    status["boundResources"] = sorted(bound, key=lambda each: (each.get("group") or "", each["resource"]))
    status["apiExportClusterName"] = objects.cluster_name(export)
    status["phase"] = PHASE_BOUND
    for type_ in (CONDITION_EXPORT_VALID, CONDITION_INITIAL_BINDING, CONDITION_UP_TO_DATE):
        conditions.mark_true(binding, type_, now)
    record_claims(binding, export, now)
    summarize(binding, now)


def record_claims(binding: Object, export: Object, now: datetime) -> None:
    """Mirror the export's claims, and say which of the accepted ones are in force."""
    status = binding["status"]
    offered = objects.nested(export, "spec", "permissionClaims", default=[])
    shown = [{**_without(claim, "defaultSelector"), "selector": {"matchAll": True}} for claim in offered]
    decided = objects.nested(binding, "spec", "permissionClaims", default=[])
    keys = {_key(claim) for claim in offered}
    applied = [_without(claim, "state") for claim in decided if claim.get("state") == ACCEPTED and _key(claim) in keys]
    for field, claims in (("exportPermissionClaims", shown), ("appliedPermissionClaims", applied)):
        if claims:
            status[field] = claims
        else:
            status.pop(field, None)
    unexpected = [claim for claim in decided if _key(claim) not in keys]
    if unexpected:
        listed = ", ".join(sorted(claim["resource"] for claim in unexpected))
        why = f"unexpected/invalid claims for this APIExport: {listed}"
        conditions.mark_false(binding, CONDITION_CLAIMS_VALID, REASON_CLAIMS_MISMATCH, conditions.WARNING, why, now)
    else:
        conditions.mark_true(binding, CONDITION_CLAIMS_VALID, now)
    conditions.mark_true(binding, CONDITION_CLAIMS_APPLIED, now)


def summarize(binding: Object, now: datetime) -> None:
    conditions.summarize(binding, [CONDITION_INITIAL_BINDING], now)


def _key(claim: Object) -> tuple[str, ...]:
    return tuple(claim.get(part) or "" for part in _CLAIM_KEY)


def _without(claim: Object, field: str) -> Object:
    return {key: value for key, value in claim.items() if key != field}
