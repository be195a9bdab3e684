"""Admission of APIExports: resources agree with their schemas, claims name an identity where one is needed, and rules
for the coordination of replicas can be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from headwater.apis.apis.v1alpha1.apiresourceschema import GROUP
from headwater.apis.workload.coordination import COORDINATION_ANNOTATION, parse_coordination
from headwater.apiserver.admission.interface import CREATE, UPDATE, AdmissionAttributes, BasePlugin
from headwater.machinery import errors, objects
from headwater.machinery.fieldpath import FieldError, child, duplicate, forbidden_field, index, invalid_value, required
from headwater.machinery.objects import Object


class APIExportAdmission(BasePlugin):
    """Plugin ``apis.kcp.io/APIExport``. ``is_builtin`` says whether a (group, resource) is served everywhere."""

    name = "apis.kcp.io/APIExport"

    def __init__(self, is_builtin: Callable[[str, str], bool]) -> None:
        self._is_builtin = is_builtin

    def handles(self, attributes: AdmissionAttributes) -> bool:
        info = attributes.info
        return (
            info.resource == "apiexports"
            and info.group == GROUP
            and attributes.operation in (CREATE, UPDATE)
            and not attributes.subresource
        )

    async def validate(self, attributes: AdmissionAttributes) -> None:
        if attributes.object is None:
            return
        problems = [
            *check_resources(attributes.object),
            *check_claims(attributes.object, self._is_builtin),
            *check_coordination(attributes.object, attributes.old_object),
        ]
        if problems:
            raise errors.invalid(attributes.info.kind, attributes.name, problems, group=GROUP)


def check_resources(export: Object) -> list[FieldError]:
    """Each resource's schema name has to end in ``.<resource>.<group|core>``; holds for both versions."""
    problems: list[FieldError] = []
    for i, resource in enumerate(objects.nested(export, "spec", "resources", default=())):
        path = child(index("spec.resources", i), "schema")
        suffix = f".{resource.get('name', '')}.{resource.get('group') or 'core'}"
        schema = resource.get("schema", "")
        if not schema.endswith(suffix) or schema == suffix:
            problems.append(invalid_value(path, schema, f"must end in {suffix}"))
    seen: set[str] = set()
    for i, schema in enumerate(objects.nested(export, "spec", "latestResourceSchemas", default=())):
        path = index("spec.latestResourceSchemas", i)
        resource = schema.partition(".")[2]
        if not resource or "." not in resource:
            problems.append(invalid_value(path, schema, "must be of the form <prefix>.<resource>.<group>"))
        elif resource in seen:
            problems.append(duplicate(path, schema))
        seen.add(resource)
    return problems


def check_coordination(export: Object, old: Object | None = None) -> Sequence[FieldError]:
    """The annotation with rules for workloads; what an update doesn't change is not looked at again."""
    text = objects.annotations(export).get(COORDINATION_ANNOTATION)
    if text is None or (old is not None and objects.annotations(old).get(COORDINATION_ANNOTATION) == text):
        return ()
    return parse_coordination(text)[1]


def check_claims(export: Object, is_builtin: Callable[[str, str], bool]) -> list[FieldError]:
    """Claims on resources of other exports need their identity; those on built-in resources must not have one."""
    problems: list[FieldError] = []
    seen: set[tuple[str, str]] = set()
    for i, claim in enumerate(objects.nested(export, "spec", "permissionClaims", default=())):
        path = index("spec.permissionClaims", i)
        group, resource, identity = claim.get("group") or "", claim.get("resource", ""), claim.get("identityHash")
        if (group, resource) in seen:
            problems.append(duplicate(path, f"{resource}.{group}" if group else resource))
        seen.add((group, resource))
        if is_builtin(group, resource):
            if identity:
                problems.append(forbidden_field(child(path, "identityHash"), "must be empty for built-in resources"))
        elif group != GROUP and not identity:
            detail = "identityHash is required for API types that are not built-in"
            problems.append(required(child(path, "identityHash"), detail))
    return problems
