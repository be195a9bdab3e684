"""Pruning and defaulting: what goes, what comes, and that doing it twice changes nothing more."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.machinery.errors import RequestEntityTooLarge
from headwater.machinery.objects import deep_copy
from headwater.schema import Schema, compile_schema

STRING = {"type": "string"}
PRESERVE = {"x-kubernetes-preserve-unknown-fields": True}


def schema_of(**spec: Any) -> Schema:
    return Schema({"type": "object", "properties": {"spec": {"type": "object", "properties": spec}}})


@pytest.mark.parametrize(
    ("property_", "value", "expected", "removed"),
    [
        pytest.param(STRING, "a", "a", [], id="scalar"),
        pytest.param(
            {"type": "object", "properties": {"a": STRING}}, {"a": "", "b": 1}, {"a": ""}, ["spec.x.b"], id="object"
        ),
        pytest.param({"type": "object"}, {"a": 1}, {}, ["spec.x.a"], id="empty-object"),
        pytest.param({"type": "object", **PRESERVE}, {"a": {"b": 1}}, {"a": {"b": 1}}, [], id="preserved"),
        pytest.param(
            {"type": "object", **PRESERVE, "properties": {"a": {"type": "object"}}},
            {"a": {"b": 1}, "c": {"d": 1}},
            {"a": {}, "c": {"d": 1}},
            ["spec.x.a.b"],
            id="declared-within-preserved",
        ),
        pytest.param({"type": "object", "additionalProperties": STRING}, {"a": "b"}, {"a": "b"}, [], id="map"),
        pytest.param(
            {"type": "object", "additionalProperties": {"type": "object", "properties": {"a": STRING}}},
            {"k": {"a": "", "b": 1}},
            {"k": {"a": ""}},
            ["spec.x.k.b"],
            id="map-of-objects",
        ),
        pytest.param(
            {"type": "array", "items": {"type": "object", "properties": {"a": STRING}}},
            [{"a": ""}, {"b": 1}],
            [{"a": ""}, {}],
            ["spec.x[1].b"],
            id="list",
        ),
        pytest.param(
            {"type": "object", "properties": {"a": STRING}}, "oops", "oops", [], id="wrong-type-is-left-alone"
        ),
        pytest.param(
            {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"spec": {"type": "object"}}},
            {"apiVersion": "v1", "kind": "X", "metadata": {"name": "a", "b": 1}, "spec": {"c": 1}, "d": 1},
            {"apiVersion": "v1", "kind": "X", "metadata": {"name": "a"}, "spec": {}},
            ["spec.x.d", "spec.x.metadata.b", "spec.x.spec.c"],
            id="embedded",
        ),
    ],
)
def test_prune(property_: dict[str, Any], value: Any, expected: Any, removed: list[str]) -> None:
    """Unknown fields go, their paths come back, known ones stay."""
    obj = {"spec": {"x": deep_copy(value)}}
    assert sorted(schema_of(x=property_).prune(obj)) == removed
    assert obj == {"spec": {"x": expected}}


def test_prune_at_the_root() -> None:
    """apiVersion, kind and metadata are known to every resource; metadata's own unknown fields go."""
    obj: dict[str, Any] = {"apiVersion": "v1", "kind": "X", "metadata": {"name": "a", "nme": "b"}, "spek": {}}
    assert sorted(Schema({"type": "object"}).prune(obj)) == ["metadata.nme", "spek"]
    assert obj == {"apiVersion": "v1", "kind": "X", "metadata": {"name": "a"}}


@pytest.mark.parametrize(
    ("property_", "given_", "expected"),
    [
        pytest.param({**STRING, "default": "d"}, {}, {"x": "d"}, id="missing"),
        pytest.param({**STRING, "default": "d"}, {"x": "v"}, {"x": "v"}, id="present"),
        pytest.param({**STRING, "default": "d"}, {"x": None}, {"x": "d"}, id="null-counts-as-missing"),
        pytest.param({**STRING, "default": "d", "nullable": True}, {"x": None}, {"x": None}, id="nullable-stays-null"),
        pytest.param(STRING, {"x": None}, {}, id="null-is-dropped"),
        pytest.param({"type": "integer", "default": 0}, {}, {"x": 0}, id="zero"),
        pytest.param({"type": "boolean", "default": False}, {}, {"x": False}, id="false"),
        pytest.param(
            {"type": "object", "default": {}, "properties": {"y": {**STRING, "default": "d"}}},
            {},
            {"x": {"y": "d"}},
            id="inside-of-defaulted",
        ),
        pytest.param({"type": "object", "properties": {"y": {**STRING, "default": "d"}}}, {}, {}, id="parent-missing"),
        pytest.param(
            {"type": "array", "items": {"type": "object", "properties": {"y": {**STRING, "default": "d"}}}},
            {"x": [{}, {"y": "v"}]},
            {"x": [{"y": "d"}, {"y": "v"}]},
            id="items",
        ),
        pytest.param(
            {"type": "array", "items": {**STRING, "default": "d"}},
            {"x": [None, "v"]},
            {"x": ["d", "v"]},
            id="null-item",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": {**STRING, "default": "d"}},
            {"x": {"a": None, "b": "v"}},
            {"x": {"a": "d", "b": "v"}},
            id="null-map-value",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": STRING},
            {"x": {"a": None}},
            {"x": {}},
            id="null-map-value-dropped",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": {**STRING, "nullable": True}},
            {"x": {"a": None}},
            {"x": {"a": None}},
            id="nullable-map-value",
        ),
        pytest.param(
            {
                "type": "object",
                "additionalProperties": {"type": "object", "properties": {"y": {**STRING, "default": "d"}}},
            },
            {"x": {"a": {}, "b": None}},
            {"x": {"a": {"y": "d"}}},
            id="map-of-objects",
        ),
        pytest.param({"type": "object", "properties": {"y": STRING}}, {"x": "oops"}, {"x": "oops"}, id="wrong-type"),
    ],
)
def test_default(property_: dict[str, Any], given_: Any, expected: Any) -> None:
    """Missing fields are completed, also inside of what was completed, and stray nulls are dropped."""
    obj = {"spec": deep_copy(given_)}
    schema_of(x=property_).default(obj)
    assert obj == {"spec": expected}


def test_defaults_are_not_shared() -> None:
    """Two objects never share a defaulted part."""
    schema = schema_of(
        x={"type": "object", "default": {"a": ["b"]}, "properties": {"a": {"type": "array", "items": STRING}}}
    )
    one: dict[str, Any] = {"spec": {}}
    other: dict[str, Any] = {"spec": {}}
    schema.default(one)
    schema.default(other)
    one["spec"]["x"]["a"].append("c")
    assert other == {"spec": {"x": {"a": ["b"]}}}


def test_creation_timestamp_null() -> None:
    """The null that Go clients write is dropped before it could be refused."""
    obj: dict[str, Any] = {"metadata": {"name": "a", "creationTimestamp": None}}
    Schema({"type": "object"}).default(obj)
    assert obj == {"metadata": {"name": "a"}}


def test_schemas_are_shared_by_content() -> None:
    """Equal schemas compile once, whoever asks."""
    assert compile_schema({"type": "object"}) is compile_schema({"type": "object"})
    assert compile_schema({"type": "object"}) is not compile_schema({"type": "object", "nullable": False})
    assert compile_schema({"type": "object"}).raw == {"type": "object"}


NAMES = st.sampled_from("abc")
SCALARS = st.sampled_from([None, 1, "s", True, 1.5])
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))


def _node(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    objects = st.dictionaries(NAMES, inner, max_size=3).map(lambda members: {"type": "object", "properties": members})
    maps = inner.map(lambda child: {"type": "object", "additionalProperties": child})
    lists = inner.map(lambda child: {"type": "array", "items": child})
    kept = objects.map(lambda schema: {**schema, **PRESERVE})
    defaulted = objects.map(lambda schema: {**schema, "default": {}})
    return objects | maps | lists | kept | defaulted


LEAVES = st.sampled_from(
    [
        STRING,
        {**STRING, "default": "d"},
        {**STRING, "nullable": True},
        {"type": "integer", "default": 1},
        PRESERVE,
        {"x-kubernetes-int-or-string": True},
    ]
)
SCHEMAS = st.recursive(LEAVES, _node, max_leaves=8)


@given(schema=SCHEMAS, value=VALUES)
def test_twice_is_once(schema: dict[str, Any], value: Any) -> None:
    """Pruning and defaulting are idempotent, and defaults are never pruned."""
    compiled = schema_of(x=schema)
    obj = {"spec": {"x": value}}
    compiled.prune(obj)
    assert compiled.prune(obj) == []
    compiled.default(obj)
    once = deep_copy(obj)
    compiled.default(obj)
    assert obj == once
    assert compiled.prune(obj) == []


@given(schema=SCHEMAS, value=VALUES)
def test_validation_never_fails_itself(schema: dict[str, Any], value: Any) -> None:
    """Whatever the object, validation answers and does not change it."""
    obj = {"spec": {"x": value}}
    before = deep_copy(obj)
    for error in schema_of(x=schema).validate(obj):
        assert str(error).startswith("spec.x")
    assert obj == before


def _nested(levels: int) -> dict[str, Any]:
    """Lists of a hundred empty objects, each of which has such a list by default."""
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(levels):
        listed = {"type": "array", "items": schema, "default": [{} for _ in range(100)]}
        schema = {"type": "object", "properties": {"x": listed}}
    return schema


@pytest.mark.parametrize(
    ("property_", "given_"),
    [
        pytest.param(
            {"type": "array", "items": {"type": "object", "properties": {"y": {**STRING, "default": "d" * 1000}}}},
            [{} for _ in range(10_000)],
            id="many items",
        ),
        pytest.param(_nested(8), {}, id="defaults in defaults"),
        pytest.param(
            {"type": "object", "additionalProperties": {"type": "object", "default": {"y": "d" * 1000}}},
            {str(number): None for number in range(10_000)},
            id="many members",
        ),
        pytest.param(
            {"type": "array", "items": {"type": "object", "default": {"y": "d" * 1000}}},
            [None] * 10_000,
            id="many nulls",
        ),
    ],
)
def test_what_defaults_add_is_bounded(property_: dict[str, Any], given_: Any) -> None:
    """No small object becomes a huge one."""
    with pytest.raises(RequestEntityTooLarge, match="its defaults come to more than 3145728 bytes"):
        schema_of(x=property_).default({"spec": {"x": deep_copy(given_)}})


def test_what_defaults_add_is_counted_for_each_object() -> None:
    """Two objects of two megabytes each are both below the limit."""
    schema = schema_of(x={"type": "array", "items": {"type": "object", "default": {"y": "d" * 1000}}})
    for _ in range(2):
        obj: dict[str, Any] = {"spec": {"x": [None] * 2000}}
        schema.default(obj)
        assert obj["spec"]["x"][-1] == {"y": "d" * 1000}
