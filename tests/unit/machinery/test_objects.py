"""Objects: accessors that never fail, setters that say whether they changed anything, copies that share nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.machinery import objects

FULL = {
    "metadata": {
        "name": "web",
        "namespace": "shop",
        "uid": "u1",
        "resourceVersion": "7",
        "generation": 3,
        "labels": {"app": "web"},
        "annotations": {"kcp.io/cluster": "2x8k3"},
        "finalizers": ["a/b"],
        "ownerReferences": [{"name": "x"}, {"name": "y", "controller": True}],
        "deletionTimestamp": "2026-01-01T00:00:00Z",
    }
}
READERS = [
    ("name", "web", ""),
    ("namespace", "shop", ""),
    ("uid", "u1", ""),
    ("resource_version", "7", ""),
    ("generation", 3, 0),
    ("labels", {"app": "web"}, {}),
    ("annotations", {"kcp.io/cluster": "2x8k3"}, {}),
    ("finalizers", ["a/b"], ()),
    ("owner_references", FULL["metadata"]["ownerReferences"], ()),
    ("deletion_timestamp", "2026-01-01T00:00:00Z", ""),
    ("cluster_name", "2x8k3", ""),
    ("object_key", "2x8k3|shop/web", ""),
    ("controller_of", {"name": "y", "controller": True}, None),
]


@pytest.mark.parametrize(("reader", "full", "empty"), READERS, ids=[reader for reader, _, _ in READERS])
def test_readers(reader: str, full: object, empty: object) -> None:
    """Each accessor gives the value, and an empty one for an object without metadata or with nulls in it."""
    read = getattr(objects, reader)
    assert read(FULL) == full
    for hollow in ({}, {"metadata": None}, {"metadata": {}}, {"metadata": dict.fromkeys(FULL["metadata"])}):
        assert read(hollow) == empty


@pytest.mark.parametrize(
    ("key", "parts"),
    [("c|ns/n", ("c", "ns", "n")), ("c|n", ("c", "", "n")), ("ns/n", ("", "ns", "n")), ("n", ("", "", "n"))],
)
def test_keys_split_and_join(key: str, parts: tuple[str, str, str]) -> None:
    """Keys leave out the parts that are empty."""
    assert objects.split_key(key) == parts
    assert objects.make_key(*parts) == key


@pytest.mark.parametrize("field", ["labels", "annotations"])
def test_setting_and_removing_entries(field: str) -> None:
    """Setters create and remove the map as needed, and never touch a map that was shared."""
    setter = {"labels": objects.set_label, "annotations": objects.set_annotation}[field]
    obj: dict[str, Any] = {}
    assert setter(obj, "k", None) is False
    assert obj == {}
    assert setter(obj, "k", "v") is True
    assert setter(obj, "k", "v") is False
    shared = obj["metadata"][field]
    assert setter(obj, "j", "w") is True
    assert shared == {"k": "v"}
    assert obj["metadata"][field] == {"k": "v", "j": "w"}
    assert setter(obj, "k", None) is True
    assert setter(obj, "j", None) is True
    assert obj == {"metadata": {}}


def test_finalizers() -> None:
    """Finalizers are added once and removed without leaving an empty list."""
    obj: dict[str, Any] = {}
    assert objects.remove_finalizer(obj, "a") is False
    assert objects.add_finalizer(obj, "a") is True
    assert objects.add_finalizer(obj, "a") is False
    assert objects.add_finalizer(obj, "b") is True
    assert objects.remove_finalizer(obj, "a") is True
    assert obj == {"metadata": {"finalizers": ["b"]}}
    assert objects.remove_finalizer(obj, "b") is True
    assert obj == {"metadata": {}}


def test_nested_values() -> None:
    """Reading stops at absent, null and non-object values; writing makes the objects on the way."""
    obj: dict[str, Any] = {"spec": {"replicas": 0, "none": None, "list": [1]}}
    assert objects.nested(obj, "spec", "replicas") == 0
    assert objects.nested(obj, "spec", "none", default=1) == 1
    assert objects.nested(obj, "spec", "list", "x") is None
    objects.set_nested(obj, 5, "status", "a", "b")
    assert obj["status"] == {"a": {"b": 5}}
    objects.set_nested(obj, None, "status", "a", "b")
    objects.set_nested(obj, None, "other", "a")
    assert obj["status"] == {"a": {}}
    assert "other" not in obj


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    )
)
def test_copies_are_equal_and_share_nothing(value: Any) -> None:
    """No dict or list of a copy is one of the original's."""

    def containers(node: Any) -> set[int]:
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        own = {id(node)} if isinstance(node, dict | list) else set()
        return own.union(*map(containers, inner))

    copy = objects.deep_copy(value)
    assert copy == value
    assert not containers(copy) & containers(value)


@pytest.mark.parametrize("value", [[2**70], {"a": {"b": "\ud800"}}, {"deep": [[[1]] * 3] * 3}, "text", 5, None])
def test_copies_of_what_json_does_not_take(value: Any) -> None:
    """Large integers and lone surrogates are copied exactly too."""
    assert objects.deep_copy(value) == value
