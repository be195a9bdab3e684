"""Regular expressions of schemas, matched in bounded time.

Kubernetes' patterns are RE2's, which never backtracks. Python's engine is faster for the usual ones but can take
exponential time, so a pattern goes to it only when its structure shows that it cannot; all others go to RE2 in the CEL
library. So do long values, values with line ends (where the engines' ``$`` differ), and RE2's own syntax.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from headwater.schema.backtracking import runs_directly
from headwater.schema.cel import re2_matches

MAX_DIRECT_LENGTH = 512
_LIBRARY_CALL = 40


class Pattern:
    """A pattern of a schema; ``matches`` searches it in a string.

    Raises ValueError for text that is no RE2 expression (only once it is matched, if it needs RE2).
    """

    __slots__ = ("_direct", "matches", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.matches: Callable[[str], bool] = _matcher(text)
        self._direct = runs_directly(text)

    def microseconds(self, value: str) -> int:
        """How long a match may take, estimated: quadratic in the length here, or a call of the library."""
        length = len(value)
        if self._direct and length <= MAX_DIRECT_LENGTH:
            return length * length >> 9
        return _LIBRARY_CALL + (length >> 9)


def pattern_error(text: str) -> str:
    """What is wrong with a pattern; "" if nothing is."""
    try:
        Pattern(text).matches("\n")
    except ValueError as error:
        return str(error)
    return ""


@lru_cache(maxsize=4096)
def _matcher(text: str) -> Callable[[str], bool]:
    direct = re.compile(text, re.ASCII).search if runs_directly(text) else None

    def matches(value: str) -> bool:
        if direct is not None and len(value) <= MAX_DIRECT_LENGTH and "\n" not in value:
            return direct(value) is not None
        return re2_matches(text, value)

    return matches
