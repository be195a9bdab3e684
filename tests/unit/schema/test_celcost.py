"""What expressions may cost: those that can fill the memory are refused, those that people write are not."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.schema import Schema, trail
from headwater.schema.cel import CelError, Expression

GROWING = [
    pytest.param("[self.s]" + ".map(a, a + a)" * 20 + ".size() > 0", id="doubled in each round"),
    pytest.param("[[self.s]]" + ".map(a, a + a)" * 20 + ".size() > 0", id="lists doubled"),
    pytest.param("self.s" + f".replace('a', '{'a' * 40}')" * 6 + " != ''", id="replaced by more"),
    pytest.param("strings.quote(" * 20 + "self.s" + ")" * 20 + " != ''", id="quoted over and over"),
    pytest.param("[self.s]" + ".map(a, '%s%s'.format([a, a]))" * 15 + ".size() > 0", id="formatted twice"),
    pytest.param("[self.s]" + ".map(a, [a, a, a].join(a))" * 15 + ".size() > 0", id="joined"),
]


@pytest.mark.parametrize("rule", GROWING)
def test_what_could_grow_without_bounds_is_refused(rule: str) -> None:
    """It is not compiled, so no schema with it is accepted."""
    with pytest.raises(CelError, match="estimated rule cost exceeds budget"):
        Expression(rule)


SQUARES = [
    pytest.param("self.names.all(x, (self.prefix + x).size() > 0)", id="something large in each round"),
    pytest.param("self.prefix.replace('a', self.prefix).size() > 0", id="replaced by itself"),
    pytest.param("self.names.all(x, self.prefix.matches('a.*b.*c' + x))", id="a search in each round"),
]


@pytest.mark.parametrize("rule", SQUARES)
def test_what_grows_with_the_square_is_for_small_values(rule: str) -> None:
    """Evaluated on usual values, refused on large ones before anything is made."""
    small = {"names": ["abc"] * 50, "prefix": "a" * 500}
    assert Expression(rule).evaluate(small) in (True, False)
    with pytest.raises(CelError, match="call cost exceeds limit for rule"):
        Expression(rule).evaluate({"names": ["a"] * 9000, "prefix": "a" * 1_000_000})


USUAL = [
    "self == oldSelf",
    "has(self.a) && self.a.size() > 3 && self.a.startsWith('x-')",
    "self.names.all(x, x.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'))",
    "self.names.map(x, x + '/' + x).join(',').size() < 1000",
    "self.names.filter(x, x.endsWith('-old')).size() == 0",
    "self.?spec.?replicas.orValue(1) >= 0",
    "self.names.exists_one(x, x == 'default')",
    "!self.prefix.replace('-', '').lowerAscii().contains('kube')",
]


@pytest.mark.parametrize("rule", USUAL)
def test_usual_rules_have_no_limit(rule: str) -> None:
    """They run on the largest values that there can be, within the rounds that comprehensions have."""
    value = {"names": ["abc"] * 100, "prefix": "a" * 3_000_000, "a": "x-abc"}
    assert Expression(rule).evaluate(value, value, has_old=True) in (True, False)


MANY = [
    pytest.param({"type": "integer", "x-kubernetes-validations": [{"rule": "self > 0"}]}, [1], id="rules"),
    pytest.param({"type": "string", "pattern": "^(a|aa)+$"}, ["aa"], id="patterns that need the library"),
    pytest.param({"type": "string", "pattern": "a*b"}, ["a" * 511 + "b"], id="patterns that take long"),
    pytest.param(
        {"type": "integer", "x-kubernetes-validations": [{"rule": "self > 1", "messageExpression": "'a' + 'b'"}]},
        [1],
        id="messages",
    ),
]


@pytest.mark.parametrize(("schema", "items"), MANY)
def test_one_object_takes_a_bounded_time(
    monkeypatch: pytest.MonkeyPatch, schema: dict[str, Any], items: list[Any]
) -> None:
    """However many items it has: the budget ends the validation, and the object is refused."""
    compiled = Schema(
        {
            "type": "object",
            "properties": {"spec": {"type": "object", "properties": {"x": {"type": "array", "items": schema}}}},
        }
    )
    exhausted = "running out of cost budget"
    assert exhausted not in str(compiled.validate({"spec": {"x": items * 100}})[-1:])
    monkeypatch.setattr(trail, "MAX_WORK", 1_000)
    assert exhausted in str(compiled.validate({"spec": {"x": items * 100}})[-1])
