"""Field selectors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.machinery.fields import EVERYTHING, FieldSelector, parse_field_selector

PARSED = [
    ("", ()),
    ("a=b", (("a", "=", "b"),)),
    ("a==b,c!=d", (("a", "=", "b"), ("c", "!=", "d"))),
    ("metadata.name=", (("metadata.name", "=", ""),)),
    (r"a=x\,y\=z\\", (("a", "=", "x,y=z\\"),)),
    ("a=b,,", (("a", "=", "b"),)),
]


@pytest.mark.parametrize(("text", "requirements"), PARSED)
def test_parsing(text: str, requirements: tuple[tuple[str, str, str], ...]) -> None:
    """Both spellings of equality are one; values may be escaped."""
    selector = parse_field_selector(text)
    assert selector.requirements == requirements
    assert selector.empty is (not requirements)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a", "invalid selector: 'a'; can't understand 'a'"),
        ("a=b,c", "invalid selector: 'a=b,c'; can't understand 'c'"),
        (r"a=\x", "invalid escape sequence"),
        ("a=b=c", "unescaped character in value"),
        ("a=b\\", "invalid escape sequence"),
    ],
)
def test_refusals(text: str, message: str) -> None:
    """What can't be read is an error that quotes it."""
    with pytest.raises(ValueError) as caught:
        parse_field_selector(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "matches"),
    [("", True), ("a=1", True), ("a!=1", False), ("a=1,b!=2", True), ("b=", True), ("b!=", False)],
)
def test_matching(text: str, matches: bool) -> None:
    """An absent field counts as an empty one."""
    assert parse_field_selector(text).matches(lambda field: {"a": "1"}.get(field, "")) is matches


def test_exact_values_turn_lists_into_lookups() -> None:
    """Only equality fixes a value."""
    selector = parse_field_selector("metadata.name=x,spec.y!=z")
    assert selector.exact_value("metadata.name") == "x"
    assert selector.exact_value("spec.y") is None
    assert selector == FieldSelector(selector.requirements)
    assert len({selector, FieldSelector(selector.requirements), EVERYTHING}) == 2
    assert selector != "x"


@given(st.lists(st.tuples(st.sampled_from(["a", "b.c"]), st.sampled_from(["=", "!="]), st.text()), max_size=3))
def test_text_reads_back(requirements: list[tuple[str, str, str]]) -> None:
    """Whatever the values contain, the printed selector means the same."""
    selector = FieldSelector(tuple(requirements))
    assert parse_field_selector(str(selector)) == selector
