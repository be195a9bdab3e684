"""Warnings for people, as `Warning` headers, which kubectl prints."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_MAX_WARNINGS: Final = 32
_MAX_TEXT: Final = 256
_MAX_TOTAL: Final = 4096


def warning_headers(texts: Iterable[str]) -> list[tuple[str, str]]:
    """A header for each different text, within the size that clients are known to take."""
    headers: list[tuple[str, str]] = []
    total = 0
    for text in list(dict.fromkeys(texts))[:_MAX_WARNINGS]:
        printable = "".join(c if c.isprintable() else " " for c in text[:_MAX_TEXT])
        total += len(printable)
        if total > _MAX_TOTAL:
            break
        quoted = printable.replace("\\", "\\\\").replace('"', '\\"')
        headers.append(("Warning", f'299 - "{quoted}"'))
    return headers
