"""Server-side apply: the published behaviour, by table and by property."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.patch.things import T1, T2, T3, Obj, apply, bare, obj, owners, update

from headwater.machinery.errors import BadRequest, Conflict
from headwater.patch import managed
from headwater.patch.lastapplied import ANNOTATION

CONTAINERS = {"containers": [{"name": "app", "image": "a:1", "ports": [{"containerPort": 80}]}]}

FIELD_SETS = {
    "struct fields": ({"replicas": 1, "paused": True}, {"f:spec": {"f:paused": {}, "f:replicas": {}}}),
    "map items are members": ({"labels": {"x": "y"}}, {"f:spec": {"f:labels": {"f:x": {}}}}),
    "an empty map": ({"labels": {}}, {"f:spec": {"f:labels": {}}}),
    "an atomic map": ({"selector": {"matchLabels": {"a": "b"}}}, {"f:spec": {"f:selector": {}}}),
    "a set": ({"set": ["x", "y"]}, {"f:spec": {"f:set": {'v:"x"': {}, 'v:"y"': {}}}}),
    "an associative list with a default in its key": (
        CONTAINERS,
        {
            "f:spec": {
                "f:containers": {
                    'k:{"name":"app"}': {
                        ".": {},
                        "f:name": {},
                        "f:image": {},
                        "f:ports": {
                            'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}},
                        },
                    }
                }
            }
        },
    ),
    "an atomic list": (
        {"containers": [{"name": "app", "args": ["x"]}]},
        {"f:spec": {"f:containers": {'k:{"name":"app"}': {".": {}, "f:name": {}, "f:args": {}}}}},
    ),
    "unknown fields are granular maps": (
        {"other": {"deep": {"x": [1]}}},
        {"f:spec": {"f:other": {".": {}, "f:deep": {".": {}, "f:x": {}}}}},
    ),
}


@pytest.mark.parametrize(("spec", "fields"), FIELD_SETS.values(), ids=FIELD_SETS.keys())
def test_an_apply_owns_what_it_names(spec: Obj, fields: Obj) -> None:
    """The set of an applied configuration has the form of Kubernetes' FieldsV1, and its values are in the object."""
    created = apply(None, obj(spec))
    assert owners(created) == {("a", "Apply"): fields}
    assert bare(created) == obj(spec)


def test_an_entry_has_the_fields_of_kubernetes() -> None:
    """Order and names of an entry's fields; system metadata, apiVersion and kind are nobody's."""
    created = apply(None, obj({"replicas": 1}, labels={"l": "v"}, namespace="n", creationTimestamp=None))
    assert list(created["metadata"]["managedFields"][0].items()) == [
        ("manager", "a"),
        ("operation", "Apply"),
        ("apiVersion", "apps/v1"),
        ("time", T1),
        ("fieldsType", "FieldsV1"),
        ("fieldsV1", {"f:metadata": {"f:labels": {"f:l": {}}}, "f:spec": {"f:replicas": {}}}),
    ]
    assert created["metadata"]["namespace"] == "n"
    assert "creationTimestamp" not in created["metadata"]


def test_applying_again_changes_nothing() -> None:
    """Not even the time of the entry."""
    created = apply(None, obj(CONTAINERS))
    assert apply(created, obj(CONTAINERS), now=T2) == created


def test_a_conflict_names_field_and_manager() -> None:
    """One conflict fits in the message; the cause carries the path."""
    live = update(None, obj({"replicas": 1}), "kubectl-edit")
    with pytest.raises(Conflict) as caught:
        apply(live, obj({"replicas": 2}))
    assert caught.value.to_status() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'Apply failed with 1 conflict: conflict with "kubectl-edit" using apps/v1: .spec.replicas',
        "reason": "Conflict",
        "details": {
            "causes": [
                {
                    "reason": "FieldManagerConflict",
                    "message": 'conflict with "kubectl-edit" using apps/v1',
                    "field": ".spec.replicas",
                }
            ]
        },
        "code": 409,
    }


def test_conflicts_are_listed_by_manager() -> None:
    """Several conflicts are grouped; appliers are named without version, subresources with theirs."""
    live = apply(None, obj({"replicas": 1, "labels": {"x": "1"}}), "one")
    live = update(live, {**bare(live), "spec": {**live["spec"], "paused": False}}, "two", subresource="scale")
    with pytest.raises(Conflict) as caught:
        apply(live, obj({"replicas": 2, "labels": {"x": "2"}, "paused": True}), "three")
    assert caught.value.message == (
        'Apply failed with 3 conflicts: conflicts with "one":\n- .spec.replicas\n- .spec.labels.x\n'
        'conflicts with "two" with subresource "scale" using apps/v1:\n- .spec.paused'
    )


def test_force_takes_ownership() -> None:
    """The value changes, and the former owner loses just that field."""
    live = update(None, obj({"replicas": 1, "paused": True}))
    after = apply(live, obj({"replicas": 2}), force=True, now=T2)
    assert after["spec"] == {"replicas": 2, "paused": True}
    assert owners(after) == {
        ("a", "Apply"): {"f:spec": {"f:replicas": {}}},
        ("u", "Update"): {"f:spec": {".": {}, "f:paused": {}}},
    }


def test_equal_values_are_shared() -> None:
    """Applying what another already set is no conflict; both own it, and one leaving keeps it."""
    live = apply(None, obj({"replicas": 1}), "one")
    both = apply(live, obj({"replicas": 1}), "two")
    assert owners(both) == {
        ("one", "Apply"): {"f:spec": {"f:replicas": {}}},
        ("two", "Apply"): {"f:spec": {"f:replicas": {}}},
    }
    left = apply(both, obj({}), "one")
    assert left["spec"] == {"replicas": 1}
    assert list(owners(left)) == [("one", "Apply"), ("two", "Apply")]


REMOVALS = {
    "a field": ({"replicas": 1, "paused": True}, {"paused": True}, {"paused": True}),
    "a map item": ({"labels": {"a": "1", "b": "2"}}, {"labels": {"a": "1"}}, {"labels": {"a": "1"}}),
    "a whole map": ({"labels": {"a": "1"}, "replicas": 1}, {"replicas": 1}, {"replicas": 1}),
    "a set item": ({"set": ["x", "y"]}, {"set": ["y"]}, {"set": ["y"]}),
    "a container": (
        {"containers": [{"name": "a"}, {"name": "b", "image": "i"}]},
        {"containers": [{"name": "a"}]},
        {"containers": [{"name": "a"}]},
    ),
    "a field of a container": (
        {"containers": [{"name": "a", "image": "i", "args": ["x"]}]},
        {"containers": [{"name": "a", "image": "i"}]},
        {"containers": [{"name": "a", "image": "i"}]},
    ),
}


@pytest.mark.parametrize(("first", "second", "expected"), REMOVALS.values(), ids=REMOVALS.keys())
def test_what_is_no_longer_applied_goes(first: Obj, second: Obj, expected: Obj) -> None:
    """A field that its only owner leaves out of the next apply is removed."""
    after = apply(apply(None, obj(first)), obj(second), now=T2)
    assert after["spec"] == expected
    assert after["metadata"]["managedFields"][0]["time"] == T2


def test_what_another_owns_stays() -> None:
    """Another manager's items stay in the list and map that an applier leaves, and so do their containers."""
    live = apply(None, obj({"labels": {"a": "1"}, "set": ["x"], "containers": [{"name": "a"}]}), "one")
    live = apply(live, obj({"labels": {"b": "2"}, "set": ["y"], "containers": [{"name": "b"}]}), "two")
    after = apply(live, obj({"replicas": 1}), "one")
    assert after["spec"] == {"labels": {"b": "2"}, "set": ["y"], "containers": [{"name": "b"}], "replicas": 1}


def test_an_item_goes_with_its_last_owner_though_others_wrote_into_it() -> None:
    """Owning a field of a list item doesn't keep the item; the field's owner loses it with the item."""
    live = apply(None, obj({"containers": [{"name": "a", "image": "i:1"}, {"name": "b"}]}), "one")
    changed = copy.deepcopy(live)
    changed["spec"]["containers"][0]["image"] = "i:2"
    live = update(live, changed, "two", T2)
    after = apply(live, obj({"containers": [{"name": "b"}]}), "one", T3)
    assert after["spec"]["containers"] == [{"name": "b"}]
    assert list(owners(after)) == [("one", "Apply")]


@pytest.mark.parametrize(
    ("live", "applied", "merged"),
    [
        (["a", "b"], ["b", "a"], ["b", "a"]),
        (["a", "b", "c"], ["c"], ["a", "b", "c"]),
        (["a", "b"], ["c", "a"], ["c", "a", "b"]),
        (["x", "a", "y", "b", "z"], ["b", "n", "a"], ["x", "y", "b", "z", "n", "a"]),
        ([], ["a"], ["a"]),
        (["a"], [], ["a"]),
        (["a", "a"], ["a"], ["a"]),
    ],
)
def test_merged_lists_keep_both_orders(live: list[str], applied: list[str], merged: list[str]) -> None:
    """The applied order wins; what only the live list has stays where it was among shared items."""
    created = update(None, obj({"set": live}))
    assert apply(created, obj({"set": applied}), force=True)["spec"]["set"] == merged


def test_null_is_no_value() -> None:
    """Applying null clears a scalar, leaves absent fields absent and other owners' items alone."""
    live = update(None, obj({"labels": {"a": "1"}, "replicas": 1}))
    after = apply(live, obj({"labels": None, "paused": None, "replicas": None}), force=True)
    assert after["spec"] == {"labels": {"a": "1"}}
    assert apply(after, obj({"labels": None, "paused": None, "replicas": None}), now=T2) == after


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"containers": [{"image": "x"}]}, 'omits key field "name"'),
        ({"containers": ["x"]}, 'omits key field "name"'),
        ({"containers": [{"name": "a", "ports": [{"protocol": "TCP"}]}]}, 'omits key field "containerPort"'),
        ({"containers": [{"name": "a"}, {"name": "a"}]}, 'duplicate entries for key \\[name="a"\\]'),
        ({"set": ["a", "a"]}, 'duplicate entries for key \\[="a"\\]'),
    ],
)
def test_configurations_that_can_not_be_applied(spec: Obj, message: str) -> None:
    """Items must be told apart."""
    with pytest.raises(BadRequest, match=message):
        apply(None, obj(spec))
    with pytest.raises(BadRequest, match=message):
        apply(update(None, obj({"replicas": 1})), obj(spec))


def test_managed_fields_can_not_be_applied() -> None:
    """An applied configuration that was read from the server must be cleaned first."""
    with pytest.raises(BadRequest, match=r"metadata.managedFields must be nil"):
        apply(None, apply(None, obj({"replicas": 1})))


def test_an_object_without_owners_gets_one_before_the_first_apply() -> None:
    """What was there before anyone was tracked conflicts like any other manager's."""
    with pytest.raises(Conflict, match=r'conflict with "before-first-apply" using apps/v1: .spec.replicas'):
        apply(obj({"replicas": 1}), obj({"replicas": 2}))
    after = apply(obj({"replicas": 1, "paused": True}), obj({"replicas": 1}))
    assert list(owners(after)) == [("a", "Apply"), ("before-first-apply", "Update")]


def test_kubectl_takes_over_from_its_client_side_apply() -> None:
    """Fields that still have the value of the last client-side apply are kubectl's own; others conflict."""
    configuration = (
        '{"apiVersion":"apps/v1","kind":"Thing","metadata":{"name":"x"},"spec":{"replicas":1,"paused":true}}'
    )
    live = update(
        None,
        obj({"replicas": 1, "paused": True}, annotations={ANNOTATION: configuration}),
        "kubectl-client-side-apply",
    )
    after = apply(live, obj({"replicas": 2}), "kubectl")
    assert after["spec"]["replicas"] == 2
    assert '"replicas":2' in after["metadata"]["annotations"][ANNOTATION]
    edited = copy.deepcopy(live)
    edited["spec"]["replicas"] = 3
    with pytest.raises(Conflict, match='"kubectl-edit"'):
        apply(update(live, edited, "kubectl-edit", T2), obj({"replicas": 2}), "kubectl")
    with pytest.raises(Conflict):
        apply(live, obj({"replicas": 2}), "someone")
    for broken in ("{", "[]"):
        damaged = update(None, obj({"replicas": 1}, annotations={ANNOTATION: broken}))
        with pytest.raises(Conflict):
            apply(damaged, obj({"replicas": 2}), "kubectl")


def test_preconditions_reach_the_object() -> None:
    """A resourceVersion or uid in the configuration is for the store to check; it is owned by nobody."""
    live = apply(None, obj({"replicas": 1}, resourceVersion="5", uid="u"))
    assert live["metadata"]["resourceVersion"] == "5"
    after = apply(live, obj({"replicas": 1}, resourceVersion="4"))
    assert after["metadata"]["resourceVersion"] == "4"
    assert owners(after) == owners(live)


def test_true_is_not_one() -> None:
    """Values that Python takes for equal are different JSON."""
    live = update(None, obj({"other": 1, "list": [1]}))
    after = apply(live, obj({"other": True, "list": [True]}), force=True)
    assert after["spec"]["other"] is True
    assert after["spec"]["list"][0] is True


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


def test_times_alone_are_no_change() -> None:
    """When defaults undo what an apply changed, the object keeps its times; any other difference moves them."""
    old = apply(None, obj({"selector": {"a": 1}}))
    same = apply(old, obj({"selector": {"a": 2}}), now=T2)
    same["spec"]["selector"] = {"a": 1}
    managed.keep_times(same, old)
    assert same == old
    changed = apply(old, obj({"selector": {"a": 2}}), now=T2)
    managed.keep_times(changed, old)
    assert changed["metadata"]["managedFields"][0]["time"] == T2
    other = apply(old, obj({"selector": {"a": 1}}), "other", T2)
    managed.keep_times(other, old)
    assert len(other["metadata"]["managedFields"]) == 2
    renamed = copy.deepcopy(old)
    renamed["metadata"]["managedFields"][0].update(manager="b", time=T2)
    managed.keep_times(renamed, old)
    assert renamed["metadata"]["managedFields"][0]["time"] == T2


@given(_spec, _spec, _spec)
def test_apply_is_idempotent(one: Obj, two: Obj, written: Obj) -> None:
    """Whatever happened before, the same configuration applied twice changes nothing the second time."""
    live = apply(None, obj(one), "one")
    live = update(live, {**live, "spec": written}, "writer", T2)
    live = apply(live, obj(two), "two", T2, force=True)
    again = apply(live, obj(two), "two", T3)
    assert again == live


@given(_spec, _spec)
def test_a_sole_applier_decides_alone(one: Obj, two: Obj) -> None:
    """With one manager the object is what was applied last, however it came there."""
    after = apply(apply(None, obj(one)), obj(two), now=T2)
    assert _without_empty(after.get("spec", {})) == _without_empty(two)


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _without_empty(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in ({}, [])}
    return [_without_empty(item) for item in value] if isinstance(value, list) else value
