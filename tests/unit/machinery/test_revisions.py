"""resourceVersions as numbers, whatever others send for one."""

from __future__ import annotations

import pytest

from headwater.machinery.revisions import counted, is_before

NUMBERS = {"0": 0, "17": 17, "9223372036854775807": 2**63 - 1, "": None, "a": None, "-1": None, "1.0": None, " 1": None,
           "²": None, "٣": None, "9" * 20: None, "9" * 5000: None}  # fmt: skip


@pytest.mark.parametrize(("text", "number"), NUMBERS.items(), ids=lambda value: str(value)[:20])
def test_counted(text: str, number: int | None) -> None:
    assert counted(text) == number


@pytest.mark.parametrize(
    ("one", "other", "before"),
    [("9", "10", True), ("10", "9", False), ("9", "9", False), ("", "9", False), ("9", "", False), ("²", "9", False),
     ("9", "9" * 5000, False)],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_is_before(one: str, other: str, before: bool) -> None:
    assert is_before(one, other) is before
