"""What a session needs of the connection below it: whole messages in both directions."""

from __future__ import annotations

from typing import Protocol


class LinkBroken(Exception):
    """The connection below a session ended; the message says why, for people."""


class Link(Protocol):
    """Carries binary messages, each of at most `frames.MAX_MESSAGE_BYTES`, in order."""

    async def send(self, message: bytes) -> None:
        """Send; returns when the connection takes more. Raises LinkBroken."""
        ...

    async def receive(self) -> bytes:
        """The next message. Raises LinkBroken at the end, too."""
        ...

    async def close(self, reason: str) -> None:
        """Say goodbye and end the connection."""
        ...
