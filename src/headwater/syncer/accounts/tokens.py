"""Keeps the Secrets with the tokens: made before the pods that need them, renewed in time, deleted after them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta
from typing import Final

from headwater.apis.workload.access import MAX_TOKEN_SECONDS
from headwater.client.answers import UnexpectedAnswer
from headwater.client.interface import TransportError
from headwater.controller import Controller, Result
from headwater.machinery.errors import Conflict, NotFound, StatusError
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, deletion_timestamp, make_key, resource_version, split_key, uid
from headwater.machinery.objects import namespace as namespace_of
from headwater.syncer.accounts.secret import (
    HeldToken,
    account_of_secret,
    held_in,
    holds,
    secret_body,
    secret_name,
)
from headwater.syncer.accounts.usage import Usage
from headwater.syncer.mutate.names import SECRETS, SERVICE_ACCOUNTS
from headwater.syncer.namespaces.mapping import NamespaceCollision
from headwater.syncer.sides import Sides
from headwater.telemetry.logging import get_logger

FIELD_MANAGER: Final = "syncer-access"
_ACCOUNTS: Final = GroupVersionResource("", "v1", "serviceaccounts")
_PARALLEL: Final = 8
_RETRY_SECONDS: Final = 30.0
_NOT_KNOWN_RETRY_SECONDS: Final = 3.0
_LEFT_SHARE: Final = 0.9
"""Pods are started with a token that has a tenth of its life left, at the least."""

log = get_logger("syncer.accounts")


class NoToken(Exception):
    """There is no token for pods. The words are for the tenant, and never hold what a server said of the Secret."""

    reason = "NoAccountToken"


class TokenKeeper:
    """A controller over service accounts, by their upstream keys."""

    def __init__(self, sides: Sides, *, usage: Usage, ca_bundle: bytes) -> None:
        self._key = sides.identity.key
        self._upstream = sides.upstream
        self._downstream = sides.downstream
        self._namespaces = sides.namespaces
        self._usage = usage
        self._ca_bundle = ca_bundle
        self._clock = sides.clock
        self._parallel = asyncio.Semaphore(_PARALLEL)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._applied: dict[str, HeldToken] = {}
        """What was applied and was not seen since: the informer may be behind."""
        self._got = sides.registry.counter(
            "syncer_account_tokens_total", "Tokens of service accounts that pods were given."
        )
        self._failures = sides.registry.counter(
            "syncer_account_token_failures_total", "Times that a token of a service account could not be had or kept."
        )
        self.controller = Controller(
            "syncer-accounts", reconcile=self.reconcile, workers=_PARALLEL, clock=sides.clock, registry=sides.registry
        )

    def secret_changed(self, old: Object | None, new: Object | None) -> None:
        """Hear of a change of a Secret that has our label and is no copy."""
        obj = new or old or {}
        account, locator = account_of_secret(obj), self._namespaces.locator_of(namespace_of(obj))
        if account is not None and locator is not None:
            key = make_key(locator.cluster, locator.namespace, account)
            self._applied.pop(key, None)
            self.controller.enqueue(key)

    async def ensure(self, key: str) -> None:
        """Returns once the Secret of an account is there, with a token that counts. The namespace has to be there.

        Raises NoToken, TransportError and NamespaceCollision.
        """
        if not self._counts(self._held(key), key, _LEFT_SHARE):
            async with self._locks[key], self._parallel:
                if not self._counts(self._held(key), key, _LEFT_SHARE):
                    await self._renew(key)

    async def reconcile(self, key: str) -> Result | None:
        """Renew, repair or delete one Secret."""
        if self._downstream.informers.version(SECRETS) is None:
            return None  # Not synced any more; its objects come again when it is.
        try:
            space = self._space(key)
        except NamespaceCollision:
            return None  # The spec syncer reports it.
        if not self._usage.wanted(key) and not self._usage.mounted(key, space):
            return await self._delete(key, space)
        seen = self._namespaces.get(space)
        if seen is None or deletion_timestamp(seen):
            return None  # It is made with the first copy in it.
        try:
            async with self._locks[key]:
                return await self._keep(key)
        except (NoToken, TransportError) as error:
            log.warning("no token for pods", account=key, error=str(error))
            return Result(requeue_after_seconds=_RETRY_SECONDS)

    async def _keep(self, key: str) -> Result:
        held, now = self._held(key), self._clock.now()
        if held is None or held.is_due(key, now) or not self._counts(held, key, _LEFT_SHARE):
            async with self._parallel:
                held = await self._renew(key)
        else:
            secret = self._secret(key)
            if secret is not None and not holds(secret, namespace=split_key(key)[1], ca_bundle=self._ca_bundle):
                await self._apply(key, held)
        return Result(requeue_after_seconds=max((held.renew_at(key) - self._clock.now()).total_seconds(), 1.0))

    def _space(self, key: str) -> str:
        cluster, namespace, _ = split_key(key)
        return self._namespaces.known(cluster, namespace)

    def _secret(self, key: str) -> Object | None:
        return self._downstream.get(SECRETS, self._space(key), secret_name(split_key(key)[2]))

    def _held(self, key: str) -> HeldToken | None:
        return self._applied.get(key) or held_in(self._secret(key), self._key)

    def _counts(self, held: HeldToken | None, key: str, share: float) -> bool:
        """Whether a token has some life left, and its account is still that of the view, where that shows it."""
        if held is None:
            return False
        account = self._upstream.get(SERVICE_ACCOUNTS, key)
        if account is not None and held.account_uid not in ("", uid(account)):
            return False
        return self._clock.now() < held.received + timedelta(seconds=share * held.seconds)

    async def _renew(self, key: str) -> HeldToken:
        try:
            held = await self._request(key)
            await self._apply(key, held)
        except (NoToken, TransportError):
            self._failures.inc()
            raise
        self._got.inc()
        return held

    async def _request(self, key: str) -> HeldToken:
        """A token from whichever shard has the workspace. Raises NoToken."""
        cluster, namespace, account = split_key(key)
        known = self._upstream.get(SERVICE_ACCOUNTS, key)
        request: Object = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": MAX_TOKEN_SECONDS},
        }
        problem, lost = "the workspace is not known", None
        for shard in self._upstream.shards:
            try:
                answer = await shard.resource(_ACCOUNTS, cluster, namespace).create_subresource(
                    account, "token", request
                )
                token, seconds = str(answer["status"]["token"]), int(answer["spec"]["expirationSeconds"])
                return HeldToken(token, uid(known) if known is not None else "", self._clock.now(), seconds)
            except StatusError as error:
                problem = error.message
            except TransportError as error:
                lost = error
            except (UnexpectedAnswer, KeyError, TypeError, ValueError):
                problem = "its answer has no token"
        if lost is not None:
            raise lost
        raise NoToken(f"the control plane gives no token of service account {account}: {problem}")

    async def _apply(self, key: str, held: HeldToken) -> None:
        _, namespace, account = split_key(key)
        space = self._space(key)
        body = secret_body(
            held, account=account, namespace=namespace, ca_bundle=self._ca_bundle, space=space, key=self._key
        )
        try:
            await self._downstream.resource(SECRETS, space).apply(body, field_manager=FIELD_MANAGER, force=True)
        except StatusError as error:
            self._namespaces.forget(space)
            why = error.reason or error.code
            raise NoToken(f"the pcluster does not take the Secret with the token of {account}: {why}") from None
        self._applied[key] = held

    async def _delete(self, key: str, space: str) -> Result | None:
        """Delete the Secret of an account that nobody uses, as far as is known for certain."""
        secret = self._secret(key)
        if secret is None or account_of_secret(secret) is None:
            self._applied.pop(key, None)
            self._locks.pop(key, None)
            return None
        if not self._usage.known:
            return Result(requeue_after_seconds=_NOT_KNOWN_RETRY_SECONDS)
        client = self._downstream.resource(SECRETS, space)
        name, seen = secret_name(split_key(key)[2]), resource_version(secret)
        try:
            await client.delete(name, uid=uid(secret), resource_version=seen)
        except NotFound:
            return None
        except Conflict:
            return Result(requeue_after_seconds=_NOT_KNOWN_RETRY_SECONDS)
        log.info("deleted the token of an account that nothing runs as", account=key)
        return None
