"""What a syncer keeps of its credential, and the text of that (pure)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from headwater.base import jsonio
from headwater.machinery.timestamps import format_time, parse_time


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialState:
    """A claimant and what it got.

    ``bootstrap`` is the hash of the bootstrap token that ``claimant``, a secret, exchanges, or did once ``exchanged``
    is true. ``token`` is empty before the first credential, and one from before while a newer bootstrap token waits.
    ``received`` is a time of our own clock, which may differ from the control plane's; ``lifetime_seconds`` counts
    from then.
    """

    bootstrap: str
    claimant: str = field(repr=False)
    exchanged: bool = False
    token: str = field(default="", repr=False)
    received: datetime | None = None
    lifetime_seconds: int = 0

    def age(self, now: datetime) -> float:
        """Seconds since the credential came; none by a clock that was set back."""
        return max((now - self.received).total_seconds(), 0.0) if self.received is not None else 0.0


def hash_of(token: str) -> str:
    """The hash by which a bootstrap token is known again."""
    return hashlib.sha256(token.encode()).hexdigest()


def encode(state: CredentialState, sync_target_uid: str) -> bytes:
    """The text to keep."""
    document = {
        "syncTargetUID": sync_target_uid,
        "bootstrap": state.bootstrap,
        "claimant": state.claimant,
        "exchanged": state.exchanged,
        "token": state.token,
        "received": format_time(state.received) if state.received is not None else "",
        "lifetimeSeconds": state.lifetime_seconds,
    }
    return jsonio.dumps(document)


def decode(text: bytes, sync_target_uid: str) -> CredentialState | None:
    """What was kept; None for what is damaged, or of another SyncTarget: a bootstrap token is needed then."""
    try:
        document: Any = jsonio.loads(text)
        if document["syncTargetUID"] != sync_target_uid:
            return None
        return CredentialState(
            bootstrap=str(document["bootstrap"]),
            claimant=str(document["claimant"]),
            exchanged=bool(document["exchanged"]),
            token=str(document["token"]),
            received=parse_time(document["received"]) if document["received"] else None,
            lifetime_seconds=int(document["lifetimeSeconds"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
