"""Validation: what is accepted, and the words in which the rest is refused."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.schema import Schema
from headwater.schema.trail import MAX_ERRORS


def errors(property_: dict[str, Any], value: Any) -> list[str]:
    """The messages for one field ``spec.x`` of a resource."""
    spec = {"type": "object", "properties": {"x": property_}}
    schema = Schema({"type": "object", "properties": {"spec": spec}})
    return [str(error) for error in schema.validate({"spec": {"x": value}})]


STRING, INTEGER, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
OBJECT = {"type": "object", "properties": {"a": STRING}}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        pytest.param(STRING, "x", id="string"),
        pytest.param(INTEGER, 3, id="integer"),
        pytest.param(INTEGER, 3.0, id="integral-float-is-integer"),
        pytest.param(NUMBER, 3, id="integer-is-number"),
        pytest.param(NUMBER, 3.5, id="number"),
        pytest.param({"type": "boolean"}, True, id="boolean"),
        pytest.param({"type": "string", "nullable": True}, None, id="nullable"),
        pytest.param({"type": "string", "nullable": True, "enum": ["a", None]}, None, id="nullable-enum"),
        pytest.param({"x-kubernetes-int-or-string": True}, 5, id="int-of-union"),
        pytest.param({"x-kubernetes-int-or-string": True}, "50%", id="string-of-union"),
        pytest.param({"x-kubernetes-int-or-string": True, "format": "quantity"}, 0.5, id="quantity-as-number"),
        pytest.param({"x-kubernetes-int-or-string": True, "format": "quantity"}, "128Mi", id="quantity"),
        pytest.param({"x-kubernetes-preserve-unknown-fields": True}, [1, {"a": None}], id="anything"),
        pytest.param({"type": "object", "additionalProperties": STRING}, {"a": "b"}, id="string-map"),
        pytest.param({"type": "object", "additionalProperties": True}, {"a": 1}, id="open-map"),
        pytest.param({"type": "array", "items": INTEGER}, [1, 2], id="list"),
        pytest.param({"type": "string", "enum": ["a", "b"]}, "a", id="enum"),
        pytest.param({"type": "integer", "enum": [1, 2]}, 2, id="integer-enum"),
        pytest.param({"type": "integer", "minimum": 1, "maximum": 3}, 3, id="bounds"),
        pytest.param({"type": "number", "multipleOf": 0.1}, 0.3, id="multiple"),
        pytest.param({"type": "string", "format": "unheard-of"}, "x", id="unknown-format"),
        pytest.param({"anyOf": [{"minimum": 5}, {"maximum": 1}], "type": "integer"}, 6, id="any-of"),
        pytest.param({"oneOf": [{"minimum": 5}, {"maximum": 1}], "type": "integer"}, 0, id="one-of"),
        pytest.param({"not": {"enum": ["a"]}, "type": "string"}, "b", id="not"),
        pytest.param({"allOf": [{"minLength": 1}, {"maxLength": 3}], "type": "string"}, "ab", id="all-of"),
    ],
)
def test_accepts(schema: dict[str, Any], value: Any) -> None:
    """Values that fit cause no error."""
    assert errors(schema, value) == []


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        pytest.param(
            INTEGER,
            "two",
            'spec.x: Invalid value: "string": spec.x in body must be of type integer: "string"',
            id="type",
        ),
        pytest.param(
            STRING, None, 'spec.x: Invalid value: "null": spec.x in body must be of type string: "null"', id="null"
        ),
        pytest.param(
            INTEGER,
            True,
            'spec.x: Invalid value: "boolean": spec.x in body must be of type integer: "boolean"',
            id="bool",
        ),
        pytest.param(
            INTEGER,
            1.5,
            'spec.x: Invalid value: "number": spec.x in body must be of type integer: "number"',
            id="fraction",
        ),
        pytest.param(
            OBJECT, [], 'spec.x: Invalid value: "array": spec.x in body must be of type object: "array"', id="list"
        ),
        pytest.param(
            {"x-kubernetes-int-or-string": True},
            1.5,
            'spec.x: Invalid value: "number": spec.x in body must be of type integer,string: "number"',
            id="int-or-string",
        ),
        pytest.param(
            {"type": "string", "enum": ["a", "b"]},
            "c",
            'spec.x: Unsupported value: "c": supported values: "a", "b"',
            id="enum",
        ),
        pytest.param(
            {"type": "integer", "enum": [1, 2]},
            3,
            'spec.x: Unsupported value: 3: supported values: "1", "2"',
            id="int-enum",
        ),
        pytest.param(
            {"type": "integer", "minimum": 1},
            0,
            "spec.x: Invalid value: 0: spec.x in body should be greater than or equal to 1",
            id="minimum",
        ),
        pytest.param(
            {"type": "integer", "minimum": 1, "exclusiveMinimum": True},
            1,
            "spec.x: Invalid value: 1: spec.x in body should be greater than 1",
            id="exclusive-minimum",
        ),
        pytest.param(
            {"type": "number", "maximum": 1.5},
            2,
            "spec.x: Invalid value: 2: spec.x in body should be less than or equal to 1.5",
            id="maximum",
        ),
        pytest.param(
            {"type": "integer", "maximum": 3, "exclusiveMaximum": True},
            3,
            "spec.x: Invalid value: 3: spec.x in body should be less than 3",
            id="exclusive-maximum",
        ),
        pytest.param(
            {"type": "integer", "multipleOf": 3},
            4,
            "spec.x: Invalid value: 4: spec.x in body should be a multiple of 3",
            id="multiple",
        ),
        pytest.param(
            {"type": "integer", "format": "int32"},
            2**31,
            "spec.x: Invalid value: 2147483648: Checked value must be of type integer with format int32",
            id="int32",
        ),
        pytest.param(
            {"type": "string", "maxLength": 2}, "abc", "spec.x: Too long: may not be more than 2 bytes", id="long"
        ),
        pytest.param(
            {"type": "string", "minLength": 2},
            "a",
            'spec.x: Invalid value: "a": spec.x in body should be at least 2 chars long',
            id="short",
        ),
        pytest.param(
            {"type": "string", "pattern": "^[a-z]+$"},
            "A",
            "spec.x: Invalid value: \"A\": spec.x in body should match '^[a-z]+$'",
            id="pattern",
        ),
        pytest.param(
            {"type": "string", "format": "date-time"},
            "soon",
            'spec.x: Invalid value: "soon": spec.x in body must be of type date-time: "soon"',
            id="format",
        ),
        pytest.param(
            {"x-kubernetes-int-or-string": True, "format": "quantity"},
            "much",
            'spec.x: Invalid value: "much": quantities must match the regular expression'
            " '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            id="quantity",
        ),
        pytest.param({**OBJECT, "required": ["a"]}, {}, "spec.x.a: Required value", id="required"),
        pytest.param(
            {"type": "object", "additionalProperties": STRING, "maxProperties": 1},
            {"a": "", "b": ""},
            "spec.x: Invalid value: 1: spec.x in body should have at most 1 properties",
            id="many-properties",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": STRING, "minProperties": 1},
            {},
            "spec.x: Invalid value: 1: spec.x in body should have at least 1 properties",
            id="few-properties",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": STRING},
            {"a": 1},
            'spec.x.a: Invalid value: "integer": spec.x.a in body must be of type string: "integer"',
            id="map-value",
        ),
        pytest.param(
            {"type": "array", "items": STRING},
            ["a", 1],
            'spec.x[1]: Invalid value: "integer": spec.x[1] in body must be of type string: "integer"',
            id="item",
        ),
        pytest.param(
            {"type": "array", "items": STRING, "maxItems": 1},
            ["a", "b"],
            "spec.x: Too many: 2: must have at most 1 item",
            id="max",
        ),
        pytest.param(
            {"type": "array", "items": STRING, "minItems": 1},
            [],
            "spec.x: Invalid value: 0: spec.x in body should have at least 1 items",
            id="min-items",
        ),
        pytest.param(
            {"type": "array", "items": STRING, "x-kubernetes-list-type": "set"},
            ["a", "b", "a"],
            'spec.x[2]: Duplicate value: "a"',
            id="set",
        ),
        pytest.param(
            {"type": "array", "items": STRING, "uniqueItems": True},
            ["a", "a"],
            'spec.x: Invalid value: "": spec.x in body shouldn\'t contain duplicates',
            id="unique-items",
        ),
        pytest.param(
            {
                "type": "array",
                "items": {"type": "object", "properties": {"k": STRING, "n": INTEGER}},
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["k", "n"],
            },
            [{"k": "a", "n": 1}, {"k": "a", "n": 2}, {"k": "a", "n": 1}],
            'spec.x[2]: Duplicate value: {"k":"a","n":1}',
            id="map-list",
        ),
        pytest.param(
            {"type": "string", "not": {"enum": ["a"]}},
            "a",
            'spec.x: Invalid value: "": "spec.x" must not validate the schema (not)',
            id="not",
        ),
        pytest.param(
            {"type": "integer", "oneOf": [{"minimum": 1}, {"minimum": 2}]},
            3,
            'spec.x: Invalid value: "": "spec.x" must validate one and only one schema (oneOf).'
            " Found 2 valid alternatives",
            id="two-of-one",
        ),
        pytest.param(
            {"type": "string", "allOf": [{"minLength": 3}]},
            "ab",
            'spec.x: Invalid value: "ab": spec.x in body should be at least 3 chars long',
            id="all-of",
        ),
    ],
)
def test_refuses(schema: dict[str, Any], value: Any, message: str) -> None:
    """Values that don't fit cause exactly one error, worded as the API server words it."""
    assert errors(schema, value) == [message]


@pytest.mark.parametrize(
    ("keyword", "words"),
    [
        ("anyOf", '"spec.x" must validate at least one schema (anyOf)'),
        ("oneOf", '"spec.x" must validate one and only one schema (oneOf). Found none valid'),
    ],
)
def test_no_branch_fits(keyword: str, words: str) -> None:
    """When no alternative fits, the errors of the closest one are told too."""
    found = errors({"type": "integer", keyword: [{"minimum": 5}, {"minimum": 9, "multipleOf": 2}]}, 3)
    assert found == [
        f'spec.x: Invalid value: "": {words}',
        "spec.x: Invalid value: 3: spec.x in body should be greater than or equal to 5",
    ]


def test_equal_in_python_only() -> None:
    """True and 1 are different JSON values; 1 and 1.0 are the same number."""
    anything = {"x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "array", "items": anything, "x-kubernetes-list-type": "set"}
    assert errors(schema, [True, 1, "1", [1], {"a": 1}]) == []
    assert errors(schema, [1, 1.0]) == ["spec.x[1]: Duplicate value: 1.0"]


def test_combined_types() -> None:
    """A branch without a type restricts only values of the types that its keywords speak of."""
    schema = {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}], "pattern": "^a"}
    assert errors(schema, 5) == []
    assert len(errors(schema, "b")) == 1


def test_errors_are_bounded() -> None:
    """A hopeless object costs a bounded number of errors."""
    assert len(errors({"type": "array", "items": STRING}, [1] * 10_000)) == MAX_ERRORS


def test_metadata_is_checked_without_being_declared() -> None:
    """Metadata has its own types in every resource, and a schema may restrict names further."""
    schema = Schema(
        {"type": "object", "properties": {"metadata": {"type": "object", "properties": {"name": {"pattern": "^a"}}}}}
    )
    labels = schema.validate({"metadata": {"name": "a", "labels": {"x": 1}}})
    assert [error.field for error in labels] == ["metadata.labels.x"]
    assert [error.field for error in schema.validate({"metadata": {"name": "b"}})] == ["metadata.name"]
    assert schema.validate({"apiVersion": "v1", "kind": "X", "metadata": {"name": "a", "finalizers": ["f"]}}) == []


def test_embedded_resources() -> None:
    """An embedded resource is a resource: it says its kind, and its metadata is checked."""
    embedded = {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}
    assert errors(embedded, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {}}) == []
    assert errors(embedded, {"metadata": {"name": 1}}) == [
        'spec.x.metadata.name: Invalid value: "integer":'
        ' spec.x.metadata.name in body must be of type string: "integer"',
        "spec.x.apiVersion: Required value",
        "spec.x.kind: Required value",
    ]
