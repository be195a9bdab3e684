"""Continue tokens: where a paginated list goes on, and at which revision."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from headwater.base import jsonio
from headwater.machinery.errors import BadRequest, Expired
from headwater.machinery.objects import Object

_VERSION = "meta.k8s.io/v1"
_LATEST = -1

EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True, slots=True)
class Position:
    """The last key of the page before, below the list's prefix. `revision` None goes on with what is there now."""

    start_after: str
    revision: int | None


class ContinueExpired(Expired):
    """The snapshot of a token is gone; its Status carries a token for the inconsistent rest."""

    def __init__(self, token: str) -> None:
        super().__init__(EXPIRED)
        self.token = token

    def to_status(self) -> Object:
        status = super().to_status()
        status["metadata"] = {"continue": self.token}
        return status


def encode(position: Position) -> str:
    """The opaque token for a position."""
    revision = _LATEST if position.revision is None else position.revision
    data = jsonio.dumps({"v": _VERSION, "rv": revision, "start": position.start_after})
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode(token: str) -> Position:
    """The position of a token. Raises BadRequest for what isn't one."""
    try:
        data = jsonio.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        version, revision, start = data["v"], data["rv"], data["start"]
    except (binascii.Error, jsonio.DecodeError, KeyError, TypeError, ValueError):
        raise BadRequest("continue key is not valid: the token can't be decoded") from None
    good = version == _VERSION and isinstance(revision, int) and isinstance(start, str) and bool(start)
    if not good or ".." in start.split("/"):
        raise BadRequest("continue key is not valid: the token was not made by this server")
    return Position(start, None if revision == _LATEST else revision)
