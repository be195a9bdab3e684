"""How long to wait before looking again whether something has come about that others have to do."""

from __future__ import annotations

from typing import Final

from headwater.controller.interface import Result

_FIRST_SECONDS: Final = 0.1
_MAX_SECONDS: Final = 5.0


class Patience:
    """Remembers for each key how often it was looked at: the first looks come soon, later ones every five seconds."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def look_again(self, key: str) -> Result:
        """The result of a pass that has to come again."""
        seconds = self._seconds.get(key, _FIRST_SECONDS)
        self._seconds[key] = min(seconds * 2, _MAX_SECONDS)
        return Result(requeue_after_seconds=seconds)

    def forget(self, key: str) -> None:
        """The object is gone."""
        self._seconds.pop(key, None)
