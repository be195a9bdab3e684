"""What a workspace argument means."""

from __future__ import annotations

import pytest

from headwater.cli.workspace.naming import resolve, split

CASES = {
    "child": ("team", "root:org", "root:org:team"),
    "nested": ("a:b", "root", "root:a:b"),
    "slashes": ("a/b", "root", "root:a:b"),
    "absolute": (":root:x", "root:org", "root:x"),
    "root-first": ("root:x", "root:org", "root:x"),
    "up": ("..", "root:org:team", "root:org"),
    "up-and-down": ("..:b", "root:a", "root:b"),
    "here": (".", "root:a", "root:a"),
    "top": (":", "root:a:b", "root"),
    "home": ("~", "root:a", "~"),
    "nothing": ("", "root:a", "~"),
}


@pytest.mark.parametrize(("target", "current", "expected"), CASES.values(), ids=CASES)
def test_resolve(target: str, current: str, expected: str) -> None:
    assert resolve(target, current) == expected


def test_nothing_is_above_the_top() -> None:
    with pytest.raises(ValueError, match="no parent"):
        resolve("..", "root")


def test_split() -> None:
    assert split("root:a:b") == ("root:a", "b")
    assert split("root") == ("", "root")
