"""managedFields of creates, updates and patches."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.patch.things import T1, T2, Obj, apply, bare, obj, owners, update

_scalars = st.booleans() | st.integers(0, 2) | st.sampled_from(["x", "y"])
_spec = st.fixed_dictionaries(
    {},
    optional={
        "replicas": st.integers(0, 2),
        "selector": st.dictionaries(st.sampled_from("ab"), _scalars, max_size=2),
        "set": st.lists(st.sampled_from("abcd"), unique=True, max_size=4),
        "labels": st.dictionaries(st.sampled_from("ab"), st.sampled_from("xy"), max_size=2),
        "other": st.recursive(_scalars, lambda i: st.dictionaries(st.sampled_from("ab"), i, max_size=2), max_leaves=4),
        "containers": st.lists(
            st.fixed_dictionaries(
                {"name": st.sampled_from("abc")},
                optional={"image": st.sampled_from("xy"), "args": st.lists(st.sampled_from("xy"), max_size=2)},
            ),
            unique_by=lambda container: container["name"],
            max_size=3,
        ),
    },
)


def test_an_update_owns_what_it_changes() -> None:
    """A create owns all it sent, containers of it included; an update adds what it touched; oldest first."""
    created = update(None, obj({"replicas": 1, "labels": {"x": "y"}}, labels={"l": "v"}))
    assert owners(created) == {
        ("u", "Update"): {
            "f:metadata": {"f:labels": {".": {}, "f:l": {}}},
            "f:spec": {".": {}, "f:labels": {".": {}, "f:x": {}}, "f:replicas": {}},
        }
    }
    changed = copy.deepcopy(created)
    changed["spec"]["replicas"] = 2
    changed["spec"]["labels"] = {"z": "1"}
    after = update(created, changed, "other", T2)
    assert owners(after) == {
        ("u", "Update"): {
            "f:metadata": {"f:labels": {".": {}, "f:l": {}}},
            "f:spec": {".": {}, "f:labels": {}},
        },
        ("other", "Update"): {"f:spec": {"f:labels": {"f:z": {}}, "f:replicas": {}}},
    }
    assert [entry["time"] for entry in after["metadata"]["managedFields"]] == [T1, T2]


def test_a_create_that_says_nothing_has_no_owner() -> None:
    """An object of nothing but its name gets no managedFields at all."""
    assert update(None, obj()) == obj()


def test_an_update_that_changes_nothing_keeps_the_entries() -> None:
    """The same spec written again, even by someone else, leaves managedFields alone."""
    created = update(None, obj({"replicas": 1}))
    assert update(created, bare(created), "other", T2) == created
    assert update(created, created, "u", T2) == created


def test_an_update_that_only_removes_takes_no_ownership() -> None:
    """What is gone belongs to nobody."""
    created = update(None, obj({"replicas": 1, "paused": True}))
    after = update(created, obj({"replicas": 1}), "other", T2)
    assert owners(after) == {("u", "Update"): {"f:spec": {".": {}, "f:replicas": {}}}}
    assert after["metadata"]["managedFields"][0]["time"] == T1


def test_status_is_owned_through_its_subresource_only() -> None:
    """The entry of a status write names the subresource and holds status alone; other writes leave it out."""
    live = update(None, {**obj({"replicas": 1}), "status": {"ready": 0}})
    assert "f:status" not in owners(live)[("u", "Update")]
    new = {**copy.deepcopy(live), "status": {"ready": 1}, "spec": {"replicas": 7}}
    after = update(live, new, "kubelet", T2, subresource="status")
    assert after["metadata"]["managedFields"][1] == {
        "manager": "kubelet",
        "operation": "Update",
        "apiVersion": "apps/v1",
        "time": T2,
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:status": {"f:ready": {}}},
        "subresource": "status",
    }
    applied = apply(after, {**obj(), "status": {"ready": 5}, "spec": {"replicas": 9}}, subresource="status", force=True)
    assert applied["status"] == {"ready": 5}
    assert applied["spec"] == {"replicas": 7}


@pytest.mark.parametrize("reset", [[{}]])
def test_one_empty_entry_forgets_all_owners(reset: Any) -> None:
    """After that, updates aren't tracked until someone applies."""
    live = apply(None, obj({"replicas": 1}))
    after = update(live, {**bare(live), "metadata": {"name": "x", "managedFields": reset}})
    assert "managedFields" not in after["metadata"]
    later = update(after, obj({"replicas": 5}), now=T2)
    assert "managedFields" not in later["metadata"]


@pytest.mark.parametrize(
    "sent",
    [
        None,
        [],
        "x",
        [{"manager": "m"}],
        [{"manager": "m", "operation": "Steal", "fieldsType": "FieldsV1", "fieldsV1": {}}],
        [{"manager": "m", "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": {"x": 1}}],
        [{"manager": 1, "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": {"f:x": {}}}],
    ],
)
def test_unreadable_managed_fields_keep_the_stored_ones(sent: Any) -> None:
    """Clients that don't know the field can't delete it by accident."""
    live = apply(None, obj({"replicas": 1}))
    after = update(live, {**bare(live), "metadata": {"name": "x", "managedFields": sent}})
    assert after == live


def test_managed_fields_can_be_edited() -> None:
    """Valid entries in an update replace the stored ones, but not through a subresource."""
    live = apply(None, obj({"replicas": 1}))
    entry = {**live["metadata"]["managedFields"][0], "manager": "new-name"}
    edited = {**bare(live), "metadata": {"name": "x", "managedFields": [entry]}}
    assert list(owners(update(live, edited))) == [("new-name", "Apply")]
    assert list(owners(update(live, edited, subresource="status"))) == [("a", "Apply")]


def test_old_update_managers_are_merged() -> None:
    """There are never more than ten update entries of a version: the oldest become ancient-changes."""
    live = update(None, obj({"labels": {}}), "first", "2026-01-01T00:00:00Z")
    for number in range(15):
        changed = copy.deepcopy(live)
        changed["spec"]["labels"][f"l{number}"] = "x"
        live = update(live, changed, f"m{number:02}", f"2026-02-01T00:00:{number:02}Z")
    entries = live["metadata"]["managedFields"]
    assert [entry["manager"] for entry in entries] == ["ancient-changes", *(f"m{number:02}" for number in range(6, 15))]
    assert entries[0]["time"] == "2026-02-01T00:00:05Z"
    assert {"f:l0", "f:l5"} < entries[0]["fieldsV1"]["f:spec"]["f:labels"].keys()


def test_versions_are_not_mixed_when_managers_are_merged() -> None:
    """An object written once each at many versions keeps an entry for each."""
    live = update(None, obj({"labels": {}}), "first")
    for number in range(2, 14):
        changed = copy.deepcopy(live)
        changed["spec"]["labels"][f"l{number}"] = "x"
        live = update(live, changed, "m", T2, api_version=f"apps/v{number}")
    assert len(live["metadata"]["managedFields"]) == 13


@given(_spec, _spec)
def test_disjoint_updates_are_remembered(one: Obj, two: Obj) -> None:
    """After updates every field has at least one owner, and no owner holds a field that is gone."""
    live = update(None, obj(one), "one")
    live = update(live, {**live, "spec": two}, "two", T2)
    held: set[str] = set()
    for fields in owners(live).values():
        held |= {name[2:] for name in fields.get("f:spec", {}) if name != "."}
    assert held == set(two)
