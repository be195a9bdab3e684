"""Service accounts as users: a valid token counts only while its account and the object it is bound to exist."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections import OrderedDict
from typing import Final, Protocol

from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.authn.serviceaccounts import account_groups, account_user_name
from headwater.apiserver.authn.tokens import TokenClaims, TokenIssuer
from headwater.base.clock import Clock
from headwater.machinery.errors import Unauthorized
from headwater.machinery.objects import Object
from headwater.storage.watchcache import CacheSet

CLUSTER_EXTRA: Final = "authentication.kcp.io/cluster-name"
_CREDENTIAL_ID: Final = "authentication.kubernetes.io/credential-id"
_MAX_CACHED: Final = 4096
_BOUND_RESOURCES: Final = {"pod": "pods", "secret": "secrets", "node": "nodes"}


class ObjectLookup(Protocol):
    """Reads objects of the core group that tokens depend on."""

    async def get(self, resource: str, cluster: str, namespace: str, name: str) -> Object | None:
        """The object as it is now, read-only; `namespace` is "" for a node. None when it doesn't exist."""
        ...


class CacheLookup:
    """Looks objects up in the watch caches, which are read on first use."""

    def __init__(self, caches: CacheSet) -> None:
        self._caches = caches

    async def get(self, resource: str, cluster: str, namespace: str, name: str) -> Object | None:
        prefix = f"/core/{resource}/-/"
        cache = self._caches.loaded(prefix) or await self._caches.cache(prefix)
        found = cache.get(f"{prefix}{cluster}/{namespace}/{name}" if namespace else f"{prefix}{cluster}/{name}")
        return found.decoded if found is not None else None


class ServiceAccountAuthenticator:
    """Authenticates service-account tokens.

    The signature of a token is checked once and remembered by the token's hash; its expiry, its account and what it is
    bound to are checked every time, so a deleted account is out at once. With `show_cluster` the user carries the
    logical cluster of the account as an extra.
    """

    def __init__(self, issuer: TokenIssuer, lookup: ObjectLookup, *, clock: Clock, show_cluster: bool = False) -> None:
        self._issuer = issuer
        self._lookup = lookup
        self._clock = clock
        self._show_cluster = show_cluster
        self._verified: OrderedDict[bytes, tuple[TokenClaims, UserInfo]] = OrderedDict()

    async def authenticate_token(self, token: str, audiences: tuple[str, ...] = ()) -> UserInfo | None:
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        known = self._verified.get(digest)
        if known is None:
            # Off the loop: the first token loads the library, and every signature takes a while to check.
            claims = await asyncio.get_running_loop().run_in_executor(None, self._issuer.read, token)
            if claims is None:
                return None
            known = (claims, self._user(claims))
            self._verified[digest] = known
            if len(self._verified) > _MAX_CACHED:
                self._verified.popitem(last=False)
        claims, user = known
        if claims.expires_at and claims.expires_at <= self._clock.now().timestamp():
            del self._verified[digest]
            raise Unauthorized("the service account token has expired")
        wanted = audiences or (self._issuer.issuer,)
        if not set(wanted) & set(claims.audiences):
            raise Unauthorized("the service account token is for another audience")
        await self._check_exists(claims, token)
        return user

    async def _check_exists(self, claims: TokenClaims, token: str) -> None:
        account = await self._lookup.get("serviceaccounts", claims.cluster, claims.namespace, claims.name)
        if account is None or account["metadata"].get("uid") != claims.uid or _is_ending(account):
            raise Unauthorized("the service account of the token is gone")
        if claims.secret_name:
            secret = await self._lookup.get("secrets", claims.cluster, claims.namespace, claims.secret_name)
            held = (secret or {}).get("data", {}).get("token", "")
            if not hmac.compare_digest(held, base64.b64encode(token.encode()).decode()):
                raise Unauthorized("the secret of the service account token is gone")
        bound = claims.bound
        if bound is not None:
            namespace = "" if bound.kind == "node" else claims.namespace
            held_by = await self._lookup.get(_BOUND_RESOURCES[bound.kind], claims.cluster, namespace, bound.name)
            if held_by is None or held_by["metadata"].get("uid") != bound.uid:
                raise Unauthorized("the object that the service account token is bound to is gone")

    def _user(self, claims: TokenClaims) -> UserInfo:
        extra: dict[str, tuple[str, ...]] = {}
        if claims.token_id:
            extra[_CREDENTIAL_ID] = (f"JTI={claims.token_id}",)
        bound = claims.bound
        if bound is not None and bound.kind in ("pod", "node"):
            extra[f"authentication.kubernetes.io/{bound.kind}-name"] = (bound.name,)
            extra[f"authentication.kubernetes.io/{bound.kind}-uid"] = (bound.uid,)
        if self._show_cluster:
            extra[CLUSTER_EXTRA] = (claims.cluster,)
        return UserInfo(
            account_user_name(claims.namespace, claims.name), claims.uid, account_groups(claims.namespace), extra
        )


def _is_ending(account: Object) -> bool:
    # A finalizer may keep a deleted account around for long; its tokens end with the deletion.
    return "deletionTimestamp" in account["metadata"]
