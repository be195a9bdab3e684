"""Tokens of a tenant's service accounts, for pods that a sync target runs: for no other account, and not for long."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

from headwater.apis.workload.access import MAX_TOKEN_SECONDS, account_of, is_syncer_account, wants_access
from headwater.apis.workload.labels import SPEC_DIFF_ANNOTATION_PREFIX, STATE_LABEL_PREFIX, STATE_SYNC
from headwater.apis.workload.podspecs import POD_SPEC_PATHS
from headwater.machinery import errors
from headwater.machinery.errors import BadRequest, InternalError, NotFound
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object
from headwater.machinery.objects import annotations as annotations_of
from headwater.telemetry.logging import get_logger
from headwater.virtual.syncer.view import syncer_view
from headwater.virtual.synctarget.domain import TOKEN, Domain, DomainResource
from headwater.virtual.synctarget.forward import Forwarder
from headwater.virtual.synctarget.target import TargetRequest

_ACCOUNTS: Final = GroupResource("", "serviceaccounts")
_PAGE: Final = 500

log = get_logger("virtual.syncer")


class AccountTokens:
    """Issues tokens with the server's own rights, after it has looked at what the target runs.

    An account counts when pods of an object that the target has, in the account's namespace, run as it and want
    access. What a token says besides is not the syncer's to choose: audience, bound object, and a life of an hour at
    the most.
    """

    def __init__(self, forward: Forwarder) -> None:
        self._forward = forward

    async def issue(
        self, target: TargetRequest, domain: Domain, accounts: DomainResource, space: str, name: str, body: Any
    ) -> Object:
        """The answered TokenRequest. Raises BadRequest, Forbidden and NotFound, and Invalid for too short a life."""
        seconds = _seconds_of(body, name)
        if is_syncer_account(name):
            raise _refused(name, "it is the account of a syncer")
        account = await self._account(target, accounts, space, name)
        used = wanted = False
        async with aclosing(self._placed(target, domain, space)) as placed:
            async for obj in placed:
                if account_of(obj) == name:
                    used, wanted = True, wants_access(obj, account)
                if wanted:
                    break
        if used and account is None:
            raise errors.not_found(_ACCOUNTS, name)
        if not wanted:
            why = "no pods that run as it want access to the workspace" if used else "no pods of this target run as it"
            raise _refused(name, why)
        request: Object = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": seconds},
        }
        answer = await self._forward.resource(target, accounts, space).create_subresource(name, TOKEN, request)
        log.info(
            "issued a token for pods", cluster=target.request_cluster, account=f"{space}/{name}", sync_target=target.key
        )
        return answer

    async def _account(self, target: TargetRequest, accounts: DomainResource, space: str, name: str) -> Object | None:
        try:
            return await self._forward.get(target, accounts, space, name)
        except NotFound:
            return None

    async def _placed(self, target: TargetRequest, domain: Domain, space: str) -> AsyncGenerator[Object]:
        """The objects with pods that the target has in a namespace, as it sees them."""
        query = [("labelSelector", f"{STATE_LABEL_PREFIX}{target.key}={STATE_SYNC}"), ("limit", str(_PAGE))]
        for resource in domain.values():
            if (resource.api_version, resource.kind) not in POD_SPEC_PATHS:
                continue
            token = ""
            while True:
                more = [("continue", token)] if token else []
                try:
                    page = await self._forward.list(target, resource, space, [*query, *more])
                except NotFound:
                    break  # The workspace doesn't have this API.
                for item in page["items"]:
                    obj = _shown({**item, "apiVersion": resource.api_version, "kind": resource.kind}, target.key)
                    if obj is not None:
                        yield obj
                token = (page.get("metadata") or {}).get("continue") or ""
                if not token:
                    break


def _shown(obj: Object, key: str) -> Object | None:
    """The object as the target sees it; None when it is not shown, as its annotations can't be read."""
    if SPEC_DIFF_ANNOTATION_PREFIX + key not in annotations_of(obj):
        return obj
    try:
        return syncer_view(obj, key, "")
    except InternalError:
        return None


def _seconds_of(body: Any, name: str) -> int:
    """How long the token is to live. Raises BadRequest, and Forbidden for what else a request could ask for."""
    spec = (body.get("spec") or {}) if isinstance(body, dict) else None
    if not isinstance(spec, dict):
        raise BadRequest("the body is not a TokenRequest with a spec")
    if spec.get("audiences"):
        raise _refused(name, "tokens for pods are for the control plane, spec.audiences can't be set")
    if spec.get("boundObjectRef"):
        raise _refused(name, "tokens for pods are bound to their account only, spec.boundObjectRef can't be set")
    seconds = spec.get("expirationSeconds", MAX_TOKEN_SECONDS)
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        raise BadRequest("expirationSeconds of the spec must be a whole number")
    return min(seconds, MAX_TOKEN_SECONDS)


def _refused(name: str, why: str) -> errors.Forbidden:
    return errors.forbidden(_ACCOUNTS, name, why)
