"""SubjectAccessReview and its local and self forms: may this user do that?"""

from __future__ import annotations

from typing import Any, Final

from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.authz.interface import Attributes, Authorizer, Decision
from headwater.apiserver.resources import SubresourceCall
from headwater.machinery import errors
from headwater.machinery.errors import BadRequest
from headwater.machinery.fieldpath import FieldError, invalid_value
from headwater.machinery.gvk import GroupVersionKind
from headwater.machinery.objects import Object

GROUP: Final = "authorization.k8s.io"


class AccessReview:
    """One of the three kinds: `subject` asks about the user of the spec, else of the caller; `local` is namespaced."""

    verbs = ("create",)

    def __init__(self, kind: str, authorizer: Authorizer, *, subject: bool, local: bool = False) -> None:
        self.kind = GroupVersionKind(GROUP, "v1", kind)
        self._authorizer = authorizer
        self._subject = subject
        self._local = local

    async def handle(self, call: SubresourceCall) -> Object:
        body = call.body or {}
        spec = body.get("spec")
        spec = spec if isinstance(spec, dict) else {}
        found = self._problems(spec, call.namespace)
        if found:
            raise errors.invalid(self.kind.kind, "", found, group=GROUP)
        user = user_of(spec) if self._subject else call.user
        decision, reason = await self._authorizer.authorize(_question(user, call.cluster, spec))
        status: Object = {"allowed": decision is Decision.ALLOW}
        if decision is Decision.DENY:
            status["denied"] = True
        if reason:
            status["reason"] = reason
        return review(self.kind, body, spec, status)

    def _problems(self, spec: Object, namespace: str) -> list[FieldError]:
        resource, url = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
        if not isinstance(resource, dict | None) or not isinstance(url, dict | None):
            raise BadRequest("resourceAttributes and nonResourceAttributes of the spec must be objects")
        found: list[FieldError] = []
        if resource and url:
            why = "cannot be specified in combination with resourceAttributes"
            found.append(invalid_value("spec.nonResourceAttributes", url, why))
        elif not resource and not url:
            why = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
            found.append(invalid_value("spec.resourceAttributes", resource, why))
        if self._subject and not spec.get("user") and not spec.get("groups"):
            found.append(invalid_value("spec.user", "", "at least one of user or group must be specified"))
        if self._local:
            if url:
                why = "disallowed on this kind of request"
                found.append(invalid_value("spec.nonResourceAttributes", url, why))
            elif resource and resource.get("namespace", "") != namespace:
                why = "must match metadata.namespace"
                found.append(invalid_value("spec.resourceAttributes.namespace", resource.get("namespace", ""), why))
        return found


def review(kind: GroupVersionKind, body: Object, spec: Object, status: Object) -> Object:
    """The answer: what was sent, with a status."""
    metadata = body.get("metadata")
    return {
        "apiVersion": f"{kind.group}/{kind.version}",
        "kind": kind.kind,
        "metadata": metadata if isinstance(metadata, dict) else {},
        "spec": spec,
        "status": status,
    }


def user_of(spec: Object) -> UserInfo:
    """The user that a spec describes. Raises BadRequest when a field has the wrong form."""
    groups, extra = spec.get("groups", []), spec.get("extra", {})
    groups, extra = [] if groups is None else groups, {} if extra is None else extra
    if not _are_texts(groups) or not isinstance(extra, dict) or not all(_are_texts(v) for v in extra.values()):
        raise BadRequest("groups and extra of the spec must be lists of strings")
    return UserInfo(
        _text(spec, "user"), _text(spec, "uid"), tuple(groups), {key: tuple(values) for key, values in extra.items()}
    )


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _question(user: UserInfo, cluster: str, spec: Object) -> Attributes:
    asked = spec.get("resourceAttributes")
    if not asked:
        url = spec["nonResourceAttributes"]
        return Attributes(user, _text(url, "verb"), cluster, path=_text(url, "path"), is_resource=False)
    return Attributes(
        user,
        _text(asked, "verb"),
        cluster,
        _text(asked, "group"),
        _text(asked, "version"),
        _text(asked, "resource"),
        _text(asked, "subresource"),
        _text(asked, "namespace"),
        _text(asked, "name"),
    )


def _text(holder: Any, field: str) -> str:
    value = holder.get(field) if isinstance(holder, dict) else None
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRequest(f"{field} of the spec must be a string")
    return value
