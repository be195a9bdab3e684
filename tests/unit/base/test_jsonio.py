"""JSON: duplicate keys by path, ready bytes, lenient output."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.base import jsonio

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        pytest.param('{"a":1,"b":2}', [], id="none"),
        pytest.param('{"a":1,"a":2}', ["a"], id="top"),
        pytest.param('{"spec":{"x":1,"x":2}}', ["spec.x"], id="nested"),
        pytest.param('{"l":[{"x":1},{"x":1,"x":2}]}', ["l[1].x"], id="in a list"),
        pytest.param('{"a":1,"a":2,"a":3}', ["a"], id="each path once"),
        pytest.param('{"a":{"b":1,"b":1},"a":{"c":1,"c":1}}', ["a.b", "a", "a.c"], id="in what is overwritten"),
    ],
)
def test_duplicate_keys_are_named_by_path(text: str, paths: list[str]) -> None:
    """Each key that occurs twice in one object is reported once, by its path, in reading order."""
    value, found = jsonio.loads_checking_duplicates(text)
    assert found == paths
    assert value == jsonio.loads(text)


@given(json_values)
def test_values_without_duplicates_survive_the_check(value: object) -> None:
    """Whatever we encode has no duplicates and comes back the same."""
    assert jsonio.loads_checking_duplicates(jsonio.dumps(value)) == (value, [])


def test_malformed_and_too_deep_documents_are_decode_errors() -> None:
    """Both are the client's fault and must not become crashes."""
    with pytest.raises(jsonio.DecodeError):
        jsonio.loads_checking_duplicates(b'{"a":')
    with pytest.raises(jsonio.DecodeError):
        jsonio.loads_checking_duplicates(b"[" * 100_000)


def test_fragments_are_spliced_as_they_are() -> None:
    """Stored bytes go into an answer without being decoded."""
    assert jsonio.dumps({"items": [jsonio.Fragment(b'{"a" :1}')]}) == b'{"items":[{"a" :1}]}'


def test_sorted_and_pretty_output() -> None:
    """Hashable output sorts keys; output for files is indented and ends its last line."""
    assert jsonio.dumps_sorted({"b": 1, "a": 2}) == b'{"a":2,"b":1}'
    assert jsonio.dumps_pretty({"b": 1, "a": 2}) == b'{\n  "b": 1,\n  "a": 2\n}\n'
    assert jsonio.dumps_pretty({"b": 1, "a": 2}, sort_keys=True) == b'{\n  "a": 2,\n  "b": 1\n}\n'


def test_lenient_output_takes_anything() -> None:
    """Logs must not fail because of what is logged."""
    assert jsonio.dumps_lenient({1: {"x"}}) == b'{"1":"{\'x\'}"}'
    assert jsonio.dumps_lenient("\ud800") == b'"?"'
    assert b"ud800" in jsonio.dumps_lenient({"x": "\ud800"})
