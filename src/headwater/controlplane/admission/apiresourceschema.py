"""Admission of APIResourceSchemas: names that say what they are, and schemas that can be served."""

from __future__ import annotations

import re

from headwater.apis.apis.v1alpha1.apiresourceschema import (
    BOUND_SCHEMAS_CLUSTER,
    GROUP,
    NAME_PREFIX_PATTERN,
    SINGLE_SEGMENT_GROUPS,
)
from headwater.apis.kind import APPROVED_ANNOTATION
from headwater.apiserver.admission.interface import CREATE, UPDATE, AdmissionAttributes, BasePlugin
from headwater.machinery import errors, objects
from headwater.machinery.fieldpath import FieldError, child, forbidden_field, index, invalid_value, required
from headwater.machinery.objects import Object
from headwater.schema import validate_structural


class APIResourceSchemaAdmission(BasePlugin):
    """Plugin ``tenancy.kcp.io/APIResourceSchema``."""

    name = "tenancy.kcp.io/APIResourceSchema"

    def handles(self, attributes: AdmissionAttributes) -> bool:
        info = attributes.info
        return (
            info.resource == "apiresourceschemas" and info.group == GROUP and attributes.operation in (CREATE, UPDATE)
        )

    async def validate(self, attributes: AdmissionAttributes) -> None:
        obj, old = attributes.object, attributes.old_object
        if obj is None:
            return
        if old is not None:
            problems = [] if obj.get("spec") == old.get("spec") else [forbidden_field("spec", "spec is immutable")]
        elif attributes.cluster == BOUND_SCHEMAS_CLUSTER:
            problems = []  # a copy of what was checked, named by its uid
        else:
            problems = check(obj)
        if problems:
            raise errors.invalid(attributes.info.kind, attributes.name, problems, group=GROUP)


def check(schema: Object) -> list[FieldError]:
    """Everything that is wrong with a new APIResourceSchema beyond its own schema."""
    spec = schema.get("spec") or {}
    return [*_check_name(schema, spec), *_check_group(schema, spec), *_check_versions(spec)]


def _check_name(schema: Object, spec: Object) -> list[FieldError]:
    name = objects.name(schema)
    suffix = f".{objects.nested(spec, 'names', 'plural', default='')}.{spec.get('group') or 'core'}"
    prefix = name.removesuffix(suffix)
    if prefix == name or not re.fullmatch(NAME_PREFIX_PATTERN.strip("^$"), prefix):
        detail = f"must have the form <prefix>{suffix}, the prefix a DNS label that starts with a letter"
        return [invalid_value("metadata.name", name, detail)]
    return []


def _check_group(schema: Object, spec: Object) -> list[FieldError]:
    group = spec.get("group") or ""
    if not group or group in SINGLE_SEGMENT_GROUPS:
        return []
    if "." not in group:
        return [invalid_value("spec.group", group, "should be a domain with at least one dot")]
    approved = objects.annotations(schema).get(APPROVED_ANNOTATION)
    if group.endswith((".k8s.io", ".kubernetes.io")) and not approved:
        detail = f"protected groups must have approval annotation {APPROVED_ANNOTATION!r}"
        return [required(f"metadata.annotations[{APPROVED_ANNOTATION}]", detail)]
    return []


def _check_versions(spec: Object) -> list[FieldError]:
    problems: list[FieldError] = []
    versions = spec.get("versions") or []
    stored = [version for version in versions if version.get("storage")]
    if len(stored) != 1:
        problems.append(invalid_value("spec.versions", len(stored), "exactly one version must be the storage version"))
    if len(versions) > 1 and not objects.nested(spec, "conversion", "strategy"):
        problems.append(required("spec.conversion", "must be set when there are several versions"))
    url = objects.nested(spec, "conversion", "webhook", "clientConfig", "url")
    if url is not None and not str(url).startswith("https://"):
        problems.append(invalid_value("spec.conversion.webhook.clientConfig.url", url, "must use https"))
    for i, version in enumerate(versions):
        path = child(index("spec.versions", i), "schema")
        problems.extend(validate_structural(version.get("schema") or {}, path))
    return problems
