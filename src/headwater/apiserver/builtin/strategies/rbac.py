"""Roles and bindings."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.apiserver.builtin.strategies.native import NativeStrategy
from headwater.apiserver.registry.strategy import WriteContext
from headwater.machinery.fieldpath import FieldError, child, index, invalid_value, not_supported, required
from headwater.machinery.names import path_segment_errors
from headwater.machinery.objects import Object

GROUP = "rbac.authorization.k8s.io"


class RoleStrategy(NativeStrategy):
    """Roles and cluster roles."""

    def __init__(self) -> None:
        super().__init__(name_errors=path_segment_errors)

    def validate(self, ctx: WriteContext, obj: Object) -> Sequence[FieldError]:
        found: list[FieldError] = []
        for position, rule in enumerate(obj.get("rules") or []):
            found += _rule_errors(rule, index("rules", position), namespaced=ctx.info.namespaced)
        return found


def _rule_errors(rule: Object, path: str, *, namespaced: bool) -> list[FieldError]:
    found = []
    if not rule.get("verbs"):
        found.append(required(child(path, "verbs"), "verbs must contain at least one value"))
    urls = rule.get("nonResourceURLs")
    if urls:
        if namespaced:
            why = "namespaced rules cannot apply to non-resource URLs"
            found.append(invalid_value(child(path, "nonResourceURLs"), urls, why))
        if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
            why = "rules cannot apply to both regular resources and non-resource URLs"
            found.append(invalid_value(child(path, "nonResourceURLs"), urls, why))
        return found
    if not rule.get("apiGroups"):
        found.append(required(child(path, "apiGroups"), "resource rules must supply at least one api group"))
    if not rule.get("resources"):
        found.append(required(child(path, "resources"), "resource rules must supply at least one resource"))
    return found


class RoleBindingStrategy(NativeStrategy):
    """Role bindings and cluster role bindings; what a binding refers to never changes."""

    def __init__(self) -> None:
        super().__init__(name_errors=path_segment_errors)

    def default(self, ctx: WriteContext, obj: Object) -> None:
        ref = obj.get("roleRef")
        if isinstance(ref, dict) and not ref.get("apiGroup"):
            ref["apiGroup"] = GROUP
        for subject in obj.get("subjects") or []:
            if isinstance(subject, dict) and not subject.get("apiGroup") and subject.get("kind") in ("User", "Group"):
                subject["apiGroup"] = GROUP

    def validate(self, ctx: WriteContext, obj: Object) -> Sequence[FieldError]:
        ref = obj.get("roleRef") or {}
        found: list[FieldError] = []
        if ref.get("apiGroup") != GROUP:
            found.append(not_supported("roleRef.apiGroup", ref.get("apiGroup", ""), [GROUP]))
        kinds = ("ClusterRole", "Role") if ctx.info.namespaced else ("ClusterRole",)
        if ref.get("kind") not in kinds:
            found.append(not_supported("roleRef.kind", ref.get("kind", ""), list(kinds)))
        if not ref.get("name"):
            found.append(required("roleRef.name"))
        for position, subject in enumerate(obj.get("subjects") or []):
            found += _subject_errors(subject, index("subjects", position), namespaced=ctx.info.namespaced)
        return found

    def validate_update(self, ctx: WriteContext, obj: Object, old: Object) -> Sequence[FieldError]:
        if obj.get("roleRef") != old.get("roleRef"):
            return [invalid_value("roleRef", obj.get("roleRef"), "cannot change roleRef")]
        return ()


def _subject_errors(subject: Object, path: str, *, namespaced: bool) -> list[FieldError]:
    found = []
    if not subject.get("name"):
        found.append(required(child(path, "name")))
    kind, group = subject.get("kind"), subject.get("apiGroup") or ""
    if kind == "ServiceAccount":
        if group:
            found.append(not_supported(child(path, "apiGroup"), group, [""]))
        if not namespaced and not subject.get("namespace"):
            found.append(required(child(path, "namespace")))
    elif kind in ("User", "Group"):
        if group != GROUP:
            found.append(not_supported(child(path, "apiGroup"), group, [GROUP]))
    else:
        found.append(not_supported(child(path, "kind"), kind or "", ["ServiceAccount", "User", "Group"]))
    return found
