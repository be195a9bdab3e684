"""What the control plane remembers of a syncer's credentials, in an annotation of its SyncTarget (pure).

Nothing of it is a credential: bootstrap tokens are kept as hashes, and the epoch only says which credentials still
count. Nobody but the control plane changes the annotation, see `controlplane/admission/synctarget.py`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from headwater.apis.sync.v1alpha1.identity import SyncerIdentity, parse_identity
from headwater.base import jsonio
from headwater.machinery.objects import Object
from headwater.machinery.timestamps import format_time, parse_time

BOOTSTRAP_ISSUER: Final = "kcp.io/syncer-bootstrap"
"""Who made a bootstrap token, as its claim `iss` says."""
CREDENTIALS_SERVICE: Final = "syncer-credentials"
"""Name of the virtual workspace below `/services/`; then cluster, name and UID of the SyncTarget, and an action."""
CREDENTIALS_ANNOTATION: Final = "internal.sync.kcp.io/credentials"
CREDENTIALS_SUBRESOURCE: Final = "credentials"
"""RBAC on `synctargets/credentials`: `create` makes bootstrap tokens, `delete` revokes all credentials."""
MAX_GRANTS: Final = 8

CONDITION_CREDENTIALS_EXPIRING: Final = "CredentialsExpiring"
"""True while the syncer can't renew its credential; the message says until when it has one, and why. Absent else."""
REASON_RENEWAL_FAILED: Final = "RenewalFailed"

REASON_USED: Final = "BootstrapTokenUsed"
REASON_EXPIRED: Final = "BootstrapTokenExpired"
REASON_REVOKED: Final = "BootstrapTokenRevoked"
REASON_WRONG_TARGET: Final = "BootstrapTokenMisused"
REASON_RECREATED: Final = "SyncTargetRecreated"
REASON_ISSUED: Final = "CredentialIssued"
REASON_ALL_REVOKED: Final = "CredentialsRevoked"


def bootstrap_identity(token: str) -> SyncerIdentity | None:
    """Whose a bootstrap token says that it is, which proves nothing; None for any other credential."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = jsonio.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    if not isinstance(claims, dict) or claims.get("iss") != BOOTSTRAP_ISSUER:
        return None
    return parse_identity(str(claims.get("sub")))


class TokenRefused(Exception):
    """A bootstrap token that is genuine and does not count. ``reason`` is CamelCase, for an Event."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Grant:
    """One bootstrap token: the hash of it, until when it counts, and the hash of who took it; "" while nobody did."""

    digest: str
    expires: datetime
    claimant: str = ""


@dataclass(frozen=True, slots=True)
class CredentialRecord:
    """The bootstrap tokens that were given out, oldest first, and the epoch that credentials have to be of."""

    epoch: str = ""
    grants: tuple[Grant, ...] = ()

    def granting(self, digest: str, expires: datetime, now: datetime) -> CredentialRecord:
        """With one more token. Those that expired go, and above eight the oldest ones."""
        kept = [grant for grant in self.grants if grant.expires > now]
        return replace(self, grants=(*kept, Grant(digest, expires))[-MAX_GRANTS:])

    def claimed(self, digest: str, claimant: str, now: datetime) -> CredentialRecord:
        """With a token taken by a claimant. The same claimant may come again, as its first answer can get lost.

        Raises TokenRefused.
        """
        grant = next((each for each in self.grants if each.digest == digest), None)
        if grant is None:
            raise TokenRefused(REASON_REVOKED, "the bootstrap token was revoked, or newer ones took its place")
        if grant.expires <= now:
            raise TokenRefused(REASON_EXPIRED, f"the bootstrap token has expired at {format_time(grant.expires)}")
        if grant.claimant not in ("", claimant):
            raise TokenRefused(REASON_USED, "the bootstrap token was used already, and counts only once")
        taken = replace(grant, claimant=claimant)
        return replace(self, grants=tuple(taken if each is grant else each for each in self.grants))


def record_of(sync_target: Mapping[str, Any]) -> CredentialRecord:
    """What a SyncTarget says. Raises ValueError for an annotation that nobody but a restore by hand can have left."""
    text = ((sync_target.get("metadata") or {}).get("annotations") or {}).get(CREDENTIALS_ANNOTATION)
    return _read(text) if text else CredentialRecord()


@lru_cache(maxsize=4096)
def _read(text: str) -> CredentialRecord:
    # Asked for with each request of a syncer, and the same until somebody gives or revokes credentials.
    try:
        stored = jsonio.loads(text)
        grants = (Grant(each["hash"], parse_time(each["expires"]), each.get("by", "")) for each in stored["tokens"])
        return CredentialRecord(str(stored["epoch"]), tuple(grants))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"annotation {CREDENTIALS_ANNOTATION} is damaged") from error


def annotation_of(record: CredentialRecord) -> str:
    """The text of the annotation."""
    tokens: list[Object] = [
        {
            "hash": grant.digest,
            "expires": format_time(grant.expires),
            **({"by": grant.claimant} if grant.claimant else {}),
        }
        for grant in record.grants
    ]
    return jsonio.dumps({"epoch": record.epoch, "tokens": tokens}).decode()
