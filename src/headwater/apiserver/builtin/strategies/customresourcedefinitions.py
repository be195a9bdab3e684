"""CustomResourceDefinitions: their rules, and the conditions that say whether their names are free.

The conditions are decided in the same write, so that a CRD is served as soon as its creation is answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from headwater.apiserver.builtin.strategies.native import NativeStrategy
from headwater.apiserver.registry.metadata import immutable
from headwater.apiserver.registry.strategy import WriteContext
from headwater.machinery.fieldpath import (
    FieldError,
    child,
    duplicate,
    forbidden_field,
    index,
    invalid_value,
    not_supported,
    required,
)
from headwater.machinery.names import dns1035_label_errors, dns1123_subdomain_errors
from headwater.machinery.objects import Object
from headwater.schema import validate_structural

CLEANUP_FINALIZER = "customresourcecleanup.apiextensions.k8s.io"
ESTABLISHED = "Established"
NAMES_ACCEPTED = "NamesAccepted"
TERMINATING = "Terminating"

CustomResourceDefinitions = Callable[[str], Iterable[Object]]
"""The CRDs of a logical cluster."""


class CustomResourceDefinitionStrategy(NativeStrategy):
    """`definitions` gives the CRDs that names are compared with."""

    def __init__(self, definitions: CustomResourceDefinitions) -> None:
        super().__init__(generation=True, unconditional=False)
        self._definitions = definitions

    def default(self, ctx: WriteContext, obj: Object) -> None:
        spec = obj.get("spec")
        if not isinstance(spec, dict) or not isinstance(spec.get("names"), dict):
            return
        names = spec["names"]
        kind = names.get("kind")
        if isinstance(kind, str):
            names.setdefault("singular", kind.lower())
            names.setdefault("listKind", f"{kind}List")
        spec.setdefault("conversion", {"strategy": "None"})

    def prepare_for_create(self, ctx: WriteContext, obj: Object) -> None:
        storage = [v["name"] for v in _versions(obj) if v.get("storage") and isinstance(v.get("name"), str)]
        obj["status"] = {"conditions": [], "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": storage}
        self._judge(ctx, obj)

    def prepare_for_update(self, ctx: WriteContext, obj: Object, old: Object) -> None:
        if ctx.subresource == "status":
            return
        status = obj.get("status") or {}
        stored = list(status.get("storedVersions") or [])
        stored += [v["name"] for v in _versions(obj) if v.get("storage") and v.get("name") not in stored]
        obj["status"] = {**status, "storedVersions": stored, "conditions": list(status.get("conditions") or [])}
        self._judge(ctx, obj)

    def deletion_finalizers(self, obj: Object) -> Sequence[str]:
        return (CLEANUP_FINALIZER,)

    def prepare_for_delete(self, ctx: WriteContext, obj: Object) -> None:
        conditions = obj.setdefault("status", {}).setdefault("conditions", [])
        why = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
        _set(conditions, TERMINATING, "True", "InstanceDeletionPending", why, ctx.now)

    def validate(self, ctx: WriteContext, obj: Object) -> Sequence[FieldError]:
        return [*_identity_errors(obj), *_version_errors(obj)]

    def validate_update(self, ctx: WriteContext, obj: Object, old: Object) -> Sequence[FieldError]:
        if not is_established(old):
            return ()
        spec, before = obj["spec"], old["spec"]
        found = immutable("spec.scope", spec.get("scope"), before.get("scope"))
        found += immutable("spec.names.kind", spec["names"].get("kind"), before["names"].get("kind"))
        found += immutable("spec.names.plural", spec["names"].get("plural"), before["names"].get("plural"))
        return found + immutable("spec.group", spec.get("group"), before.get("group"))

    def _judge(self, ctx: WriteContext, obj: Object) -> None:
        """Accept the names unless another CRD of the group has them."""
        spec, status = obj.get("spec") or {}, obj["status"]
        names = spec.get("names") or {}
        taken: dict[str, set[str | None]] = {"resource": set(), "kind": set()}
        for other in self._definitions(ctx.cluster):
            if other["metadata"]["name"] == obj["metadata"]["name"] or other["spec"].get("group") != spec.get("group"):
                continue
            accepted = (other.get("status") or {}).get("acceptedNames") or {}
            taken["resource"] |= {accepted.get("plural"), accepted.get("singular"), *(accepted.get("shortNames") or ())}
            taken["kind"] |= {accepted.get("kind"), accepted.get("listKind")}
        conflict = _conflict(names, taken)
        conditions = status["conditions"]
        if conflict is None:
            status["acceptedNames"] = dict(names)
            _set(conditions, NAMES_ACCEPTED, "True", "NoConflicts", "no conflicts found", ctx.now)
            _set(
                conditions, ESTABLISHED, "True", "InitialNamesAccepted", "the initial names have been accepted", ctx.now
            )
        else:
            reason, why = conflict
            _set(conditions, NAMES_ACCEPTED, "False", reason, why, ctx.now)
            if not is_established(obj):
                _set(conditions, ESTABLISHED, "False", "NotAccepted", "not all names are accepted", ctx.now)


def is_established(crd: Object) -> bool:
    """Whether the CRD's resources are served."""
    conditions = (crd.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == ESTABLISHED and c.get("status") == "True" for c in conditions)


def _conflict(names: Object, taken: dict[str, set[str | None]]) -> tuple[str, str] | None:
    checks = (
        ("PluralConflict", "resource", [names.get("plural")]),
        ("SingularConflict", "resource", [names.get("singular")]),
        ("ShortNamesConflict", "resource", names.get("shortNames") or []),
        ("KindConflict", "kind", [names.get("kind")]),
        ("ListKindConflict", "kind", [names.get("listKind")]),
    )
    for reason, space, wanted in checks:
        for name in wanted:
            if name and name in taken[space]:
                return reason, f'"{name}" is already in use'
    return None


def _set(conditions: list[Object], kind: str, status: str, reason: str, message: str, now: str) -> None:
    wanted = {"type": kind, "status": status, "reason": reason, "message": message}
    for position, condition in enumerate(conditions):
        if condition.get("type") == kind:
            since = condition.get("lastTransitionTime", now) if condition.get("status") == status else now
            conditions[position] = {**wanted, "lastTransitionTime": since}
            return
    conditions.append({**wanted, "lastTransitionTime": now})


def _versions(obj: Object) -> list[Object]:
    versions = (obj.get("spec") or {}).get("versions")
    return [v for v in versions if isinstance(v, dict)] if isinstance(versions, list) else []


def _identity_errors(obj: Object) -> list[FieldError]:
    spec = obj["spec"]
    names, group = spec.get("names") or {}, spec.get("group") or ""
    found: list[FieldError] = []
    wanted = f"{names.get('plural')}.{group}"
    if obj["metadata"]["name"] != wanted:
        found.append(
            invalid_value("metadata.name", obj["metadata"]["name"], 'must be spec.names.plural+"."+spec.group')
        )
    if not group:
        found.append(required("spec.group"))
    else:
        found += [invalid_value("spec.group", group, text) for text in dns1123_subdomain_errors(group)]
    for field in ("plural", "singular", "kind", "listKind"):
        value = names.get(field) or ""
        path = child("spec.names", field)
        if not value:
            found.append(required(path))
            continue
        found += [invalid_value(path, value, text) for text in dns1035_label_errors(str(value).lower())]
    if spec.get("scope") not in ("Cluster", "Namespaced"):
        found.append(not_supported("spec.scope", spec.get("scope") or "", ["Cluster", "Namespaced"]))
    if spec.get("preserveUnknownFields"):
        why = (
            "cannot be set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        )
        found.append(invalid_value("spec.preserveUnknownFields", True, why))
    strategy = (spec.get("conversion") or {}).get("strategy")
    if strategy not in (None, "None"):
        found.append(not_supported("spec.conversion.strategy", strategy, ["None"]))
    return found


def _version_errors(obj: Object) -> list[FieldError]:
    versions = obj["spec"].get("versions") or []
    found: list[FieldError] = []
    seen: set[str] = set()
    for position, version in enumerate(versions):
        path = index("spec.versions", position)
        name = version.get("name") or ""
        found += [invalid_value(child(path, "name"), name, text) for text in dns1035_label_errors(name)]
        if name in seen:
            found.append(duplicate(child(path, "name"), name))
        seen.add(name)
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        if schema is None:
            found.append(required(child(path, "schema", "openAPIV3Schema"), "schemas are required"))
        else:
            found += validate_structural(schema, child(path, "schema", "openAPIV3Schema"))
    if sum(bool(version.get("storage")) for version in versions) != 1:
        found.append(
            invalid_value("spec.versions", versions, "must have exactly one version marked as storage version")
        )
    stored = (obj.get("status") or {}).get("storedVersions") or []
    for name in stored:
        if name not in seen:
            why = f"must appear in spec.versions: it is in status.storedVersions: {name}"
            found.append(forbidden_field("spec.versions", why))
    return found
