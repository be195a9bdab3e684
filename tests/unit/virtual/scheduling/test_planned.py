"""What of a plan is told to whom."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from headwater.machinery.labels import EVERYTHING
from headwater.machinery.objects import Object
from headwater.scheduling.model import Policy, Target
from headwater.scheduling.plan import Dip, Move, Plan, TargetLoad, Unplaced
from headwater.scheduling.workload import Workload
from headwater.scheduling.world import World
from headwater.virtual.scheduling.admittance import Scope
from headwater.virtual.scheduling.planned import MAX_ENTRIES, Report, cluster_of, clusters_in, described, with_paths


def workload(cluster: str, name: str) -> str:
    return f"deployments.apps {cluster}|default/{name}"


def world() -> World:
    """Targets a and b of `west`, and another a of `far`; `shop` runs on west's a, `shared` on west's b and far's a."""
    made = World()
    for cluster, name in (("west", "a"), ("west", "b"), ("far", "a")):
        made.put_target(Target(key=f"{cluster}-{name}", cluster=cluster, name=name, allocatable={"cpu": 4000}))
    for cluster in ("west", "far"):
        made.put_policy(Policy(uid=cluster, name=cluster, location_selector=EVERYTHING, location_cluster=cluster))
    request = {"cpu": 500}
    made.put_workload(Workload(workload("shop", "web"), ("west",), 2, request, {"west-a": 2}))
    shares = {"west-b": 1, "far-a": 1}
    made.put_workload(Workload(workload("shared", "db"), ("west", "far"), 1, request, shares))
    return made


PLAN = Plan(
    moves=(
        Move(workload("shop", "web"), {"west-a": 2}, {"west-b": 2}, "drained"),
        Move(workload("shared", "db"), {"west-b": 1, "far-a": 1}, {"far-a": 1}, "removed"),
    ),
    dips=(Dip(workload("shop", "web"), 2, 0, "drained"), Dip(workload("shared", "db"), 1, 0, "removed")),
    unplaced=(
        Unplaced(workload("shop", "web"), 1, ("NoValidTarget: b is full",)),
        Unplaced(workload("shared", "db"), 1, ("NoValidTarget: far's a is full",)),
        Unplaced(workload("third", "x"), 1, ("NoPlacement: none",)),
    ),
    targets=(
        TargetLoad("west-a", {"cpu": 1000}, {}, {"cpu": 4000}),
        TargetLoad("west-b", {"cpu": 500}, {"cpu": 1000}, None),
        TargetLoad("far-a", {"cpu": 500}, {"cpu": 500}, {"cpu": 4000}),
    ),
)
OWNER_OF_WEST = Scope("west", None, own=False)
OWNER_OF_ONE = Scope("west", frozenset({"west-b"}), own=False)
TENANT = Scope("shared", frozenset(), own=True)


def moved(status: Object) -> dict[str, tuple[Mapping[str, int], Mapping[str, int]]]:
    return {move["name"]: (move["before"], move["after"]) for move in status["moves"]}


@pytest.mark.parametrize(
    ("scope", "moves", "loads", "count"),
    [
        (OWNER_OF_WEST, {"web": ({"a": 2}, {"b": 2}), "db": ({"b": 1}, {})}, ["a", "b"], 2),
        (OWNER_OF_ONE, {"web": ({}, {"b": 2}), "db": ({"b": 1}, {})}, ["b"], 2),
        (TENANT, {"db": ({"b": 1, "a": 1}, {"a": 1})}, None, 1),
        (Scope("shop", None, own=True), {"web": ({"a": 2}, {"b": 2})}, [], 1),
        (Scope("elsewhere", None, own=True), {}, [], 0),
        (Scope("west", frozenset(), own=False), {}, None, 0),
    ],
    ids=["owner", "owner of one", "tenant", "other tenant", "nobody", "no rights"],
)
def test_what_is_seen(scope: Scope, moves: Object, loads: list[str] | None, count: int) -> None:
    """Owners of targets see these, with whatever runs there; tenants their workloads, with wherever these run."""
    status = Report(scope, world(), {}).status(PLAN)
    assert moved(status) == moves
    assert [load["name"] for load in status["targets"]] == loads if loads is not None else "targets" not in status
    assert {dip["name"] for dip in status["dips"]} == {each["name"] for each in status["unplaced"]} == set(moves)
    summary = {"workloads": count, "moves": len(moves), "dips": len(moves), "unplaced": len(moves)}
    assert status["summary"] == summary
    assert "truncated" not in status


def test_what_no_placement_selects_is_not_counted() -> None:
    """Unless it runs somewhere, or would after the plan."""
    made = world()
    for name, policies, current in (("none", (), {}), ("selected", ("west",), {}), ("left", (), {"west-a": 1})):
        made.put_workload(Workload(workload("shop", name), policies, 1, {}, current))
    scope = Scope("shop", None, own=True)
    nothing = Plan((), (), (), ())
    assert Report(scope, made, {}).status(nothing)["summary"]["workloads"] == 3
    coming = Plan((Move(workload("shop", "none"), {}, {"west-b": 1}, "added"),), (), (), ())
    assert Report(scope, made, {}).status(coming)["summary"] == {"workloads": 4, "moves": 1, "dips": 0, "unplaced": 0}
    assert Report(OWNER_OF_ONE, made, {}).status(coming)["summary"]["workloads"] == 2


def test_reasons_about_targets_of_others_are_not_told() -> None:
    """A sentence may name any target that the workload could use."""
    reasons = {each["name"]: each["reasons"] for each in Report(OWNER_OF_WEST, world(), {}).status(PLAN)["unplaced"]}
    assert reasons == {"web": ["NoValidTarget: b is full"], "db": []}
    assert Report(TENANT, world(), {}).status(PLAN)["unplaced"][0]["reasons"] == ["NoValidTarget: far's a is full"]


def test_targets_of_one_name_are_told_apart() -> None:
    """The logical cluster goes in front of both."""
    move = Move(workload("shared", "db"), {"west-b": 1, "far-a": 1}, {"west-a": 1, "far-a": 1}, "x")
    status = Report(TENANT, world(), {}).status(Plan((move,), (), (), ()))
    assert moved(status)["db"] == ({"b": 1, "far/a": 1}, {"west/a": 1, "far/a": 1})


def test_targets_that_the_plan_adds() -> None:
    """Their names are known from the plan, and they are the caller's like the others of the workspace."""
    move = Move(workload("shop", "web"), {"west-a": 2}, {"new-key": 2}, "x")
    plan = Plan((move,), (), (), (TargetLoad("new-key", {}, {"cpu": 1000}, None),))
    status = Report(OWNER_OF_WEST, world(), {"new-key": ("west", "new")}).status(plan)
    assert moved(status)["web"] == ({"a": 2}, {"new": 2})
    assert status["targets"] == [{"name": "new", "before": {}, "after": {"cpu": "1"}}]


def test_lists_end_somewhere() -> None:
    """The summary counts on."""
    large = world()
    moves = []
    for number in range(MAX_ENTRIES + 1):
        known = workload("shop", f"w{number}")
        large.put_workload(Workload(known, ("west",), 1, {}, {"west-a": 1}))
        moves.append(Move(known, {"west-a": 1}, {"west-b": 1}, "x"))
    status = Report(OWNER_OF_WEST, large, {}).status(Plan(tuple(moves), (), (), ()))
    assert len(status["moves"]) == MAX_ENTRIES
    assert status["summary"] == {"workloads": MAX_ENTRIES + 3, "moves": MAX_ENTRIES + 1, "dips": 0, "unplaced": 0}
    assert status["truncated"] is True


def test_workspaces_by_path() -> None:
    status = Report(OWNER_OF_WEST, world(), {}).status(PLAN)
    assert clusters_in(status) == {"shop", "shared"}
    with_paths(status, {"shop": "root:shop"})
    assert {move["workspace"] for move in status["moves"]} == {"root:shop", "shared"}


def test_ids() -> None:
    """Also of the core group."""
    assert described("deployments.apps c1|default/web") == {
        "workspace": "c1",
        "resource": "deployments.apps",
        "namespace": "default",
        "name": "web",
    }
    assert described("replicationcontrollers. c1|default/web")["resource"] == "replicationcontrollers"
    assert cluster_of("deployments.apps c1|default/web") == "c1"
