"""Hashes that fit into names and label keys: SHA-224 written in base 36 or base 62."""

from __future__ import annotations

import hashlib

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def base36_sha224(data: str | bytes) -> str:
    """Lower-case base 36, one leading ``0`` for each leading zero byte: fit for DNS labels."""
    return base36(_sha224(data))


def base62_sha224(data: str | bytes) -> str:
    """Base 62 (digits, lower case, upper case) without padding, at most 38 characters: fit for label keys."""
    return base62(_sha224(data))


def base36(data: bytes) -> str:
    """Bytes as one big-endian number in base 36, one leading ``0`` for each leading zero byte."""
    number = int.from_bytes(data, "big")
    zeros = len(data) - len(data.lstrip(b"\0"))
    return "0" * zeros + (_in_base(number, 36) if number else "")


def base62(data: bytes) -> str:
    """Bytes as one big-endian number in base 62, without padding."""
    return _in_base(int.from_bytes(data, "big"), 62)


def _sha224(data: str | bytes) -> bytes:
    return hashlib.sha224(data.encode() if isinstance(data, str) else data).digest()


def _in_base(number: int, base: int) -> str:
    if number == 0:
        return "0"
    digits = []
    while number:
        number, digit = divmod(number, base)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
