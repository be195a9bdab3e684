"""Gives, exchanges, renews and revokes the credentials of one SyncTarget's syncer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from headwater.apis.sync.v1alpha1.credentials import (
    CREDENTIALS_ANNOTATION,
    REASON_ALL_REVOKED,
    REASON_EXPIRED,
    REASON_ISSUED,
    REASON_RECREATED,
    REASON_WRONG_TARGET,
    CredentialRecord,
    TokenRefused,
    annotation_of,
    record_of,
)
from headwater.apis.sync.v1alpha1.identity import SyncerIdentity
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.base.clock import Clock
from headwater.base.ids import new_uid
from headwater.client.dynamic import ClusterClient
from headwater.controlplane.syncers.tokens import SyncerClaims, SyncerTokens, digest_of
from headwater.machinery.errors import Conflict, InternalError, NotFound, Unauthorized
from headwater.machinery.objects import Object, resource_version, uid
from headwater.machinery.timestamps import format_time
from headwater.virtual.credentials.notices import CredentialNotices

DEFAULT_BOOTSTRAP_SECONDS: Final = 3600
DEFAULT_CREDENTIAL_SECONDS: Final = 24 * 3600
_ATTEMPTS: Final = 10

Change = Callable[[CredentialRecord], CredentialRecord]


@dataclass(frozen=True, slots=True)
class Issued:
    """A token and when it expires."""

    token: str
    expires: datetime


class CredentialIssuer:
    """Works on the record in the SyncTarget's annotation, in which of two writers one always has to start again: so a
    bootstrap token is taken by one syncer, however many try at once, and in however many processes.
    """

    def __init__(self, cluster_client: ClusterClient, tokens: SyncerTokens, clock: Clock) -> None:
        self._cluster_client = cluster_client
        self._tokens = tokens
        self._clock = clock
        self._notices = CredentialNotices(cluster_client, clock)

    async def bootstrap(self, identity: SyncerIdentity, seconds: int) -> Issued:
        """A new bootstrap token. Raises NotFound when there is no SyncTarget of this name and UID."""
        loop = asyncio.get_running_loop()
        token, expires = await loop.run_in_executor(None, self._tokens.issue_bootstrap, identity, seconds)
        digest, now = digest_of(token), self._clock.now()

        def grant(record: CredentialRecord) -> CredentialRecord:
            return replace(record, epoch=record.epoch or new_uid()).granting(digest, expires, now)

        await self._change(identity, grant)
        return Issued(token, expires)

    async def revoke(self, identity: SyncerIdentity) -> None:
        """Void everything that was given out until now. Raises NotFound."""
        target, _ = await self._change(identity, lambda record: CredentialRecord(epoch=new_uid()))
        message = "all credentials and bootstrap tokens of the syncer were revoked"
        await self._notices.tell(target, REASON_ALL_REVOKED, message, warning=False)

    async def genuine(self, token: str) -> SyncerClaims:
        """What a bootstrap token says, whether it counts or not. Raises Unauthorized for one that we did not make."""
        return await asyncio.get_running_loop().run_in_executor(None, self._tokens.read_bootstrap, token)

    async def exchange(
        self, claims: SyncerClaims, wanted: SyncerIdentity, *, token: str, claimant: str, seconds: int
    ) -> Issued:
        """A credential for a bootstrap token.

        Raises Unauthorized with the reason, which goes to the SyncTarget of the token as an Event too.
        """
        identity = claims.identity
        targets = self._cluster_client.cluster(identity.cluster).resource(SYNC_TARGETS)
        try:
            target = await targets.get(identity.name)
        except NotFound:
            raise Unauthorized(f"SyncTarget {identity.name!r} of the bootstrap token is gone") from None
        try:
            if uid(target) != identity.uid:
                why = f"the bootstrap token is for SyncTarget {identity.name!r} as it was before it was created anew"
                raise TokenRefused(REASON_RECREATED, why)
            if wanted != identity:
                why = f"the bootstrap token is for SyncTarget {identity.name!r} with UID {identity.uid}, and no other"
                raise TokenRefused(REASON_WRONG_TARGET, why)
            now = self._clock.now()
            if claims.expires_at <= now:
                why = f"the bootstrap token has expired at {format_time(claims.expires_at)}"
                raise TokenRefused(REASON_EXPIRED, why)
            digest, by = digest_of(token), digest_of(claimant)
            target, record = await self._change(identity, lambda known: known.claimed(digest, by, now))
        except TokenRefused as refused:
            await self._notices.tell(target, refused.reason, str(refused), warning=True)
            raise Unauthorized(str(refused)) from None
        except NotFound:
            raise Unauthorized(f"SyncTarget {identity.name!r} of the bootstrap token is gone") from None
        issued = await self.issue(identity, record.epoch, seconds)
        await self._notices.tell(
            target, REASON_ISSUED, "a syncer exchanged a bootstrap token for its credential", warning=False
        )
        return issued

    async def issue(self, identity: SyncerIdentity, epoch: str, seconds: int) -> Issued:
        """A credential of an epoch; one that is over makes it void."""
        loop = asyncio.get_running_loop()
        return Issued(*await loop.run_in_executor(None, self._tokens.issue_credential, identity, epoch, seconds))

    async def _change(self, identity: SyncerIdentity, change: Change) -> tuple[Object, CredentialRecord]:
        """The SyncTarget with its record changed. Raises NotFound, and what ``change`` raises."""
        targets = self._cluster_client.cluster(identity.cluster).resource(SYNC_TARGETS)
        for attempt in range(_ATTEMPTS):
            target = await targets.get(identity.name)
            if uid(target) != identity.uid:
                raise NotFound(f"SyncTarget {identity.name!r} with UID {identity.uid!r} does not exist")
            try:
                before = record_of(target)
            except ValueError as error:
                raise InternalError(str(error)) from None
            after = change(before)
            if after == before:
                return target, after
            meta = {
                "uid": identity.uid,
                "resourceVersion": resource_version(target),
                "annotations": {CREDENTIALS_ANNOTATION: annotation_of(after)},
            }
            try:
                return await targets.patch(identity.name, {"metadata": meta}), after
            except Conflict:
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("the loop returns or raises")
