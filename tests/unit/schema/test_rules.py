"""Validation rules in CEL: which values they see, when they run, and what they say."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.schema import Schema
from headwater.schema.cel import CelError, Expression

STRING, INTEGER = {"type": "string"}, {"type": "integer"}


def problems(property_: dict[str, Any], value: Any, *old: Any) -> list[str]:
    """The messages for ``spec.x``; with a third argument, on an update from that value."""
    schema = Schema({"type": "object", "properties": {"spec": {"type": "object", "properties": {"x": property_}}}})
    before = {"spec": {"x": old[0]}} if old else None
    return [str(error) for error in schema.validate({"spec": {"x": value}}, old=before)]


def ruled(schema: dict[str, Any], rule: str, **more: Any) -> dict[str, Any]:
    return {**schema, "x-kubernetes-validations": [{"rule": rule, **more}]}


RANGE = {"type": "object", "properties": {"low": INTEGER, "high": INTEGER, "namespace": STRING, "a-b": STRING}}


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        pytest.param(ruled(RANGE, "self.low <= self.high"), {"low": 1, "high": 2}, [], id="holds"),
        pytest.param(
            ruled(RANGE, "self.low <= self.high"),
            {"low": 3, "high": 2},
            ['spec.x: Invalid value: "object": failed rule: self.low <= self.high'],
            id="fails",
        ),
        pytest.param(
            ruled(RANGE, "self.low <= self.high", message="low above high"),
            {"low": 3, "high": 2},
            ['spec.x: Invalid value: "object": low above high'],
            id="message",
        ),
        pytest.param(
            ruled(RANGE, "self.low < 9", messageExpression="'low is ' + string(self.low)"),
            {"low": 10},
            ['spec.x: Invalid value: "object": low is 10'],
            id="message-expression",
        ),
        pytest.param(
            ruled(RANGE, "self.low < 9", message="plain", messageExpression="string(self.high)"),
            {"low": 10},
            ['spec.x: Invalid value: "object": plain'],
            id="message-expression-fails",
        ),
        pytest.param(
            ruled(RANGE, "self.low < 9", fieldPath=".low", reason="FieldValueForbidden", message="no"),
            {"low": 10},
            ["spec.x.low: Forbidden: no"],
            id="field-path-and-reason",
        ),
        pytest.param(
            ruled(RANGE, "self.high > 0"),
            {"low": 1},
            [
                'spec.x: Invalid value: "object": Key not found in map : "high" evaluating rule: failed rule:'
                " self.high > 0"
            ],
            id="missing-field",
        ),
        pytest.param(ruled(RANGE, "!has(self.high) || self.high > 0"), {"low": 1}, [], id="has"),
        pytest.param(ruled(RANGE, "self.__namespace__ == 'a'"), {"namespace": "a"}, [], id="reserved-name"),
        pytest.param(ruled(RANGE, "self.a__dash__b == 'a'"), {"a-b": "a"}, [], id="escaped-name"),
        pytest.param(ruled(STRING, "self.startsWith('a')"), "b", [
            "spec.x: Invalid value: \"string\": failed rule: self.startsWith('a')"
        ], id="string"),
        pytest.param(
            {"type": "array", "items": ruled(STRING, "self != 'b'", message="no b")},
            ["a", "b"],
            ['spec.x[1]: Invalid value: "string": no b'],
            id="items",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": ruled(STRING, "self != 'b'", message="no b")},
            {"k": "b"},
            ['spec.x.k: Invalid value: "string": no b'],
            id="map-values",
        ),
        pytest.param(
            ruled({**STRING, "nullable": True}, "self != 'b'"), None, [], id="null-is-not-checked"
        ),
        pytest.param(
            ruled(STRING, "self == 'a'"),
            5,
            ['spec.x: Invalid value: "integer": spec.x in body must be of type string: "integer"'],
            id="only-on-valid-objects",
        ),
        pytest.param(
            ruled({"type": "array", "items": INTEGER}, "self.all(a, self.all(b, self.all(c, a + b + c > 0)))"),
            list(range(1, 40)),
            [
                'spec.x: Invalid value: "array": call cost exceeds limit for rule: more than 10000 iterations'
                " evaluating rule: failed rule: self.all(a, self.all(b, self.all(c, a + b + c > 0)))"
            ],
            id="limit",
        ),
    ],
)  # fmt: skip
def test_rules(schema: dict[str, Any], value: Any, expected: list[str]) -> None:
    """A rule that does not hold, or cannot be evaluated, is one error where the rule stands."""
    assert problems(schema, value) == expected


IMMUTABLE = ruled(STRING, "self == oldSelf", message="is immutable")
ENTRY = {"type": "object", "properties": {"k": STRING, "v": IMMUTABLE}}
MAP_LIST = {"type": "array", "items": ENTRY, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]}


@pytest.mark.parametrize(
    ("schema", "value", "old", "fields"),
    [
        pytest.param(IMMUTABLE, "b", ["a"], ["spec.x"], id="changed"),
        pytest.param(IMMUTABLE, "a", ["a"], [], id="unchanged"),
        pytest.param(IMMUTABLE, "a", [], [], id="created"),
        pytest.param(
            MAP_LIST,
            [{"k": "2", "v": "b"}, {"k": "1", "v": "x"}],
            [[{"k": "1", "v": "a"}, {"k": "2", "v": "b"}]],
            ["spec.x[1].v"],
            id="map-list-items-match-by-key",
        ),
        pytest.param(MAP_LIST, [{"k": "3", "v": "b"}], [[{"k": "1", "v": "a"}]], [], id="new-item"),
        pytest.param({"type": "array", "items": IMMUTABLE}, ["b"], [["a"]], [], id="plain-list-items-have-no-old-self"),
        pytest.param(
            {"type": "object", "additionalProperties": IMMUTABLE}, {"k": "b"}, [{"k": "a"}], ["spec.x.k"], id="m"
        ),
    ],
)
def test_transition_rules(schema: dict[str, Any], value: Any, old: list[Any], fields: list[str]) -> None:
    """Rules about oldSelf run only where there is an old value to compare with."""
    assert [problem.split(":")[0] for problem in problems(schema, value, *old)] == fields


def test_optional_old_self() -> None:
    """With optionalOldSelf a transition rule runs on creation too."""
    schema = ruled(STRING, "oldSelf.hasValue() ? oldSelf.value() == self : self == 'new'", optionalOldSelf=True)
    assert problems(schema, "new") == []
    assert len(problems(schema, "other")) == 1
    assert problems(schema, "other", "other") == []


@pytest.mark.parametrize(
    "text",
    [
        "[1, 2, 3].sum() == 6",
        "[1.5, 2.5].sum() == 4.0",
        "[3, 1].min() == 1 && [3, 1].max() == 3",
        "['a', 'b'].isSorted() && !['b', 'a'].isSorted()",
        "'abbc'.find('b+') == 'bb' && 'abc'.find('x') == ''",
        "'abcb'.findAll('b') == ['b', 'b']",
        "quantity('1').isGreaterThan(quantity('999m'))",
        "quantity('1Ki').compareTo(quantity('1024')) == 0",
        "quantity('1000m') == quantity('1')",
        "quantity('2').isLessThan(quantity('3')) && quantity('2').isInteger() && quantity('2').asInteger() == 2",
        "quantity('-1').sign() == -1 && quantity('500m').asApproximateFloat() == 0.5",
        "isQuantity('1Gi') && !isQuantity('one')",
        "'a,b'.split(',').size() == 2 && 'X'.lowerAscii() == 'x'",
        "self.?missing.orValue('d') == 'd'",
        "duration('1h') > duration('1m')",
        "isURL('https://a.example:80/p?q=1&q=2') && !isURL('a b') && !isURL('plain')",
        "url('https://u@a.example:80/p').getHost() == 'a.example:80' && url('https://a/p').getPort() == ''",
        "url('https://a.example:80/p').getHostname() == 'a.example' && url('https://a/p').getScheme() == 'https'",
        "url('https://a/p%20x?q=1&q=2').getQuery()['q'] == ['1', '2'] && url('/p%20x').getEscapedPath() == '/p%20x'",
        "isIP('10.0.0.1') && !isIP('10.0.0') && !isIP('fe80::1%eth0') && ip('::1').family() == 6",
        "ip('127.0.0.1').isLoopback() && ip('0.0.0.0').isUnspecified() && ip('169.254.0.1').isLinkLocalUnicast()",
        "ip('224.0.0.1').isLinkLocalMulticast() && ip('10.0.0.1').isGlobalUnicast() && !ip('::1').isGlobalUnicast()",
        "isCIDR('10.0.0.0/8') && !isCIDR('10.0.0.0') && cidr('10.1.0.0/8').prefixLength() == 8",
        "cidr('10.0.0.0/8').containsIP('10.1.1.1') && !cidr('10.0.0.0/8').containsIP(ip('::1'))",
        "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && !cidr('::/0').containsCIDR(cidr('10.1.0.0/16'))",
        "cidr('10.1.0.0/8').masked() == cidr('10.0.0.0/8')",
    ],
)
def test_functions(text: str) -> None:
    """The functions that Kubernetes offers beyond the standard library."""
    assert Expression(text).evaluate({}) is True


@pytest.mark.parametrize("text", ["quantity('x').sign() == 1", "'aab'.find('(a+)+') == 'aa'", "'a'.matches('(?=a)')"])
def test_functions_that_fail(text: str) -> None:
    """A function that refuses its argument fails the expression, not the server."""
    with pytest.raises(CelError):
        Expression(text).evaluate({})
