"""Conversion of APIExports and APIBindings between v1alpha1 and v1alpha2, without loss.

What the other version can't say travels in annotations, under the keys that kcp uses, and is put back on the way home.
"""

from __future__ import annotations

from typing import Any

from headwater.base import jsonio

Object = dict[str, Any]

V1ALPHA1 = "apis.kcp.io/v1alpha1"
V1ALPHA2 = "apis.kcp.io/v1alpha2"

PREFIX = "apis.v1alpha2.kcp.io/"
RESOURCES = PREFIX + "resource-schemas"
EXPORT_CLAIMS = PREFIX + "permission-claims"
EXPORT_CLAIMS_V1 = PREFIX + "v1alpha1-permission-claims"
BINDING_CLAIMS = PREFIX + "acceptable-permission-claims"
STATUS_CLAIMS = {
    "exportPermissionClaims": (
        PREFIX + "status-export-permission-claims",
        PREFIX + "v1alpha1-status-export-permission-claims",
    ),
    "appliedPermissionClaims": (
        PREFIX + "status-applied-permission-claims",
        PREFIX + "v1alpha1-status-applied-permission-claims",
    ),
}

ALL_VERBS = ["*"]
MATCH_ALL = {"matchAll": True}


class ExportConversion:
    """APIExport: v1alpha1 is served, v1alpha2 stored."""

    def to_storage(self, obj: Object) -> None:
        obj["apiVersion"] = V1ALPHA2
        spec = obj.setdefault("spec", {})
        names = spec.pop("latestResourceSchemas", None) or []
        saved = {resource.get("schema"): resource for resource in _take(obj, RESOURCES) or []}
        resources = [saved.pop(name, None) or resource_of_schema(name) for name in names]
        resources += [resource for resource in saved.values() if not is_plain(resource)]
        if resources:
            spec["resources"] = resources
        _claims_to_v2(obj, spec, "permissionClaims", EXPORT_CLAIMS, EXPORT_CLAIMS_V1, selector=None)

    def from_storage(self, obj: Object) -> None:
        obj["apiVersion"] = V1ALPHA1
        spec = obj.setdefault("spec", {})
        resources = spec.pop("resources", None) or []
        names = [resource["schema"] for resource in resources if "crd" in (resource.get("storage") or {"crd": {}})]
        if names:
            spec["latestResourceSchemas"] = names
        if not all(is_plain(resource) for resource in resources):
            _put(obj, RESOURCES, resources)
        _claims_to_v1(obj, spec, "permissionClaims", EXPORT_CLAIMS, EXPORT_CLAIMS_V1)


class BindingConversion:
    """APIBinding: v1alpha1 is served, v1alpha2 stored."""

    def to_storage(self, obj: Object) -> None:
        obj["apiVersion"] = V1ALPHA2
        spec, status = obj.setdefault("spec", {}), obj.get("status") or {}
        _claims_to_v2(obj, spec, "permissionClaims", BINDING_CLAIMS, EXPORT_CLAIMS_V1, selector=MATCH_ALL)
        for field, (v2_key, v1_key) in STATUS_CLAIMS.items():
            _claims_to_v2(obj, status, field, v2_key, v1_key, selector=None)

    def from_storage(self, obj: Object) -> None:
        obj["apiVersion"] = V1ALPHA1
        spec, status = obj.setdefault("spec", {}), obj.get("status") or {}
        _claims_to_v1(obj, spec, "permissionClaims", BINDING_CLAIMS, EXPORT_CLAIMS_V1)
        for field, (v2_key, v1_key) in STATUS_CLAIMS.items():
            _claims_to_v1(obj, status, field, v2_key, v1_key)


def resource_of_schema(schema_name: str) -> Object:
    """The v1alpha2 resource entry of a schema name ``<prefix>.<plural>.<group|core>``."""
    parts = schema_name.split(".", 2)
    plural = parts[1] if len(parts) > 1 else parts[0]
    group = parts[2] if len(parts) > 2 else ""
    return {"name": plural, "group": "" if group == "core" else group, "schema": schema_name, "storage": {"crd": {}}}


def is_plain(resource: Object) -> bool:
    """Whether a v1alpha2 resource entry says no more than its schema name."""
    return {"storage": {"crd": {}}, "group": "", **resource} == resource_of_schema(str(resource.get("schema", "")))


def _claim_key(claim: Object) -> tuple[str, str, str]:
    return claim.get("group", ""), claim.get("resource", ""), claim.get("identityHash", "")


def _is_limited(claim: Object) -> bool:
    """Whether v1alpha1 can't say what the claim covers."""
    return claim.get("verbs") != ALL_VERBS or (claim.get("selector") or MATCH_ALL) != MATCH_ALL


def _claims_to_v2(
    obj: Object, holder: Object, field: str, v2_annotation: str, v1_annotation: str, *, selector: Object | None
) -> None:
    hidden = {_claim_key(claim): claim for claim in _take(obj, v2_annotation) or []}
    claims = holder.get(field) or []
    special = [claim for claim in claims if claim.get("resourceSelector")]
    converted = []
    for claim in claims:
        kept = {key: value for key, value in claim.items() if key not in ("all", "resourceSelector")}
        whole = {**kept, "verbs": list(ALL_VERBS)}
        if selector is not None:
            whole["selector"] = dict(selector)
        before = hidden.pop(_claim_key(claim), None)
        converted.append({**before, **kept} if before else whole)
    converted += [claim for claim in hidden.values() if _is_limited(claim)]
    if special:
        _put(obj, v1_annotation, special)
    if converted:
        holder[field] = converted


def _claims_to_v1(obj: Object, holder: Object, field: str, v2_annotation: str, v1_annotation: str) -> None:
    claims = holder.get(field) or []
    special = {_claim_key(claim): claim for claim in _take(obj, v1_annotation) or []}
    shown, hidden = [], []
    for claim in claims:
        kept = {key: value for key, value in claim.items() if key not in ("verbs", "selector", "defaultSelector")}
        limited = _is_limited(claim)
        if limited or "defaultSelector" in claim:
            hidden.append(claim)
        if limited:
            continue
        before = special.get(_claim_key(claim))
        shown.append({**kept, "resourceSelector": before["resourceSelector"]} if before else {**kept, "all": True})
    if hidden:
        _put(obj, v2_annotation, hidden)
    if shown:
        holder[field] = shown
    else:
        holder.pop(field, None)


def _put(obj: Object, annotation: str, value: Any) -> None:
    metadata = obj.setdefault("metadata", {})
    metadata["annotations"] = {**(metadata.get("annotations") or {}), annotation: jsonio.dumps(value).decode()}


def _take(obj: Object, annotation: str) -> Any:
    metadata = obj.get("metadata") or {}
    annotations = dict(metadata.get("annotations") or {})
    text = annotations.pop(annotation, None)
    if text is None:
        return None
    if annotations:
        metadata["annotations"] = annotations
    else:
        metadata.pop("annotations", None)
    try:
        return jsonio.loads(text)
    except ValueError:
        return None
