"""YAML: Kubernetes' reading of scalars, safe quoting, duplicate keys and alias bombs."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from headwater.base import yamlio

SCALARS = [
    ("2024-01-01", "2024-01-01"),
    ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
    ("10:30", "10:30"),
    ("1e3", 1000.0),
    ("0755", 0o755),
    ("0x1F", 31),
    ("-0b11", -3),
    ("1_000", 1000),
    (".5", 0.5),
    ("08", 8.0),
    ("yes", True),
    ("Off", False),
    ("~", None),
    ("", None),
    ("1.2.3", "1.2.3"),
    ('"1"', "1"),
    ("1Gi", "1Gi"),
]


@pytest.mark.parametrize(("text", "value"), SCALARS, ids=[repr(text) for text, _ in SCALARS])
def test_scalars_are_read_as_kubernetes_reads_them(text: str, value: object) -> None:
    """Dates and times stay strings; octal, hexadecimal and exponents are numbers."""
    assert yamlio.load_all(f"a: {text}") == [{"a": value}]


def test_streams_keys_and_merges() -> None:
    """Empty documents are dropped, keys become strings, merge keys are resolved and may be overridden."""
    text = "---\n---\na: {1: x, true: y, null: z, 1.5: q}\n---\n- &b {q: 1, r: 2}\n- {<<: *b, q: 5}\n"
    assert yamlio.load_all(text) == [
        {"a": {"1": "x", "true": "y", "null": "z", "1.5": "q"}},
        [{"q": 1, "r": 2}, {"q": 5, "r": 2}],
    ]


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(9)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a: 1\na: 2", 'key "a" already set in map', id="duplicate key"),
        pytest.param("? [a]\n: b", "a map key must be a scalar", id="list as key"),
        pytest.param("a: &x [*x]", "recursive", id="recursion"),
        pytest.param(BOMB, "excessive aliasing", id="alias bomb"),
        pytest.param("[" * 5000, "while parsing", id="unclosed and deep"),
        pytest.param("[" * 500_000, "nested too deeply", id="deeper than the stack"),
        pytest.param("- " * 500_000 + "x", "nested too deeply", id="blocks deeper than the stack"),
        pytest.param("{a: " * 500_000, "nested too deeply", id="maps deeper than the stack"),
        pytest.param("a: b: c", "mapping values are not allowed", id="malformed"),
        pytest.param("!!python/object:os.system x", "could not determine a constructor", id="foreign tag"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    """Everything that is wrong with a document is a YAMLError."""
    with pytest.raises(yamlio.YAMLError, match=message):
        yamlio.load_all(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs", "Cc"])),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "on", "1", "~"]), inner),
        max_leaves=10,
    ).filter(lambda value: value is not None)
)
def test_what_we_write_reads_back(value: object) -> None:
    """A dump is read back the same by us."""
    assert yamlio.load_all(yamlio.dump(value)) == [value]


@pytest.mark.parametrize("text", [t for t, _ in SCALARS if t and '"' not in t] + ["y", "N", "on", "null", "0o14"])
def test_strings_that_look_like_something_else_are_quoted(text: str) -> None:
    """Neither YAML 1.1 nor go-yaml may take our strings for numbers, dates or truth values."""
    dumped = yamlio.dump({"a": text})
    assert yaml.safe_load(dumped) == {"a": text}
    if text not in ("1.2.3", "1Gi"):
        assert dumped == f"a: '{text}'\n"


def test_layout_of_dumps() -> None:
    """Keys keep their order, several lines are a block, nothing is aliased, documents are separated."""
    shared = {"x": 1}
    assert yamlio.dump({"b": "one\ntwo\n", "a": [shared, shared]}) == "b: |\n  one\n  two\na:\n- x: 1\n- x: 1\n"
    assert yamlio.dump_all([{"a": 1}, {"b": 2}]) == "a: 1\n---\nb: 2\n"
