"""The token that all connections to the control plane send: it changes under them, and none has to be made anew."""

from __future__ import annotations

from collections.abc import Callable


class HeldToken:
    """A token source, see `client.connection.TokenSource`."""

    def __init__(self) -> None:
        self.value = ""
        self.on_refused: Callable[[], None] = lambda: None

    def token(self) -> str:
        return self.value

    def refused(self) -> None:
        self.on_refused()
