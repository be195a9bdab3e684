"""Field sets: set algebra over FieldsV1 trees, and their text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.patch import fieldset

_names = st.sampled_from(["f:a", "f:b", "f:c", 'k:{"name":"x"}', 'v:"y"'])
_paths = st.lists(_names, min_size=1, max_size=4).map(tuple)
_sets = st.sets(_paths, max_size=8)


def tree(paths: set[tuple[str, ...]]) -> fieldset.Node:
    """Build the normal form of a set of paths."""
    root: dict[str, Any] = {}
    for path in paths:
        node = root
        for element in path:
            node = node.setdefault(element, {"?": True})
        node["."] = {}
    return _normal(root)


def _normal(node: dict[str, Any]) -> dict[str, Any]:
    below = {key: _normal(child) for key, child in node.items() if key not in ("?", ".")}
    if "." in node and below:
        return {".": {}, **below}
    return below


def paths_of(node: fieldset.Node) -> set[tuple[str, ...]]:
    return set(fieldset.iterate(node))


@given(_sets)
def test_a_tree_holds_exactly_its_paths(paths: set[tuple[str, ...]]) -> None:
    """Iterating gives back what was put in."""
    assert paths_of(tree(paths)) == paths


@given(_sets, _sets)
def test_union_and_intersection_are_those_of_sets(left: set[tuple[str, ...]], right: set[tuple[str, ...]]) -> None:
    """Union and intersection of trees agree with union and intersection of path sets."""
    assert paths_of(fieldset.union_root(tree(left), tree(right))) == left | right
    if left and right:
        assert paths_of(fieldset.intersect(tree(left), tree(right)) or {}) == left & right


@given(_sets, _sets)
def test_exact_difference_is_that_of_sets(left: set[tuple[str, ...]], right: set[tuple[str, ...]]) -> None:
    """subtract_exactly removes the given paths and nothing below them."""
    if left:
        assert paths_of(fieldset.subtract_exactly(tree(left), tree(right)) or {}) == left - right


@given(_sets, _sets)
def test_difference_takes_what_lies_below_a_leaf(left: set[tuple[str, ...]], right: set[tuple[str, ...]]) -> None:
    """subtract also removes everything below a path of the right set that has nothing below it there."""
    leaves = {path for path in right if not any(other[: len(path)] == path and other != path for other in right)}
    expected = {path for path in left - right if not any(path[: len(leaf)] == leaf for leaf in leaves)}
    assert paths_of(fieldset.subtract_root(tree(left), tree(right))) == expected


@given(_sets, _sets)
def test_operations_without_effect_return_the_operand_itself(
    left: set[tuple[str, ...]], right: set[tuple[str, ...]]
) -> None:
    """Identity tells "unchanged", and operands are never changed."""
    a, b = tree(left), tree(right)
    if right <= left and left:
        assert fieldset.union_root(a, b) is a
    if a and not left & right and not any(p[: len(q)] == q for p in left for q in right):
        assert fieldset.subtract_root(a, b) is a
    assert paths_of(a) == left
    assert paths_of(b) == right


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("f:spec", "f:replicas"), ".spec.replicas"),
        (("f:containers", 'k:{"name":"app"}', "f:image"), '.containers[name="app"].image'),
        (('k:{"containerPort":80,"protocol":"TCP"}',), '[containerPort=80,protocol="TCP"]'),
        (("f:metadata", "f:finalizers", 'v:"x/y"'), '.metadata.finalizers[="x/y"]'),
        (("f:args", "i:0"), ".args[0]"),
        (("f:data", "f:a:b"), ".data.a:b"),
    ],
    ids=["field", "key", "keys", "value", "index", "colon"],
)
def test_paths_read_as_kubernetes_prints_them(path: tuple[str, ...], text: str) -> None:
    """Conflict messages and causes name fields in this form."""
    assert fieldset.path_text(path) == text


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        ({}, True),
        ({"f:a": {".": {}, 'k:{"n":1}': {}, "v:1": {}, "i:3": {}}}, True),
        ([], False),
        ({"a": {}}, False),
        ({"f:a": []}, False),
        ({".": {"f:a": {}}}, False),
        ({"k:1": {}}, False),
        ({"v:nonsense": {}}, False),
        ({"i:x": {}}, False),
    ],
)
def test_only_fieldsv1_trees_are_valid(value: Any, valid: bool) -> None:
    """What clients send as fieldsV1 is checked before it is used."""
    assert fieldset.is_valid(value) is valid


def test_a_subtracted_leaf_wins_over_membership() -> None:
    """A leaf loses its membership to a node that holds it, and keeps it otherwise."""
    assert fieldset.subtract({}, {".": {}, "f:a": {}}) is None
    assert fieldset.subtract({}, {"f:a": {}}) == {}
    assert fieldset.union({}, {"f:a": {}}) == {".": {}, "f:a": {}}
    assert fieldset.union({"f:a": {}}, {}) == {".": {}, "f:a": {}}
