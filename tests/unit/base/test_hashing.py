"""Hashes: the golden values that deployed syncers and label keys depend on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.base.hashing import base36, base36_sha224, base62, base62_sha224

LOCATOR = (
    '{"syncTarget":{"cluster":"root:org:ws","name":"us-west1","uid":"syncTargetUID"},'
    '"cluster":"root:org:ws","namespace":"%s"}'
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("test-cluster", "34sZi3721YwBLDHUuNVIOLxuYp5nEZBpsTQyDq"),
        ("c1", "aQtdeEWVcqU7h7AKnYMm3KRQ96U4oU2W04yeOa"),
        ("c2", "aPkhvUbGK0xoZIjMnM2pA0AuV1g7i4tBwxu5m4"),
        ("root:org:ws:us-west1", "6ohB8yeXhwqTQVuBzJRgqcRJTpRjX7yTZu5g5g"),
        (LOCATOR % "", "9Fn3Q4y5UDPmCOrYCujwdgCbD9SwOcKdcefYE7"),
    ],
)
def test_base62_golden(text: str, expected: str) -> None:
    """Sync target keys and tenant ids are these, for ever."""
    assert base62_sha224(text) == base62_sha224(text.encode()) == expected


@pytest.mark.parametrize(
    ("text", "length", "expected"),
    [
        (LOCATOR % "test", 12, "33jbiactwhg0"),
        ("syncTargetUID", 8, "1nuzj7pw"),
        ("root:org:ws", 8, "2fcy2vpi"),
        ("/clusters/root:compute", 8, "1pre20xf"),
        ("root:mylocations", 8, "13cc20op"),
    ],
)
def test_base36_golden(text: str, length: int, expected: str) -> None:
    """Downstream namespaces, syncer ids and binding names are these, for ever."""
    assert base36_sha224(text)[:length] == expected


@given(st.binary(max_size=40))
def test_encodings_are_numbers_in_their_base(data: bytes) -> None:
    """Base 36 keeps leading zero bytes as digits; base 62 drops them."""
    zeros = len(data) - len(data.lstrip(b"\0"))
    text = base36(data)
    assert text[:zeros] == "0" * zeros
    assert int(text[zeros:] or "0", 36) == int.from_bytes(data, "big")
    number = 0
    for char in base62(data):
        number = number * 62 + "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".index(char)
    assert number == int.from_bytes(data, "big")
