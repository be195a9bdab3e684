"""Who is asking: the identity value and the one method that every way of authenticating has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from headwater.apiserver.web.types import Request

Extra = Mapping[str, tuple[str, ...]]
NO_EXTRA: Final[Extra] = MappingProxyType({})

ALL_AUTHENTICATED: Final = "system:authenticated"
ALL_UNAUTHENTICATED: Final = "system:unauthenticated"
ANONYMOUS: Final = "system:anonymous"
PRIVILEGED_GROUP: Final = "system:masters"


@dataclass(frozen=True, slots=True)
class UserInfo:
    """A user as Kubernetes sees one: a name, an optional uid, groups, and extra values under string keys."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Extra = field(default_factory=lambda: NO_EXTRA)


NOBODY: Final = UserInfo(name="")
"""The user of a request that nothing has authenticated yet; never the result of authentication."""


class Authenticator(Protocol):
    """One way of telling who sent a request."""

    async def authenticate(self, request: Request) -> UserInfo | None:
        """The user; None when the request carries no credential of this kind.

        Raises machinery.errors.Unauthorized when it carries one and that is not valid.
        """
        ...


class TokenAuthenticator(Protocol):
    """One way of telling whose bearer token this is."""

    async def authenticate_token(self, token: str, audiences: tuple[str, ...] = ()) -> UserInfo | None:
        """The owner of the token; None when tokens of this form are not ours.

        `audiences` empty means the server's own. Raises Unauthorized for a token of ours that is not valid (any more).
        """
        ...
