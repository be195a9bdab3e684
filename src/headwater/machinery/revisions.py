"""Numbers that API servers count up, as others write them: resourceVersions and generations.

A resourceVersion is a number on every API server that keeps its objects in etcd, though clients are told not to count
on it; so what is none says nothing, and a server that lies, or a person who edits, may send digits without an end.
"""

from __future__ import annotations

from typing import Final

_LONGEST: Final = 19
"""Digits of the largest number that fits into the 64 bits that API servers count with."""


def counted(text: str) -> int | None:
    """The number that a text is in decimal digits; None for any other, and for more than 19 digits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST else None


def is_before(one: str, other: str) -> bool:
    """Whether a resourceVersion is an earlier one than another of the same server; False when that can't be told."""
    earlier, later = counted(one), counted(other)
    return earlier is not None and later is not None and earlier < later
