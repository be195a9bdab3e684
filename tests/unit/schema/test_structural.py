"""Which schemas are refused as not structural, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.schema import validate_structural

STRING = {"type": "string"}
X = "schema.properties[x]"


def problems(property_: Any) -> list[str]:
    """The messages for a property ``x`` of a resource's schema at ``schema``."""
    return [str(error) for error in validate_structural({"type": "object", "properties": {"x": property_}}, "schema")]


@pytest.mark.parametrize(
    "property_",
    [
        pytest.param({"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, STRING]}, id="int-or-string"),
        pytest.param(
            {"x-kubernetes-int-or-string": True, "allOf": [{"anyOf": [STRING]}]}, id="int-or-string-in-all-of"
        ),
        pytest.param({"x-kubernetes-preserve-unknown-fields": True}, id="anything"),
        pytest.param({"type": "array", "items": STRING, "x-kubernetes-list-type": "set"}, id="set"),
        pytest.param({"type": "string", "default": "a", "enum": ["a"]}, id="default"),
        pytest.param({"type": "object", "additionalProperties": STRING}, id="map"),
        pytest.param({"type": "object", "x-kubernetes-map-type": "atomic"}, id="atomic-map"),
        pytest.param({"type": "object", "oneOf": [{"required": ["a"]}], "properties": {"a": STRING}}, id="one-of"),
        pytest.param({"type": "string", "not": {"enum": ["a"]}}, id="not"),
        pytest.param({"type": "string", "x-kubernetes-validations": [{"rule": "self != 'a'"}]}, id="rule"),
    ],
)
def test_structural(property_: Any) -> None:
    """Structural schemas have no problems."""
    assert problems(property_) == []


@pytest.mark.parametrize(
    ("property_", "message"),
    [
        pytest.param({}, f"{X}.type: Required value: must not be empty for specified object fields", id="untyped"),
        pytest.param(
            {"type": "array", "items": {}},
            f"{X}.items.type: Required value: must not be empty for specified array items",
            id="untyped-items",
        ),
        pytest.param({"type": "array"}, f"{X}.items: Required value: must be specified", id="no-items"),
        pytest.param(
            {"type": "text"},
            f'{X}.type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object",'
            ' "string"',
            id="unknown-type",
        ),
        pytest.param(
            {"type": "string", "x-kubernetes-int-or-string": True},
            f"{X}.type: Forbidden: must be empty if x-kubernetes-int-or-string is true",
            id="typed-union",
        ),
        pytest.param(
            {"x-kubernetes-preserve-unknown-fields": True, "x-kubernetes-int-or-string": True},
            f"{X}.x-kubernetes-preserve-unknown-fields: Forbidden: must be false if x-kubernetes-int-or-string is true",
            id="union-that-preserves",
        ),
        pytest.param(
            {"type": "object", "x-kubernetes-preserve-unknown-fields": False},
            f"{X}.x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined",
            id="preserve-false",
        ),
        pytest.param(
            {"type": "object", "x-kubernetes-embedded-resource": True},
            f"{X}.properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without"
            " x-kubernetes-preserve-unknown-fields",
            id="empty-embedded",
        ),
        pytest.param(
            {"type": "string", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True},
            f'{X}.type: Invalid value: "string": must be object if x-kubernetes-embedded-resource is true',
            id="embedded-string",
        ),
        pytest.param(
            {"type": "object", "properties": {"a": STRING}, "additionalProperties": STRING},
            f"{X}.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive",
            id="both-kinds-of-members",
        ),
        pytest.param({"type": "string", "$ref": "#/x"}, f"{X}.$ref: Forbidden: $ref is not supported", id="reference"),
        pytest.param(
            {"type": "array", "items": STRING, "uniqueItems": True},
            f"{X}.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes"
            " quadratic",
            id="unique-items",
        ),
        pytest.param(
            {"type": "string", "x-kubernetes-list-type": "set"},
            f'{X}.type: Invalid value: "string": must be array if x-kubernetes-list-type is specified',
            id="list-type-of-string",
        ),
        pytest.param(
            {"type": "array", "items": STRING, "x-kubernetes-list-type": "bag"},
            f'{X}.x-kubernetes-list-type: Unsupported value: "bag": supported values: "atomic", "set", "map"',
            id="unknown-list-type",
        ),
        pytest.param(
            {"type": "object", "x-kubernetes-map-type": "bag"},
            f'{X}.x-kubernetes-map-type: Unsupported value: "bag": supported values: "atomic", "granular"',
            id="unknown-map-type",
        ),
        pytest.param(
            {"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "map"},
            f"{X}.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map",
            id="map-without-keys",
        ),
        pytest.param(
            {"type": "array", "items": STRING, "x-kubernetes-list-map-keys": ["a"]},
            f"{X}.x-kubernetes-list-map-keys: Forbidden: must be empty if x-kubernetes-list-type is not map",
            id="keys-without-map",
        ),
        pytest.param(
            {
                "type": "array",
                "items": {"type": "object"},
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["a"],
            },
            f'{X}.x-kubernetes-list-map-keys[0]: Invalid value: "a": must have a property for the key in {X}.items',
            id="unknown-key",
        ),
        pytest.param(
            {
                "type": "array",
                "items": {"type": "object", "properties": {"a": {"type": "object"}}},
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["a"],
            },
            f'{X}.items.properties[a].type: Invalid value: "object": must be a scalar type if parent array\'s'
            " x-kubernetes-list-type is map",
            id="key-that-is-no-scalar",
        ),
        pytest.param(
            {"type": "object", "anyOf": [{"type": "object"}]},
            f"{X}.anyOf[0].type: Forbidden: must be empty to be structural",
            id="type-in-branch",
        ),
        pytest.param(
            {"type": "object", "not": {"properties": {"a": {"default": 1}}}},
            f"{X}.not.properties[a].default: Forbidden: must be empty to be structural",
            id="default-in-branch",
        ),
        pytest.param(
            {"type": "array", "items": STRING, "allOf": [{"items": {"not": {"description": "x"}}}]},
            f"{X}.allOf[0].items.not.description: Forbidden: must be empty to be structural",
            id="description-in-nested-branch",
        ),
        pytest.param(
            {"type": "string", "pattern": "(?=a)"},
            f'{X}.pattern: Invalid value: "(?=a)": must be a valid regular expression, but isn\'t: invalid regular'
            " expression: invalid perl operator: (?=",
            id="pattern",
        ),
        pytest.param(
            {"type": "integer", "default": "a"},
            f'{X}.default: Invalid value: "string":  in body must be of type integer: "string"',
            id="default-of-wrong-type",
        ),
        pytest.param(
            {"type": "object", "default": {"a": 1}},
            f"{X}.default.a: Forbidden: must be pruned",
            id="default-with-unknown-field",
        ),
        pytest.param(
            {"type": "string", "x-kubernetes-validations": [{"rule": " "}]},
            f"{X}.x-kubernetes-validations[0].rule: Required value: rule is not specified",
            id="empty-rule",
        ),
        pytest.param(
            {"type": "string", "x-kubernetes-validations": [{"rule": "true", "reason": "Whim"}]},
            f'{X}.x-kubernetes-validations[0].reason: Unsupported value: "Whim": supported values: "FieldValueInvalid",'
            ' "FieldValueForbidden", "FieldValueRequired", "FieldValueDuplicate"',
            id="unknown-reason",
        ),
        pytest.param(
            {"type": "string", "x-kubernetes-validations": [{"rule": "true", "message": "a\nb"}]},
            f'{X}.x-kubernetes-validations[0].message: Invalid value: "a\\nb": message must be one non-empty line',
            id="message-of-two-lines",
        ),
        pytest.param(
            {"type": "string", "x-kubernetes-validations": [{"rule": "true ||\nfalse"}]},
            f"{X}.x-kubernetes-validations[0].message: Required value: message must be specified if rule contains line"
            " breaks",
            id="long-rule-without-message",
        ),
        pytest.param("string", f'{X}: Invalid value: "": must be a schema of limited depth', id="no-schema"),
    ],
)
def test_not_structural(property_: Any, message: str) -> None:
    """Each offence is one error at the place of the offence."""
    assert problems(property_) == [message]


def test_rule_that_does_not_compile() -> None:
    """A rule is compiled when the schema is accepted, not when the first object comes."""
    (problem,) = problems({"type": "string", "x-kubernetes-validations": [{"rule": "self +"}]})
    assert problem.startswith(
        f'{X}.x-kubernetes-validations[0].rule: Invalid value: "self +": compilation failed: ERROR'
    )


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({}, "schema.type: Required value: must not be empty at the root"),
        ({"type": "object", "nullable": True}, "schema.nullable: Forbidden: nullable cannot be true at the root"),
        (
            {
                "type": "object",
                "properties": {"metadata": {"type": "object", "properties": {"labels": {"type": "object"}}}},
            },
            "schema.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but"
            " metadata is implicitly specified",
        ),
    ],
)
def test_root(schema: dict[str, Any], message: str) -> None:
    """The root is an object whose metadata only names may be restricted in."""
    assert [str(error) for error in validate_structural(schema, "schema")] == [message]


def test_root_of_another_type() -> None:
    """A list is no resource."""
    first = validate_structural({"type": "array", "items": STRING}, "schema")[0]
    assert str(first) == 'schema.type: Invalid value: "array": must be object at the root'


def test_depth_is_bounded() -> None:
    """A schema nested without end is refused, not followed."""
    schema: dict[str, Any] = STRING
    for _ in range(200):
        schema = {"type": "array", "items": schema}
    assert problems(schema)[0].endswith("must be a schema of limited depth")
