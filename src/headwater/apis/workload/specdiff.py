"""The text of spec diffs: a user's own operations, and ours behind them (pure).

A spec diff is an RFC 6902 patch of one target's `.spec`, which users write too. Our operations have a form that no
encoder produces, stand at the end, and leave the user's text as it is, so that either can change without the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from headwater.base import jsonio

_LAST: Final = re.compile(
    r"(?P<before>\[|, )"
    r'\{ "op": "(?:replace|add)", "path": "(?P<path>/[A-Za-z0-9_/-]+)", "value": (?P<value>[0-9]{1,10}) \}\]\Z'
)
_MAX_OURS: Final = 2
_MAX_OURS_CHARACTERS: Final = 700
"""More than the longest of our operations has; the rest of a text is not searched."""

REPLICAS: Final = "/replicas"


@dataclass(frozen=True, slots=True)
class SpecDiff:
    """`theirs` is a user's text, empty for none; `ours` are the values that we set, by path."""

    theirs: str = ""
    ours: Mapping[str, int] = field(default_factory=dict)

    def overrides(self, path: str) -> bool:
        """Whether the user's own operations touch the path, or can't be read: then it is not ours to set."""
        if not self.theirs:
            return False
        try:
            operations = jsonio.loads(self.theirs)
        except ValueError:
            return True
        if not isinstance(operations, list):
            return True
        return any(_touches(operation, path) for operation in operations)


def read_spec_diff(text: str | None) -> SpecDiff:
    """Take the text of an annotation apart."""
    rest = text or ""
    ours: dict[str, int] = {}
    while len(ours) < _MAX_OURS:
        found = _LAST.search(rest, max(len(rest) - _MAX_OURS_CHARACTERS, 0))
        if found is None:
            break
        ours[found["path"]] = int(found["value"])
        rest = rest[: found.start()] + ("[]" if found["before"] == "[" else "]")
    return SpecDiff("" if rest == "[]" else rest, dict(reversed(ours.items())))


def write_spec_diff(diff: SpecDiff) -> str | None:
    """The text for an annotation, None for none. Ours are added only behind a list of operations."""
    operations = ", ".join(
        f'{{ "op": "{"replace" if path == REPLICAS else "add"}", "path": "{path}", "value": {value} }}'
        for path, value in diff.ours.items()
    )
    if not operations:
        return diff.theirs or None
    theirs = diff.theirs.strip()
    if theirs in ("", "[]"):
        return f"[{operations}]"
    return f"{theirs.removesuffix(']').rstrip()}, {operations}]"


def _touches(operation: Any, path: str) -> bool:
    if not isinstance(operation, dict):
        return True
    places = [operation.get("path")]
    if operation.get("op") == "test":
        return False
    if operation.get("op") == "move":
        places.append(operation.get("from"))
    return any(not isinstance(place, str) or f"{path}/".startswith(f"{place}/") for place in places)
