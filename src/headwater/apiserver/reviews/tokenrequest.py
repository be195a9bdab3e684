"""The `token` subresource of service accounts: issues a token that expires, bound to an object if that is asked for."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from headwater.apiserver.authn.accounts import ObjectLookup
from headwater.apiserver.authn.tokens import MAX_SECONDS, MIN_SECONDS, BoundObject, TokenIssuer
from headwater.apiserver.resources import SubresourceCall
from headwater.apiserver.reviews.identity import GROUP
from headwater.machinery import errors
from headwater.machinery.errors import BadRequest, Conflict
from headwater.machinery.fieldpath import FieldError, invalid_value, quote
from headwater.machinery.gvk import GroupResource, GroupVersionKind
from headwater.machinery.objects import Object
from headwater.machinery.timestamps import format_time

_DEFAULT_SECONDS: Final = 3600
_RESOURCES: Final = {"Pod": "pods", "Secret": "secrets", "Node": "nodes"}


class TokenRequest:
    """Issues tokens through the server's `TokenIssuer`; the signature is made off the loop."""

    verbs = ("create",)
    kind = GroupVersionKind(GROUP, "v1", "TokenRequest")

    def __init__(self, issuer: TokenIssuer, lookup: ObjectLookup) -> None:
        self._issuer = issuer
        self._lookup = lookup

    async def handle(self, call: SubresourceCall) -> Object:
        body = call.body or {}
        spec = body.get("spec")
        spec = spec if isinstance(spec, dict) else {}
        seconds, audiences = _seconds(spec, call.name), _audiences(spec) or (self._issuer.issuer,)
        account = await self._lookup.get("serviceaccounts", call.cluster, call.namespace, call.name)
        if account is None:
            raise errors.not_found(GroupResource("", "serviceaccounts"), call.name)
        bound = await self._bound(call, spec.get("boundObjectRef"))

        def issue() -> Any:
            return self._issuer.issue(
                cluster=call.cluster, namespace=call.namespace, name=call.name, uid=account["metadata"]["uid"],
                audiences=audiences, seconds=seconds, bound=bound,
            )  # fmt: skip

        token, expires = await asyncio.get_running_loop().run_in_executor(None, issue)
        answered: Object = {"audiences": list(audiences), "expirationSeconds": seconds}
        answered["boundObjectRef"] = spec.get("boundObjectRef") or None
        return {
            "apiVersion": f"{GROUP}/v1",
            "kind": self.kind.kind,
            "metadata": {"name": call.name, "namespace": call.namespace},
            "spec": answered,
            "status": {"token": token, "expirationTimestamp": format_time(expires)},
        }

    async def _bound(self, call: SubresourceCall, reference: Any) -> BoundObject | None:
        if not reference:
            return None
        if not isinstance(reference, dict):
            raise BadRequest("boundObjectRef of the spec must be an object")
        kind, name, uid = (str(reference.get(field) or "") for field in ("kind", "name", "uid"))
        resource = _RESOURCES.get(kind)
        if resource is None or reference.get("apiVersion") not in (None, "", "v1"):
            raise BadRequest(f"cannot bind token to object of type {reference.get('apiVersion', '')}, Kind={kind}")
        namespace = "" if kind == "Node" else call.namespace
        held_by = await self._lookup.get(resource, call.cluster, namespace, name)
        if held_by is None:
            raise errors.not_found(GroupResource("", resource), name)
        actual = held_by["metadata"]["uid"]
        if uid and uid != actual:
            raise Conflict(
                f"Operation cannot be fulfilled on {resource} {quote(name)}: the UID in the bound object reference "
                f"({uid}) does not match the UID in record. The object might have been deleted and then recreated",
                details={"name": name, "kind": resource},
            )
        if kind == "Pod" and (held_by.get("spec") or {}).get("serviceAccountName") != call.name:
            raise BadRequest(
                f"cannot bind token for serviceaccount {quote(call.name)} "
                "to pod running with different serviceaccount name."
            )
        return BoundObject(kind.lower(), name, actual)


def _seconds(spec: Object, name: str) -> int:
    seconds = spec.get("expirationSeconds", _DEFAULT_SECONDS)
    found: list[FieldError] = []
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        raise BadRequest("expirationSeconds of the spec must be a whole number")
    if seconds < MIN_SECONDS:
        found.append(
            invalid_value("spec.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
        )
    elif seconds > MAX_SECONDS:
        why = "may not specify a duration larger than 2^32 seconds"
        found.append(invalid_value("spec.expirationSeconds", seconds, why))
    if found:
        raise errors.invalid("TokenRequest", name, found, group=GROUP)
    return seconds


def _audiences(spec: Object) -> tuple[str, ...]:
    audiences = spec.get("audiences") or []
    if not isinstance(audiences, list) or not all(isinstance(item, str) for item in audiences):
        raise BadRequest("audiences of the spec must be a list of strings")
    return tuple(audiences)
