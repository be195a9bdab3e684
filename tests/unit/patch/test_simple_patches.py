"""JSON patch and merge patch, with the limits and errors of a Kubernetes server."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.machinery.errors import BadRequest, Invalid, RequestEntityTooLarge
from headwater.patch.jsonpatch import apply_json_patch
from headwater.patch.mergepatch import apply_merge_patch, create_merge_patch
from headwater.patch.typedmerge import same

_scalars = st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "x", "y"])
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=12,
)
_objects = st.dictionaries(st.sampled_from("abcd"), _values, max_size=4)

# The examples of RFC 7386, appendix A, that start from an object and end in one.
RFC_7386 = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("original", "patch", "expected"), RFC_7386)
def test_merge_patch_follows_the_rfc(original: Any, patch: Any, expected: Any) -> None:
    """The RFC's own examples."""
    before = copy.deepcopy(original)
    assert apply_merge_patch(original, patch) == expected
    assert original == before


@given(_objects, _objects)
def test_the_patch_between_two_objects_turns_one_into_the_other(old: dict[str, Any], new: dict[str, Any]) -> None:
    """create_merge_patch(a, b) applied to a gives b, exactly; nothing is patched when nothing differs."""
    patch = create_merge_patch(old, new)
    assert same(apply_merge_patch(old, patch), new)
    assert (patch == {}) == same(old, new)


def test_a_null_in_the_new_object_is_an_absent_field() -> None:
    """Merge patches can't set null."""
    assert create_merge_patch({"a": 1, "b": None}, {"a": None, "b": None, "c": None}) == {"a": None}


def test_the_result_of_a_merge_patch_shares_nothing() -> None:
    """Changing the result leaves object and patch alone."""
    original, patch = {"a": {"x": [1]}}, {"b": {"y": [2]}}
    result = apply_merge_patch(original, patch)
    result["a"]["x"].append(3)
    result["b"]["y"].append(3)
    assert (original, patch) == ({"a": {"x": [1]}}, {"b": {"y": [2]}})


def test_merge_patches_that_are_none() -> None:
    """Something else than an object, or nesting without end, is refused."""
    deep: dict[str, Any] = {}
    node = deep
    for _ in range(2000):
        node["a"] = {}
        node = node["a"]
    for patch in ([], "x", None, deep):
        with pytest.raises(BadRequest):
            apply_merge_patch({}, patch)


JSON_PATCHES = {
    "add": ([{"op": "add", "path": "/a", "value": 1}], {"x": [1, 2], "m": {"k": "v"}, "a": 1}),
    "append": ([{"op": "add", "path": "/x/-", "value": 3}], {"x": [1, 2, 3], "m": {"k": "v"}}),
    "insert": ([{"op": "add", "path": "/x/0", "value": 3}], {"x": [3, 1, 2], "m": {"k": "v"}}),
    "remove": ([{"op": "remove", "path": "/x"}], {"m": {"k": "v"}}),
    "replace": ([{"op": "replace", "path": "/m/k", "value": None}], {"x": [1, 2], "m": {"k": None}}),
    "move": ([{"op": "move", "from": "/m/k", "path": "/k"}], {"x": [1, 2], "m": {}, "k": "v"}),
    "copy": ([{"op": "copy", "from": "/m", "path": "/n"}], {"x": [1, 2], "m": {"k": "v"}, "n": {"k": "v"}}),
    "test": ([{"op": "test", "path": "/m/k", "value": "v"}], {"x": [1, 2], "m": {"k": "v"}}),
    "escapes": ([{"op": "add", "path": "/m/a~1b~0c", "value": 1}], {"x": [1, 2], "m": {"k": "v", "a/b~c": 1}}),
    "nothing": ([], {"x": [1, 2], "m": {"k": "v"}}),
}


@pytest.mark.parametrize(("ops", "expected"), JSON_PATCHES.values(), ids=JSON_PATCHES.keys())
def test_json_patch(ops: Any, expected: Any) -> None:
    """Each operation of RFC 6902, on a copy."""
    original = {"x": [1, 2], "m": {"k": "v"}}
    assert apply_json_patch(original, ops) == expected
    assert original == {"x": [1, 2], "m": {"k": "v"}}


@pytest.mark.parametrize(
    "ops",
    [
        [{"op": "test", "path": "/m/k", "value": "w"}],
        [{"op": "test", "path": "/absent", "value": "w"}],
        [{"op": "remove", "path": "/absent"}],
        [{"op": "replace", "path": "/absent", "value": 1}],
        [{"op": "add", "path": "/absent/below", "value": 1}],
        [{"op": "add", "path": "/x/9", "value": 1}],
        [{"op": "add", "path": "/m/k/deep", "value": 1}],
        [{"op": "copy", "from": "/absent", "path": "/a"}],
        [{"op": "replace", "path": "", "value": []}],
    ],
)
def test_operations_that_do_not_fit_are_invalid(ops: Any) -> None:
    """They get 422 with Kubernetes' sentence, and the operation after it, but no value of the object."""
    right = [{"op": "test", "path": "/m/k", "value": "hunter2"}]
    expected = r"the server rejected our request due to an error in our request: "
    if ops[0]["path"]:
        expected += rf"operation 1 \({ops[0]['op']} (/absent to )?{ops[0]['path']}\): "
    with pytest.raises(Invalid, match=expected) as refused:
        apply_json_patch({"x": [1, 2], "m": {"k": "hunter2"}}, right + ops)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "ops",
    [{}, "x", ["x"], [{"path": "/a"}], [{"op": "explode", "path": "/a"}], [{"op": "add", "path": 1}], [{"op": "add"}]],
)
def test_what_is_no_json_patch_is_a_bad_request(ops: Any) -> None:
    """They get 400."""
    with pytest.raises(BadRequest):
        apply_json_patch({}, ops)


def test_json_patches_are_bounded() -> None:
    """Neither the number of operations nor what copies add up to grows without limit."""
    with pytest.raises(RequestEntityTooLarge, match="10000, got 10001"):
        apply_json_patch({}, [{"op": "test", "path": "", "value": {}}] * 10_001)
    doubling = [{"op": "copy", "from": "/a", "path": "/a/-"}] * 64
    with pytest.raises(RequestEntityTooLarge, match="accumulated size"):
        apply_json_patch({"a": ["x" * 1000]}, doubling)
