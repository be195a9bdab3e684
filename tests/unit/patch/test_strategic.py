"""Strategic merge patch against the published behaviour of each directive and list strategy."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from headwater.machinery.errors import BadRequest
from headwater.patch.strategic import apply_strategic_patch

_ITEM = {"type": "object", "properties": {"name": {"type": "string"}, "value": {}, "inner": {"type": "object"}}}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "list": {
            "type": "array",
            "items": _ITEM,
            "x-kubernetes-patch-strategy": "merge",
            "x-kubernetes-patch-merge-key": "name",
        },
        "keyless": {"type": "array", "items": _ITEM, "x-kubernetes-patch-strategy": "merge"},
        "primitives": {"type": "array", "items": {"type": "string"}, "x-kubernetes-patch-strategy": "merge"},
        "atomic": {"type": "array", "items": {"type": "string"}},
        "volume": {"type": "object", "x-kubernetes-patch-strategy": "retainKeys"},
        "fixed": {"type": "object", "x-kubernetes-patch-strategy": "replace"},
        "many": {"type": "object", "additionalProperties": {"type": "array", "x-kubernetes-patch-strategy": "merge"}},
    },
}


def item(name: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"name": name, **({"value": value} if value is not None else {}), **more}


CASES = {
    "scalars are set, nulls delete": ({"a": 1, "b": 2}, {"a": None, "b": 3, "c": 4}, {"b": 3, "c": 4}),
    "maps merge": ({"m": {"a": 1, "b": 2}}, {"m": {"b": None, "c": 3}}, {"m": {"a": 1, "c": 3}}),
    "a map is replaced on demand": ({"m": {"a": 1}}, {"m": {"$patch": "replace", "b": 2}}, {"m": {"b": 2}}),
    "a map is emptied on demand": ({"m": {"a": 1}}, {"m": {"$patch": "delete"}}, {"m": {}}),
    "merge is the plain behaviour": ({"m": {"a": 1}}, {"m": {"$patch": "merge", "b": 2}}, {"m": {"a": 1, "b": 2}}),
    "a map of another shape replaces": ({"m": 1}, {"m": {"a": None, "b": 2}}, {"m": {"b": 2}}),
    "a replace-strategy map is replaced": ({"fixed": {"a": 1}}, {"fixed": {"b": 2}}, {"fixed": {"b": 2}}),
    "atomic lists are replaced": ({"atomic": ["a", "b"]}, {"atomic": ["c"]}, {"atomic": ["c"]}),
    "primitive lists are united": (
        {"primitives": ["a", "b"]},
        {"primitives": ["b", "c"]},
        {"primitives": ["a", "b", "c"]},
    ),
    "primitives are deleted by directive": (
        {"primitives": ["a", "b"]},
        {"$deleteFromPrimitiveList/primitives": ["a"]},
        {"primitives": ["b"]},
    ),
    "items merge by key": (
        {"list": [item("a", 1), item("b", 2, inner={"x": 1})]},
        {"list": [item("b", 3, inner={"y": 2})]},
        {"list": [item("a", 1), item("b", 3, inner={"x": 1, "y": 2})]},
    ),
    "new items come before what only the server has": (
        {"list": [item("a", 1)]},
        {"list": [item("b", 2)]},
        {"list": [item("b", 2), item("a", 1)]},
    ),
    "an item is deleted by directive": (
        {"list": [item("a", 1), item("b", 2)]},
        {"list": [{"$patch": "delete", "name": "a"}]},
        {"list": [item("b", 2)]},
    ),
    "a list is replaced by directive": (
        {"list": [item("a", 1)]},
        {"list": [item("b", 2), {"$patch": "replace"}]},
        {"list": [item("b", 2)]},
    ),
    "an item is replaced by directive in a new list": (
        {},
        {"list": [{"$patch": "delete", "name": "x"}, item("a", 1)]},
        {"list": [item("a", 1)]},
    ),
    "the element order is kept": (
        {"list": [item("a", 1), item("server", 0), item("b", 2)]},
        {"$setElementOrder/list": [item("b"), item("a")], "list": [item("a", 5)]},
        {"list": [item("server", 0), item("b", 2), item("a", 5)]},
    ),
    "the server's own items stay in their place": (
        {"list": [item("server", 0), item("a", 1), item("b", 2)]},
        {"$setElementOrder/list": [item("a"), item("b"), item("c")], "list": [item("c", 3)]},
        {"list": [item("server", 0), item("a", 1), item("b", 2), item("c", 3)]},
    ),
    "an order alone reorders": (
        {"primitives": ["a", "b", "c"]},
        {"$setElementOrder/primitives": ["c", "a", "b"]},
        {"primitives": ["c", "a", "b"]},
    ),
    "an order with a new list": (
        {},
        {"$setElementOrder/list": [item("a"), item("b")], "list": [item("a", 1), {"$patch": "delete", "name": "b"}]},
        {"list": [item("a", 1)]},
    ),
    "an order for nothing does nothing": ({"a": 1}, {"$setElementOrder/list": [item("a")]}, {"a": 1}),
    "kept keys only": (
        {"volume": {"emptyDir": {}, "name": "v"}},
        {"volume": {"$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/x"}}},
        {"volume": {"name": "v", "hostPath": {"path": "/x"}}},
    ),
    "maps of lists": ({"many": {"x": ["a"]}}, {"many": {"x": ["b"]}}, {"many": {"x": ["b", "a"]}}),
    "finalizers and owners merge by default": (
        {"metadata": {"finalizers": ["a"], "ownerReferences": [{"uid": "1", "name": "x"}]}},
        {"metadata": {"finalizers": ["b"], "ownerReferences": [{"uid": "1", "name": "y"}]}},
        {"metadata": {"finalizers": ["b", "a"], "ownerReferences": [{"uid": "1", "name": "y"}]}},
    ),
    "directives never become data": ({}, {"m": {"$retainKeys": ["a"], "a": 1, "b": None}}, {"m": {"a": 1}}),
    "empty lists": ({"list": []}, {"list": []}, {"list": []}),
}


@pytest.mark.parametrize(("original", "patch", "expected"), CASES.values(), ids=CASES.keys())
def test_patch(original: dict[str, Any], patch: dict[str, Any], expected: dict[str, Any]) -> None:
    """The outcome is as published, and neither the object nor the patch is changed."""
    before, patch_before = copy.deepcopy(original), copy.deepcopy(patch)
    result = apply_strategic_patch(original, patch, SCHEMA)
    if "primitives" in expected or "many" in expected or "metadata" in expected:
        assert _unordered(result) == _unordered(expected)
    else:
        assert result == expected
    assert (original, patch) == (before, patch_before)


def _unordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unordered(item) for key, item in value.items()}
    return sorted(map(str, value)) if isinstance(value, list) else value


BAD = {
    "not an object": [],
    "an unknown directive": {"m": {"$patch": "explode"}},
    "an unknown directive in a list": {"list": [{"$patch": "explode", "name": "a"}]},
    "merge in a list": {"list": [{"$patch": "merge", "name": "a"}]},
    "an item without its key": {"list": [{"value": 1}]},
    "a deletion without its key": {"list": [{"$patch": "delete"}]},
    "mixed item types": {"list": ["x"]},
    "objects without a merge key": {"keyless": [item("b")]},
    "retained keys that exclude what is set": {"m": {"$retainKeys": ["a"], "b": 1}},
    "retained keys that are no list": {"m": {"$retainKeys": "a", "b": 1}},
    "an order that is no list": {"$setElementOrder/list": "a"},
    "an order that contradicts the patch": {
        "$setElementOrder/list": [item("a"), item("b")],
        "list": [item("b", 1), item("a", 1)],
    },
    "deletions that are no list": {"$deleteFromPrimitiveList/primitives": "a"},
}


@pytest.mark.parametrize("patch", BAD.values(), ids=BAD.keys())
def test_patches_that_make_no_sense_are_refused(patch: Any) -> None:
    """A patch that can't be meant gets 400."""
    original = {"m": {"z": 1}, "list": [item("a", 1)], "keyless": [item("a")], "primitives": ["a"]}
    with pytest.raises(BadRequest):
        apply_strategic_patch(original, patch, SCHEMA)


def test_without_a_schema_lists_are_replaced() -> None:
    """There is no key to merge by, so a list is one value."""
    assert apply_strategic_patch({"x": [{"name": "a"}]}, {"x": [{"name": "b"}]}, None) == {"x": [{"name": "b"}]}
