"""Syncers as users: a credential counts only while its SyncTarget exists, with this UID, and has not revoked it."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator
from datetime import datetime
from http import HTTPStatus
from typing import Final

from headwater.apis.sync.v1alpha1.credentials import record_of
from headwater.apis.sync.v1alpha1.identity import SYNCERS_GROUP, SyncerIdentity, identity_of_user
from headwater.apis.sync.v1alpha1.synctarget import GROUP, SYNC_TARGETS
from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.authn.tokens import peek_claims
from headwater.apiserver.web.types import AnyResponse, Handler, Request, StreamResponse
from headwater.base.clock import Clock
from headwater.controlplane.authorization.identities import SCOPES_EXTRA
from headwater.controlplane.syncers.tokens import CREDENTIAL_ISSUER, SyncerClaims, SyncerTokens
from headwater.machinery.errors import Unauthorized
from headwater.machinery.timestamps import format_time, parse_time
from headwater.storage.keys import build_key, resource_prefix
from headwater.storage.watchcache import CacheSet

EPOCH_EXTRA: Final = "sync.kcp.io/credential-epoch"
EXPIRES_EXTRA: Final = "sync.kcp.io/credential-expires"
_CREDENTIAL_ID: Final = "authentication.kubernetes.io/credential-id"
_MAX_CACHED: Final = 4096


class SyncerAuthenticator:
    """Authenticates the credentials of syncers.

    The signature of a credential is checked once and remembered by the credential's hash; its expiry and its SyncTarget
    are looked at every time, so that a deletion or a revocation counts at once. The user is scoped to the logical
    cluster of its SyncTarget: in any other one it is a stranger, whatever roles its name is given there.
    """

    def __init__(self, tokens: SyncerTokens, caches: CacheSet, *, sync_identity: str, clock: Clock) -> None:
        self._tokens = tokens
        self._caches = caches
        self._prefix = resource_prefix(GROUP, SYNC_TARGETS.resource, sync_identity)
        self._clock = clock
        self._verified: OrderedDict[bytes, tuple[SyncerClaims, UserInfo]] = OrderedDict()

    async def authenticate_token(self, token: str, audiences: tuple[str, ...] = ()) -> UserInfo | None:
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        known = self._verified.get(digest)
        if known is None:
            claimed = peek_claims(token)
            if claimed is None or claimed.get("iss") != CREDENTIAL_ISSUER:
                return None
            # Off the loop: the first token loads the library, and every signature takes a while to check.
            claims = await asyncio.get_running_loop().run_in_executor(None, self._tokens.read_credential, token)
            if claims is None:
                return None
            known = self._verified[digest] = (claims, _user(claims))
            if len(self._verified) > _MAX_CACHED:
                self._verified.popitem(last=False)
        claims, user = known
        if not set(audiences or (self._tokens.audience,)) & set(claims.audiences):
            raise Unauthorized("the credential is for another audience")
        await self._check(claims.identity, claims.epoch, claims.expires_at)
        return user

    async def recheck(self, user: UserInfo) -> None:
        """Whether a syncer that logged in before would be let in now. Raises Unauthorized."""
        identity = identity_of_user(user.name)
        epochs, expiries = user.extra.get(EPOCH_EXTRA, ()), user.extra.get(EXPIRES_EXTRA, ())
        if identity is None or identity.uid != user.uid or len(epochs) != 1 or len(expiries) != 1:
            raise Unauthorized("not the identity of a syncer")
        await self._check(identity, epochs[0], parse_time(expiries[0]))

    async def _check(self, identity: SyncerIdentity, epoch: str, expires_at: datetime) -> None:
        if expires_at <= self._clock.now():
            raise Unauthorized("the credential has expired")
        cache = self._caches.loaded(self._prefix) or await self._caches.cache(self._prefix)
        found = cache.get(build_key(self._prefix, identity.cluster, "", identity.name))
        # The key is that of one logical cluster and name, so with the UID all three parts are equal.
        if found is None or found.decoded["metadata"].get("uid") != identity.uid:
            raise Unauthorized("the SyncTarget of the credential is gone")
        if "deletionTimestamp" in found.decoded["metadata"]:
            raise Unauthorized("the SyncTarget of the credential is being deleted")
        try:
            current = record_of(found.decoded).epoch
        except ValueError:
            raise Unauthorized("it can't be told whether the credential was revoked") from None
        if current != epoch:
            raise Unauthorized("the credential was revoked")


class SyncerStreams:
    """A filter that ends a syncer's open watches once its credential no longer counts: nothing more is told."""

    def __init__(self, authenticator: SyncerAuthenticator) -> None:
        self._authenticator = authenticator

    async def __call__(self, request: Request, following: Handler) -> AnyResponse:
        response = await following(request)
        if response.status == HTTPStatus.OK and isinstance(response, StreamResponse) and _is_syncer(request.user):
            response.chunks = self._while_allowed(response.chunks, request.user)
            response.events = None
        return response

    async def _while_allowed(self, chunks: AsyncIterator[bytes], user: UserInfo) -> AsyncIterator[bytes]:
        try:
            async for chunk in chunks:
                try:
                    await self._authenticator.recheck(user)
                except Unauthorized:
                    return
                yield chunk
        finally:
            close = getattr(chunks, "aclose", None)
            if close is not None:
                await close()


def _is_syncer(user: UserInfo) -> bool:
    return SYNCERS_GROUP in user.groups


def _user(claims: SyncerClaims) -> UserInfo:
    identity = claims.identity
    extra = {
        _CREDENTIAL_ID: (f"JTI={claims.token_id}",),
        SCOPES_EXTRA: (f"cluster:{identity.cluster}",),
        EPOCH_EXTRA: (claims.epoch,),
        EXPIRES_EXTRA: (format_time(claims.expires_at),),
    }
    return UserInfo(identity.user_name, identity.uid, (SYNCERS_GROUP,), extra)
