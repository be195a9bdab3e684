"""The two tokens of a syncer: one to get in for the first time, and the one that it then lives on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from headwater.apis.sync.v1alpha1.credentials import BOOTSTRAP_ISSUER
from headwater.apis.sync.v1alpha1.identity import SyncerIdentity, parse_identity
from headwater.apiserver.authn.tokens import TokenIssuer
from headwater.base.clock import Clock
from headwater.base.ids import new_uid
from headwater.machinery.errors import Unauthorized

CREDENTIAL_ISSUER: Final = "kcp.io/syncer"
_EPOCH: Final = "sync.kcp.io/epoch"


@dataclass(frozen=True, slots=True)
class SyncerClaims:
    """What a genuine token says: whose it is, when it ends, and for a credential which epoch it is of."""

    identity: SyncerIdentity
    expires_at: datetime
    token_id: str
    epoch: str = ""
    audiences: tuple[str, ...] = ()


class SyncerTokens:
    """Makes both tokens and reads them back. Each has an issuer of its own, so neither passes for the other, nor for a
    service account's.

    Reading checks signature and form. Whether a token has expired, was used, or is of a SyncTarget that is gone is for
    the caller to find out, who can say so. There is no "not before": a hub whose clock was set back must not shut out
    its syncers.
    """

    def __init__(self, issuer: TokenIssuer, *, clock: Clock) -> None:
        self._issuer = issuer
        self._clock = clock

    @property
    def audience(self) -> str:
        """The audience of credentials: the server's own."""
        return self._issuer.issuer

    def issue_bootstrap(self, identity: SyncerIdentity, seconds: int) -> tuple[str, datetime]:
        """A bootstrap token and when it expires."""
        return self._issue(identity, seconds, {"iss": BOOTSTRAP_ISSUER, "aud": [BOOTSTRAP_ISSUER]})

    def issue_credential(self, identity: SyncerIdentity, epoch: str, seconds: int) -> tuple[str, datetime]:
        """A credential and when it expires."""
        return self._issue(identity, seconds, {"iss": CREDENTIAL_ISSUER, "aud": [self.audience], _EPOCH: epoch})

    def read_bootstrap(self, token: str) -> SyncerClaims:
        """Raises Unauthorized for anything but a bootstrap token that we made."""
        claims = self._issuer.read_claims(token, BOOTSTRAP_ISSUER)
        if claims is None:
            raise Unauthorized("this is no bootstrap token of this control plane")
        return _parsed(claims)

    def read_credential(self, token: str) -> SyncerClaims | None:
        """None for tokens of another kind. Raises Unauthorized."""
        claims = self._issuer.read_claims(token, CREDENTIAL_ISSUER)
        return _parsed(claims) if claims is not None else None

    def _issue(self, identity: SyncerIdentity, seconds: int, claims: dict[str, Any]) -> tuple[str, datetime]:
        now = self._clock.now().astimezone(UTC).replace(microsecond=0)
        expires = now + timedelta(seconds=seconds)
        times = {"iat": int(now.timestamp()), "exp": int(expires.timestamp()), "jti": new_uid()}
        return self._issuer.sign({**claims, **times, "sub": str(identity)}), expires


def digest_of(text: str) -> str:
    """The hash under which a token is kept."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _parsed(claims: dict[str, Any]) -> SyncerClaims:
    try:
        identity = parse_identity(claims["sub"])
        audiences = claims["aud"]
        if identity is None or not isinstance(audiences, list):
            raise ValueError("not of the form that we give")
        expires = datetime.fromtimestamp(claims["exp"], UTC)
        return SyncerClaims(identity, expires, str(claims["jti"]), str(claims.get(_EPOCH, "")), tuple(audiences))
    except (KeyError, TypeError, ValueError, OverflowError):
        raise Unauthorized("the token lacks required claims") from None
