"""Patterns: which run directly, and that all of them answer like RE2 and in bounded time."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.schema.backtracking import QUANTITY, runs_directly
from headwater.schema.patterns import Pattern, pattern_error

TAME = [
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    r"^root(:[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$",
    r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$",
    r"^[^/]+/[^/]+$",
    r"^([a-z]+:)*x$",
    r"^[a-z]+(-[a-z]+)*$",
    r"^([0-9]{1,3}\.){3}[0-9]{1,3}$",
    r"^Always|Never$",
    r"^sha256:[a-f0-9]{64}$",
    r"\.",
    r"^.*$",
    r"\d+\D\s?\w",
    QUANTITY,
]
WILD = [
    r"^(a+)+$",
    r"^(a|aa)+$",
    r"^(a|a)*$",
    r"^a*a*a*b$",
    r".*.*x",
    r"^(,(a|aa))*$",
    r"^(,a?a?)*$",
    r"^(a?){30}a{30}$",
    r"^a?a?a?aaa$",
    r"[[:alpha:]]+",
    r"\pL",
    r"(?i)a",
    r"(?=a)",
    r"(a)\1",
    r"((",
]


@pytest.mark.parametrize("text", TAME)
def test_runs_directly(text: str) -> None:
    """Usual patterns need no second engine, and even their worst texts are quick."""
    assert runs_directly(text)
    for value in ("a" * 512 + "!", "a." * 200 + "!", "a-" * 200 + "!", "a:" * 200 + "!"):
        re.compile(text, re.ASCII).search(value)


@pytest.mark.parametrize("text", WILD)
def test_needs_re2(text: str) -> None:
    """What could take long, or reads differently in the two engines, does not run directly."""
    assert not runs_directly(text)


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        pytest.param(r"^a$", "a", True, id="direct"),
        pytest.param(r"^a$", "b", False, id="direct-mismatch"),
        pytest.param(r"^a$", "a\n", False, id="end-means-end-of-text"),
        pytest.param(r"^(a+)+$", "a" * 3000 + "!", False, id="would-take-for-ever"),
        pytest.param(r"^(a+)+$", "a" * 3000, True, id="long"),
        pytest.param(r"^[[:alpha:]]+$", "abc", True, id="posix-class"),
        pytest.param(r"^\d$", "٣", False, id="digits-are-ascii"),
        pytest.param(r'^"\\$', '"\\', True, id="quotes-and-backslashes"),
    ],
)
def test_matches(text: str, value: str, expected: bool) -> None:
    """The answer is RE2's."""
    assert Pattern(text).matches(value) is expected


@pytest.mark.parametrize("text", ["(?=a)", r"(a)\1", "(("])
def test_what_is_no_pattern(text: str) -> None:
    """Expressions that RE2 does not know are errors."""
    assert pattern_error(text).startswith("invalid regular expression")


def test_valid_patterns_have_no_error() -> None:
    """The check covers both engines."""
    assert [pattern_error(text) for text in (*TAME, WILD[0], WILD[9])] == [""] * (len(TAME) + 2)


ATOMS = st.sampled_from(["a", "b", "[ab]", "[^a]", ".", r"\d", "-"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: (
        st.tuples(inner, inner).map("".join)
        | inner.map(lambda text: f"({text})*")
        | inner.map(lambda text: f"({text})?")
        | st.tuples(inner, inner).map(lambda pair: f"({pair[0]}|{pair[1]})")
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(text=PATTERNS.map(lambda inner: f"^{inner}$"), value=st.text("ab-1", max_size=12))
def test_engines_agree(text: str, value: str) -> None:
    """Both engines answer the same, so it never matters which one ran."""
    assert Pattern(text).matches(value) is (re.search(text, value, re.ASCII) is not None)
