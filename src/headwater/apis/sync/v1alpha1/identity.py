"""As whom a syncer is known: a user that stands for one SyncTarget, told apart by its UID (pure).

A name is always taken apart into its three parts and compared by equality, never by a prefix: what looks like the name
of another SyncTarget's syncer is nobody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from headwater.machinery.objects import Object, cluster_name, name, uid

SYNCERS_GROUP: Final = "system:kcp:syncers"
"""Group of all syncers with a credential of their own."""
BOOTSTRAP_PREFIX: Final = "system:kcp:syncer-bootstrap"
"""What comes before the parts in the name under which the audit log shows the use of a bootstrap token."""
_PREFIX: Final = "system:kcp:syncer"
_CLUSTER = r"[a-z0-9](?:[-a-z0-9]{0,251}[a-z0-9])?"
_NAME = r"[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?"
_UID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_PARTS: Final = re.compile(rf"({_CLUSTER}):({_NAME}):({_UID})", re.ASCII)


@dataclass(frozen=True, slots=True)
class SyncerIdentity:
    """The SyncTarget that a syncer works for: logical cluster by name, name, and UID."""

    cluster: str
    name: str
    uid: str

    @property
    def user_name(self) -> str:
        """The name of the syncer as a user, for role bindings and in the audit log."""
        return f"{_PREFIX}:{self}"

    def __str__(self) -> str:
        return f"{self.cluster}:{self.name}:{self.uid}"


def identity_of_target(sync_target: Object) -> SyncerIdentity:
    """The identity of the syncer of a SyncTarget."""
    return SyncerIdentity(cluster_name(sync_target), name(sync_target), uid(sync_target))


def identity_of_user(user_name: str) -> SyncerIdentity | None:
    """The identity that a user name stands for; None when it is not exactly the name of a syncer."""
    if not user_name.startswith(f"{_PREFIX}:"):
        return None
    return parse_identity(user_name[len(_PREFIX) + 1 :])


def parse_identity(text: str) -> SyncerIdentity | None:
    """Read `<cluster>:<name>:<uid>`; None for anything that could not be a SyncTarget's."""
    parts = _PARTS.fullmatch(text)
    return SyncerIdentity(*parts.groups()) if parts is not None else None
