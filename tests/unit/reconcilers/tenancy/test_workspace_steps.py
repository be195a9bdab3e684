"""The pure parts of the tenancy controllers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from headwater.machinery import conditions
from headwater.machinery.conditions import Condition
from headwater.machinery.objects import Object, annotations, finalizers
from headwater.reconcilers.core.logicalcluster import step_content, step_phase
from headwater.reconcilers.tenancy.initialization import step_bindings
from headwater.reconcilers.tenancy.workspace import step_mirror, step_schedule

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def shard(name: str, *, closed: bool = False, **labels: str) -> Object:
    notes = {"experimental.core.kcp.io/unschedulable": "true"} if closed else {}
    return {"metadata": {"name": name, "labels": labels, "annotations": notes}}


@pytest.mark.parametrize(
    ("selector", "shards", "chosen"),
    [
        (None, [shard("a")], "a"),
        (None, [shard("a", closed=True), shard("b")], "b"),
        (None, [], None),
        ({"matchLabels": {"region": "eu"}}, [shard("a"), shard("b", region="eu")], "b"),
        ({"matchLabels": {"region": "eu"}}, [shard("a")], None),
    ],
    ids=["any", "closed", "none", "selected", "unmatched"],
)
def test_choose_shard(selector: Object | None, shards: list[Object], chosen: str | None) -> None:
    """The first open shard that the selector admits."""
    spec = {"location": {"selector": selector}} if selector is not None else {}
    found = step_schedule.choose_shard({"spec": spec}, shards)
    assert (found and found["metadata"]["name"]) == chosen


def test_names_and_hashes() -> None:
    """Cluster names are 16 characters of base 36 and new each time; a shard's hash is kcp's."""
    names = {step_schedule.new_cluster_name() for _ in range(50)}
    assert len(names) == 50
    assert {len(name) for name in names} == {16}
    assert step_schedule.shard_hash("root") == "1pfxsevk"


def test_assignment_comes_before_anything_is_made() -> None:
    workspace: Object = {"metadata": {"name": "w"}}
    step_schedule.assign(workspace, shard("root"), "abc")
    assert annotations(workspace) == {
        "core.kcp.io/shard": "root",
        "internal.tenancy.kcp.io/shard": "1pfxsevk",
        "internal.tenancy.kcp.io/cluster": "abc",
    }
    assert finalizers(workspace) == ["core.kcp.io/logicalcluster"]
    step_schedule.unschedulable(workspace, NOW)
    found = conditions.get_condition(workspace, "WorkspaceScheduled")
    assert found is not None and found["reason"] == "Unschedulable"


def test_the_logical_cluster_knows_its_owner() -> None:
    """Owner, type, path and groups come from the workspace; what is empty is left out."""
    owner = '{"username":"alice","groups":["a"]}'
    workspace = {
        "metadata": {
            "name": "team",
            "uid": "1",
            "annotations": {
                "kcp.io/cluster": "parent",
                "experimental.tenancy.kcp.io/owner": owner,
                "authorization.kcp.io/required-groups": "a",
            },
        },
        "spec": {"type": {"path": "root", "name": "team"}},
    }
    made = step_schedule.logical_cluster_of(workspace, path="root:team", initializers=["x"], terminators=[])
    assert made["spec"]["owner"] == {
        "apiVersion": "tenancy.kcp.io/v1alpha1", "resource": "workspaces", "name": "team", "cluster": "parent",
        "uid": "1",
    }  # fmt: skip
    assert made["spec"]["createdBy"] == {"username": "alice", "groups": ["a"]}
    assert made["spec"]["initializers"] == ["x"] and "terminators" not in made["spec"]
    assert made["metadata"]["annotations"] == {
        "kcp.io/path": "root:team",
        "internal.tenancy.kcp.io/type": "root:team",
        "experimental.tenancy.kcp.io/owner": owner,
        "authorization.kcp.io/required-groups": "a",
    }
    assert step_schedule.owner_binding("alice")["subjects"][0]["name"] == "alice"


@pytest.mark.parametrize(
    ("owner", "kept"),
    [
        ('{"username":"a","groups":["g"]}', '{"username":"a"}'),
        ('{"username":"a"}', None),
        ("not json", None),
        ("[1]", None),
        ("", None),
    ],
)
def test_the_owner_is_trimmed_once(owner: str, kept: str | None) -> None:
    workspace: Object = {"metadata": {"annotations": {"experimental.tenancy.kcp.io/owner": owner}}}
    assert step_schedule.trim_owner(workspace) is (kept is not None)
    if kept:
        assert annotations(workspace)["experimental.tenancy.kcp.io/owner"] == kept


def logical_cluster(phase: str, **status: object) -> Object:
    return {"metadata": {}, "status": {"phase": phase, **status}}


@pytest.mark.parametrize(
    ("before", "cluster", "phase", "initialized"),
    [
        ("Initializing", logical_cluster("Scheduling"), "Initializing", "False"),
        ("Initializing", logical_cluster("Initializing", initializers=["a"]), "Initializing", "False"),
        ("Initializing", logical_cluster("Ready"), "Ready", "True"),
        ("Ready", logical_cluster("Deleting"), "Deleting", ""),
        ("Ready", logical_cluster("Terminating", terminators=["t"]), "Terminating", ""),
    ],
)
def test_phases_are_mirrored(before: str, cluster: Object, phase: str, initialized: str) -> None:
    """The workspace shows what its logical cluster is at."""
    workspace: Object = {"status": {"phase": before, "initializers": ["old"]}}
    step_mirror.mirror(workspace, cluster, NOW)
    assert workspace["status"]["phase"] == phase
    assert workspace["status"].get("initializers", []) == cluster["status"].get("initializers", [])
    assert workspace["status"].get("terminators", []) == cluster["status"].get("terminators", [])
    assert conditions.status_of(workspace, "WorkspaceInitialized") == initialized


def test_a_false_condition_makes_it_unavailable() -> None:
    """And the content condition of a logical cluster is shown on its workspace."""
    workspace: Object = {"status": {"phase": "Ready"}}
    cluster = logical_cluster("Ready")
    conditions.set_condition(cluster, Condition("WorkspaceContentDeleted", "False", "SomeResourcesRemain"), NOW)
    step_mirror.mirror(workspace, cluster, NOW)
    assert workspace["status"]["phase"] == "Unavailable"
    assert conditions.is_false(workspace, "WorkspaceContentDeleted")


def test_a_lost_logical_cluster_is_reported() -> None:
    workspace: Object = {"status": {"phase": "Ready"}}
    step_mirror.mark_disappeared(workspace, NOW)
    assert workspace["status"]["phase"] == "Unavailable"
    found = conditions.get_condition(workspace, "WorkspaceInitialized")
    assert found is not None and found["reason"] == "WorkspaceDisappeared"


def test_default_bindings() -> None:
    """A default binding has a stable name and accepts what the export claims, by its default selector."""
    claims = [
        {"group": "", "resource": "secrets", "verbs": ["get"], "defaultSelector": {"matchLabels": {"a": "b"}}},
        {"group": "", "resource": "configmaps", "verbs": ["*"]},
    ]
    made = step_bindings.default_binding("c", "root", "tenancy.kcp.io", claims)
    assert made["metadata"]["name"] == step_bindings.binding_name("c", "root", "tenancy.kcp.io")
    assert made["metadata"]["name"].startswith("tenancy.kcp.io-")
    assert [(claim["selector"], claim["state"]) for claim in made["spec"]["permissionClaims"]] == [
        ({"matchLabels": {"a": "b"}}, "Accepted"),
        ({"matchAll": True}, "Accepted"),
    ]
    assert "permissionClaims" not in step_bindings.default_binding("c", "root", "e", [])["spec"]
    assert len(step_bindings.binding_name("c", "root", "x" * 300)) == 253


def test_unfinished_bindings() -> None:
    bound: Object = {}
    conditions.mark_true(bound, "InitialBindingCompleted", NOW)
    present = {("root", "a"): bound, ("root", "b"): {}}
    assert step_bindings.unfinished([("root", "a"), ("root", "b"), ("root", "c")], present) == ["b", "c"]


@pytest.mark.parametrize(
    ("waiting", "problem", "status", "reason"),
    [
        ([], "", "True", ""),
        (["a"], "", "False", "WaitingOnAPIBindings"),
        ([], "no such type", "False", "WorkspaceTypesInvalid"),
    ],
)
def test_binding_condition(waiting: list[str], problem: str, status: str, reason: str) -> None:
    obj: Object = {}
    step_bindings.record(obj, waiting, problem, NOW)
    found = conditions.get_condition(obj, "APIBindingsInitialized")
    assert found is not None
    assert (found["status"], found.get("reason", "")) == (status, reason)


@pytest.mark.parametrize(
    ("status", "deleting", "phase", "held"),
    [
        ({"phase": "Initializing", "initializers": ["a"]}, False, "Initializing", True),
        ({"phase": "Initializing"}, False, "Ready", True),
        ({"phase": "Scheduling"}, False, "Scheduling", True),
        ({"phase": "Ready", "terminators": ["t"]}, True, "Terminating", True),
        ({"phase": "Terminating"}, True, "Deleting", False),
    ],
)
def test_logical_cluster_phases(status: Object, deleting: bool, phase: str, held: bool) -> None:
    """Phases follow initializers and terminators; without terminators their finalizer goes."""
    meta: Object = {"finalizers": ["kcp.io/has-terminators", "x"]}
    if deleting:
        meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    obj: Object = {"metadata": meta, "status": dict(status)}
    step_phase.settle_phase(obj)
    assert obj["status"]["phase"] == phase
    step_phase.release_terminators(obj)
    assert ("kcp.io/has-terminators" in finalizers(obj)) is held


def test_remaining_content_is_counted() -> None:
    obj: Object = {}
    left = step_content.Remaining({"namespaces": 2, "widgets.example.io": 1})
    step_content.record(obj, left, NOW)
    found = conditions.get_condition(obj, "WorkspaceContentDeleted")
    assert found is not None
    assert found["message"] == (
        "Some resources are remaining: namespaces has 2 resource instances, widgets.example.io has 1 resource instances"
    )
    step_content.record(obj, step_content.Remaining({}), NOW)
    assert conditions.is_true(obj, "WorkspaceContentDeleted")
