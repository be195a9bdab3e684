"""Label selectors: grammar, messages, matching, and agreement between the compiled and the plain reading."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.machinery.labels import (
    EVERYTHING,
    NOTHING,
    Requirement,
    Selector,
    parse_selector,
    selector_from_label_selector,
    validate_label_selector,
)

LABELS = {"app": "web", "tier": "front", "size": "5", "empty": ""}

MATCHING = [
    ("", True),
    ("app=web", True),
    ("app==web", True),
    ("app=db", False),
    ("app!=db", True),
    ("app!=web", False),
    ("none!=x", True),
    ("app", True),
    ("!app", False),
    ("!none", True),
    ("none", False),
    ("app in (web,db)", True),
    ("app in (db)", False),
    ("none in (db)", False),
    ("app notin (db)", True),
    ("none notin (db)", True),
    ("app notin (web,db)", False),
    ("size>4", True),
    ("size > 5", False),
    ("size<6", True),
    ("app>1", False),
    ("none<1", False),
    ("empty=", True),
    ("empty", True),
    ("none=", False),
    ("empty in (,x)", True),
    ("app=web,tier=front", True),
    ("app=web,tier=back", False),
    ("app=web,tier in (front,back),!none", True),
    ("app=web, tier notin (front)", False),
]


@pytest.mark.parametrize(("text", "matches"), MATCHING, ids=[text or "empty" for text, _ in MATCHING])
def test_matching(text: str, matches: bool) -> None:
    """A selector picks what Kubernetes picks, and its text means the same."""
    selector = parse_selector(text)
    assert selector.matches(LABELS) is matches
    assert parse_selector(str(selector)) == selector


PRINTED = [
    ("b=1,a=2", "a=2,b=1"),
    (" a in ( y , x ) ", "a in (x,y)"),
    ("a in (,)", "a in (,)"),
    ("!a,b", "!a,b"),
    ("a==b", "a==b"),
    ("x > 5", "x>5"),
    ("in in (in)", "in in (in)"),
    ("a notin (x)", "a notin (x)"),
    ("example.com/a!=b", "example.com/a!=b"),
]


@pytest.mark.parametrize(("text", "printed"), PRINTED)
def test_printing(text: str, printed: str) -> None:
    """Selectors print sorted by key, as kubectl shows them."""
    assert str(parse_selector(text)) == printed


REFUSED = [
    ("a,", "found '', expected: identifier after ','"),
    ("a,,b", "found ',', expected: identifier after ','"),
    ("=a", "found '=', expected: !, identifier, or 'end of string'"),
    ("a=b c", "found 'c', expected: ',' or 'end of string'"),
    ("a in x", "unable to parse requirement: found 'x' expected: '('"),
    ("a in (b c)", "unable to parse requirement: found 'c', expected: ',' or ')'"),
    ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
    ("a in (=", "unable to parse requirement: found '=', expected: ',', ')' or identifier"),
    (
        "a in ()",
        "unable to parse requirement: values: Invalid value: []: for 'in', 'notin' operators, values set can't",
    ),
    ("a ~ b", "unable to parse requirement: found '~', expected: in, notin, =, ==, !=, gt, lt"),
    ("a=(", "unable to parse requirement: found '(', expected: identifier"),
    ("!=a", "found '!=', expected: !, identifier, or 'end of string'"),
    ("!!a", "unable to parse requirement: found '!', expected: identifier"),
    ("a//b", 'unable to parse requirement: <nil>: Invalid value: "a//b": a qualified name must consist of'),
    ("a=-b", 'unable to parse requirement: values[0][a]: Invalid value: "-b": a valid label must be an empty string'),
    (
        "a>b",
        "unable to parse requirement: values[0]: Invalid value: \"b\": for 'Gt', 'Lt' operators, the value must be",
    ),
    ("a>99999999999999999999", "unable to parse requirement: values[0]: Invalid value"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=[text for text, _ in REFUSED])
def test_refusals(text: str, message: str) -> None:
    """Messages are those that kubectl users know."""
    with pytest.raises(ValueError) as caught:
        parse_selector(text)
    assert str(caught.value).startswith(message)


def test_huge_label_values_are_not_numbers() -> None:
    """Numbers beyond 64 bits never match."""
    assert not parse_selector("n>1").matches({"n": "9" * 30})
    assert not parse_selector("n>1").matches({"n": "9223372036854775808"})
    assert parse_selector("n>1").matches({"n": "9223372036854775807"})


OBJECTS: list[tuple[dict[str, Any] | None, str]] = [
    (None, "Selector(nothing)"),
    ({}, "Selector('')"),
    ({"matchLabels": {"b": "1", "a": "2"}}, "Selector('a=2,b=1')"),
    (
        {
            "matchExpressions": [
                {"key": "a", "operator": "In", "values": ["y", "x"]},
                {"key": "b", "operator": "NotIn", "values": ["z"]},
                {"key": "c", "operator": "Exists"},
                {"key": "d", "operator": "DoesNotExist", "values": []},
            ]
        },
        "Selector('a in (x,y),b notin (z),c,!d')",
    ),
]


@pytest.mark.parametrize(("obj", "printed"), OBJECTS, ids=[text for _, text in OBJECTS])
def test_conversion_of_label_selectors(obj: dict[str, Any] | None, printed: str) -> None:
    """None selects nothing, an empty selector everything, the rest what it says."""
    assert repr(selector_from_label_selector(obj)) == printed
    assert validate_label_selector(obj, "spec.selector") == []


def test_everything_and_nothing() -> None:
    """The two extremes are told apart, though both print as nothing."""
    assert EVERYTHING.empty and not EVERYTHING.nothing and EVERYTHING.matches({})
    assert NOTHING.nothing and not NOTHING.empty and not NOTHING.matches({})
    assert str(EVERYTHING) == str(NOTHING) == ""
    assert EVERYTHING != NOTHING
    assert len({EVERYTHING, NOTHING, Selector(), parse_selector("")}) == 2
    assert EVERYTHING != "everything"


WRONG: list[tuple[dict[str, Any], str]] = [
    (
        {"matchExpressions": [{"key": "a", "operator": "In"}]},
        "s.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    ),
    (
        {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["x"]}]},
        "s.matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
    ),
    (
        {"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1"]}]},
        's.matchExpressions[0].operator: Invalid value: "Gt": not a valid selector operator',
    ),
    (
        {"matchExpressions": [{"key": "a", "operator": "In", "values": ["-x"]}]},
        's.matchExpressions[0].values[0]: Invalid value: "-x": a valid label must be',
    ),
    (
        {"matchExpressions": [{"key": "", "operator": "Exists"}]},
        's.matchExpressions[0].key: Invalid value: "": name part must be non-empty',
    ),
    ({"matchLabels": {"a b": "x"}}, 's.matchLabels: Invalid value: "a b": name part must consist of'),
]


@pytest.mark.parametrize(("obj", "message"), WRONG, ids=[message[:40] for _, message in WRONG])
def test_wrong_label_selectors(obj: dict[str, Any], message: str) -> None:
    """Validation names the field; conversion of such a selector raises."""
    errors = validate_label_selector(obj, "s")
    assert str(errors[0]).startswith(message)
    if "Forbidden" not in message:
        with pytest.raises(ValueError, match=r".+"):
            selector_from_label_selector(obj)


def test_exact_values_serve_indexes() -> None:
    """A selector that fixes one label to one value says so."""
    assert parse_selector("a=1,b in (2),c in (3,4)").exact_value("a") == "1"
    assert parse_selector("a=1,b in (2),c in (3,4)").exact_value("b") == "2"
    assert parse_selector("c in (3,4)").exact_value("c") is None
    assert parse_selector("a!=1").exact_value("a") is None


keys = st.sampled_from(["a", "b", "x.io/c"])
values = st.sampled_from(["", "1", "2", "v"])
expressions = st.one_of(
    st.builds(lambda k, v: Requirement(k, "=", (v,)), keys, values),
    st.builds(lambda k, v: Requirement(k, "!=", (v,)), keys, values),
    st.builds(lambda k, v: Requirement(k, "in", tuple(sorted(v))), keys, st.sets(values, min_size=1)),
    st.builds(lambda k, v: Requirement(k, "notin", tuple(sorted(v))), keys, st.sets(values, min_size=1)),
    st.builds(lambda k: Requirement(k, "exists"), keys),
    st.builds(lambda k: Requirement(k, "!"), keys),
)


def _plain_match(requirement: Requirement, labels: dict[str, str]) -> bool:
    present = requirement.key in labels
    match requirement.operator:
        case "exists":
            return present
        case "!":
            return not present
        case "=" | "in":
            return present and labels[requirement.key] in requirement.values
        case _:
            return not present or labels[requirement.key] not in requirement.values


@given(st.lists(expressions, max_size=4), st.dictionaries(keys, values))
def test_compiled_selectors_agree_with_the_definition(terms: list[Requirement], labels: dict[str, str]) -> None:
    """However a selector compiles, it matches when every term does; and its text parses back to it."""
    selector = Selector(terms)
    assert selector.matches(labels) is all(_plain_match(term, labels) for term in terms)
    assert parse_selector(str(selector)) == selector
