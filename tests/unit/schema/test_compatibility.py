"""What an imported schema may differ in, row by row of kcp's rules, and what comes of Kubernetes' own kinds."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.apis.kube.kinds import kube_kinds
from headwater.apis.kube.schemas import definitions, structural
from headwater.machinery.gvk import GroupVersionKind
from headwater.schema.compatibility import MAX_DIFFERENCES, MAX_STEPS, compare, type_of

Object = dict[str, Any]

INTEGER: Object = {"type": "integer"}
NUMBER: Object = {"type": "number"}
STRING: Object = {"type": "string"}
ANY: Object = {"x-kubernetes-preserve-unknown-fields": True}
OPEN: Object = {"type": "object", **ANY}
UNION: Object = {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}
OLD_UNION: Object = {"type": "string", "format": "int-or-string"}
QUANTITY: Object = {"x-kubernetes-int-or-string": True, "format": "quantity"}


def listing(**more: Any) -> Object:
    return {"type": "array", "items": STRING, **more}


def fields(**properties: Object) -> Object:
    return {"type": "object", "properties": properties}


def mapping(value: Any) -> Object:
    return {"type": "object", "additionalProperties": value}


def differences(existing: Object, new: Object | None, components: Object | None = None) -> list[str]:
    """With both schemas as the field `spec` of an object."""
    wanted = {"type": "object", "properties": {"spec": existing}}
    offered: Object = {"type": "object", "properties": {"spec": new}}
    return [str(each) for each in compare(wanted, offered, components).differences]


@pytest.mark.parametrize(
    ("existing", "new"),
    [
        pytest.param(INTEGER, INTEGER, id="same"),
        pytest.param(INTEGER, NUMBER, id="integers are numbers"),
        pytest.param(INTEGER, {}, id="anything"),
        pytest.param(STRING, UNION, id="strings are int-or-string"),
        pytest.param({**INTEGER, "minimum": 1}, INTEGER, id="no bound"),
        pytest.param({**INTEGER, "minimum": 1, "maximum": 5}, {**INTEGER, "minimum": 0, "maximum": 9}, id="bounds"),
        pytest.param({**INTEGER, "multipleOf": 4}, {**INTEGER, "multipleOf": 2}, id="multiple"),
        pytest.param({**STRING, "pattern": "a"}, STRING, id="no pattern"),
        pytest.param({**STRING, "enum": ["a"]}, {**STRING, "enum": ["b", "a"]}, id="more values"),
        pytest.param({**STRING, "enum": ["a"]}, STRING, id="any value"),
        pytest.param({**INTEGER, "format": "int32"}, {**INTEGER, "format": "int64"}, id="longer integers"),
        pytest.param({**STRING, "format": "date"}, STRING, id="no format"),
        pytest.param(listing(uniqueItems=True), listing(), id="not unique"),
        pytest.param(listing(maxItems=2), listing(maxItems=3), id="longer list"),
        pytest.param(listing(), listing(**{"x-kubernetes-list-type": "atomic"}), id="the default said"),
        pytest.param(STRING, {**STRING, "nullable": True}, id="null"),
        pytest.param({**STRING, "not": STRING}, {**STRING, "not": STRING}, id="same combination"),
        pytest.param(fields(a=STRING), fields(a=STRING, b=STRING), id="more fields"),
        pytest.param(fields(a=STRING), OPEN, id="unknown fields"),
        pytest.param(fields(a=STRING), mapping(STRING), id="a map that has it"),
        pytest.param(fields(a=STRING), mapping({}), id="a map of anything"),
        pytest.param(mapping(STRING), mapping(True), id="values of anything"),
        pytest.param(OPEN, OPEN, id="both open"),
        pytest.param(ANY, ANY, id="both anything"),
        pytest.param(UNION, OLD_UNION, id="int-or-string of Kubernetes 1.24"),
        pytest.param(QUANTITY, {"oneOf": [STRING, NUMBER]}, id="quantity"),
        pytest.param(QUANTITY, STRING, id="quantity of Kubernetes 1.24"),
    ],
)
def test_what_is_wider_is_compatible(existing: Object, new: Object) -> None:
    assert differences(existing, new) == []


@pytest.mark.parametrize(
    ("existing", "new", "found"),
    [
        pytest.param(NUMBER, INTEGER, ["spec: type is integer, not number"], id="numbers"),
        pytest.param(STRING, INTEGER, ["spec: type is integer, not string"], id="another type"),
        pytest.param(INTEGER, None, ["spec: the pcluster's schema allows nothing"], id="nothing"),
        pytest.param(UNION, INTEGER, ["spec: type is integer, not int-or-string"], id="int-or-string"),
        pytest.param({}, STRING, ["spec: the pcluster takes only the type string here"], id="anything"),
        pytest.param(INTEGER, {**INTEGER, "minimum": 1}, ["spec: minimum is 1, not unset"], id="minimum"),
        pytest.param({**INTEGER, "minimum": 0}, {**INTEGER, "minimum": 1}, ["spec: minimum is 1, not 0"], id="higher"),
        pytest.param({**INTEGER, "maximum": 9}, {**INTEGER, "maximum": 5}, ["spec: maximum is 5, not 9"], id="lower"),
        pytest.param(INTEGER, {**NUMBER, "maximum": 5}, ["spec: maximum is 5, not unset"], id="bound of a wider type"),
        pytest.param(
            {**INTEGER, "maximum": 5},
            {**INTEGER, "maximum": 5, "exclusiveMaximum": True},
            ["spec: maximum is 5 (exclusive), not 5"],
            id="exclusive",
        ),
        pytest.param({**STRING, "maxLength": 9}, {**STRING, "maxLength": 5}, ["spec: maxLength is 5, not 9"], id="len"),
        pytest.param(
            {**INTEGER, "multipleOf": 2}, {**INTEGER, "multipleOf": 4}, ["spec: multipleOf is 4, not 2"], id="multiple"
        ),
        pytest.param(
            {**STRING, "pattern": "a"}, {**STRING, "pattern": "b"}, ["spec: pattern is another one"], id="pattern"
        ),
        pytest.param(
            {**STRING, "enum": ["a", "b", "c"]}, {**STRING, "enum": ["c"]}, ["spec: enum lacks a, b"], id="fewer values"
        ),
        pytest.param(STRING, {**STRING, "enum": ["a"]}, ["spec: only some values are allowed"], id="new enum"),
        pytest.param(STRING, {**STRING, "format": "date"}, ["spec: format is date, not unset"], id="format"),
        pytest.param(listing(), listing(uniqueItems=True), ["spec: items have to be unique"], id="unique"),
        pytest.param(listing(), listing(items=INTEGER), ["spec[]: type is integer, not string"], id="items"),
        pytest.param(listing(), {"type": "array"}, ["spec[]: the pcluster's schema allows nothing"], id="no items"),
        pytest.param(
            listing(), listing(**{"x-kubernetes-list-type": "set"}),
            ["spec: x-kubernetes-list-type is set, not atomic"], id="list type",
        ),
        pytest.param(
            listing(**{"x-kubernetes-list-map-keys": ["a"]}), listing(**{"x-kubernetes-list-map-keys": ["b"]}),
            ["spec: x-kubernetes-list-map-keys are others"], id="list keys",
        ),
        pytest.param(
            fields(), {**fields(), "x-kubernetes-map-type": "atomic"},
            ["spec: x-kubernetes-map-type is atomic, not granular"], id="map type",
        ),
        pytest.param({**STRING, "nullable": True}, STRING, ["spec: null is not allowed"], id="null"),
        pytest.param(STRING, {**STRING, "not": STRING}, ["spec: not is another one and can't be compared"], id="not"),
        pytest.param(
            fields(a=STRING, b=STRING), fields(b=STRING), ["spec.a: the pcluster does not know this field"], id="field"
        ),
        pytest.param(
            fields(a=STRING), {"type": "object"}, ["spec.a: the pcluster does not know this field"], id="all fields"
        ),
        pytest.param(fields(a=STRING), mapping(INTEGER), ["spec.a: type is integer, not string"], id="a map"),
        pytest.param(
            fields(a=STRING), {**fields(a=STRING), "required": ["a"]},
            ["spec.a: the pcluster requires this field"], id="required",
        ),
        pytest.param(mapping(STRING), mapping(INTEGER), ["spec.*: type is integer, not string"], id="values"),
        pytest.param(
            mapping(STRING), {"type": "object"}, ["spec: the pcluster takes no other fields here"], id="no map"
        ),
        pytest.param(
            mapping(True), mapping(STRING), ["spec: the pcluster takes only fields of one schema here"], id="map"
        ),
        pytest.param(OPEN, {"type": "object"}, ["spec: the pcluster takes no unknown fields here"], id="closed"),
    ],
)  # fmt: skip
def test_what_is_narrower_is_named(existing: Object, new: Object | None, found: list[str]) -> None:
    assert differences(existing, new) == found


def test_what_all_kinds_share_and_what_goes_up_is_not_compared() -> None:
    everything = fields(apiVersion=STRING, kind=STRING, metadata=OPEN, status=fields(a=STRING), spec=STRING)
    assert compare(everything, {**fields(spec=STRING, status=fields()), "required": ["metadata"]}).differences == ()
    assert [str(each) for each in compare(everything, None).differences] == [
        "the object: the pcluster's schema allows nothing"
    ]


def test_references_are_followed_and_circles_end() -> None:
    components: Object = {
        "name": {"type": "string", "maxLength": 5},
        "tree": {"type": "object", "properties": {"leaf": {"allOf": [{"$ref": "#/components/schemas/tree"}]}}},
        "loop": {"$ref": "#/components/schemas/loop"},
    }
    assert differences(STRING, {"$ref": "#/components/schemas/name"}, components) == ["spec: maxLength is 5, not unset"]
    beside = {"allOf": [{"$ref": "#/components/schemas/name"}], "default": "", "maxLength": 9}
    assert differences({**STRING, "maxLength": 7}, beside, components) == []
    tree: Object = {"$ref": "#/components/schemas/tree"}
    assert differences(fields(leaf=fields(leaf=fields(leaf=fields()))), tree, components) == []
    assert differences(STRING, {"$ref": "#/components/schemas/loop"}, components) == []


def test_large_schemas_have_an_end() -> None:
    many = {f"f{number}": STRING for number in range(MAX_DIFFERENCES + 1)}
    comparison = compare(fields(spec=fields(**many)), fields(spec=fields()))
    assert len(comparison.differences) == MAX_DIFFERENCES and not comparison.complete
    wide = fields(**{f"f{number}": STRING for number in range(MAX_STEPS + 1)})
    assert not compare(fields(spec=wide), fields(spec=wide)).complete
    deep: Object = STRING
    for _ in range(200):
        deep = fields(a=deep)
    assert not compare(deep, deep).complete


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_kubernetes_own_kinds_agree_with_themselves(kind: str) -> None:
    """As workspaces have them, and as documents of the same release describe them."""
    known = definitions()
    components = {name: known[name] for name in known}
    own = kube_kinds()[GroupVersionKind("apps", "v1", kind)].definition
    assert compare(structural(own), components[own], components).differences == ()


def test_types() -> None:
    assert type_of({"properties": {}}) == "" and type_of(fields(a=STRING)) == "object"
    assert type_of({"oneOf": [STRING, INTEGER]}) == "int-or-string"
    assert type_of({**STRING, "oneOf": [{"pattern": "a"}]}) == "string"
