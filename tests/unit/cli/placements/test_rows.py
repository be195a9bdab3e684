"""The table of a workspace: Placements, and below them what of their workloads runs where, moves, or is unknown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headwater.apis.workload.labels import sync_target_key
from headwater.cli.placements.rows import WIDE_TITLES, View, rows
from headwater.cli.placements.surroundings import in_doubt

EAST, WEST = sync_target_key("hub", "east"), sync_target_key("hub", "west")
SPREAD = {"web": {"metadata": {"name": "web", "labels": {"tier": "web"}}}, "db": {"metadata": {"name": "db"}}}
LOST = "SyncTarget east was last heard of at 2026-01-01T00:00:00Z; its last report was True: MinimumReplicasAvailable"


def placement(name: str, *targets: str, selector: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"namespaceSelector": {"matchLabels": selector} if selector else {}, **spec},
        "status": {
            "phase": "Bound",
            "decisions": [{"syncTarget": each, "key": sync_target_key("hub", each)} for each in targets],
            "selectedLocations": [{"path": "hub", "locationName": "default"}],
            "conditions": [{"type": "Scheduled", "status": "True"}],
        },
    }


def deployment(ready: dict[str, int | None], replicas: int = 3, **more: Any) -> dict[str, Any]:
    """A Deployment on some targets; one with None has not reported."""
    notes = {
        f"diff.syncer.internal.kcp.io/{key}": json.dumps({"status": {"readyReplicas": count}})
        for key, count in ready.items()
        if count is not None
    }
    labels = {f"state.workload.kcp.io/{key}": "Sync" for key in ready}
    return {
        "kind": "Deployment",
        "metadata": {
            "name": "shop",
            "namespace": "web",
            "labels": {**labels, **more.get("labels", {})},
            "annotations": {**notes, **more.get("annotations", {})},
        },
        "spec": {"replicas": replicas},
        "status": {"readyReplicas": replicas, **more.get("status", {})},
    }


def history(*names: str) -> dict[str, str]:
    moves = [{"at": "2026-01-01T00:00:00Z", "targets": list(names), "cause": "x"}]
    return {"scheduling.kcp.io/history": json.dumps(moves)}


def share(key: str, replicas: int) -> dict[str, str]:
    text = json.dumps([{"op": "replace", "path": "/replicas", "value": replicas}])
    return {f"experimental.spec-diff.workload.kcp.io/{key}": text}


def cells(*workloads: dict[str, Any], places: Any = None, **view: Any) -> list[dict[str, str]]:
    """The rows as title -> cell."""
    made = rows(View(places or [placement("p", "east", "west")], SPREAD, {"deployments": list(workloads)}, **view))
    return [dict(zip(WIDE_TITLES, row, strict=True)) for row in made.values()]


ONE_WORKLOAD = {
    "two-pclusters": (deployment({EAST: 3, WEST: 1}), "east 3/3, west 1/3", "", "3/3"),
    "divided": (
        deployment({EAST: 2, WEST: 1}, annotations={**share(EAST, 2), **share(WEST, 1)}),
        "east 2/2, west 1/1",
        "",
        "3/3",
    ),
    "not-reported": (deployment({EAST: 3, WEST: None}), "east 3/3, west -/3", "-> west", "3/3"),
    "leaves": (
        deployment({EAST: 3, WEST: 0}, annotations=history("west")),
        "east 3/3, west 0/3",
        "east -> west",
        "3/3",
    ),
    "marked": (
        deployment({EAST: 3}, annotations={f"deletion.internal.workload.kcp.io/{EAST}": "x"}),
        "east 3/3",
        "east ->",
        "3/3",
    ),
    "overflow": (
        deployment({sync_target_key("hub", "north"): 3}, annotations=history("north")),
        "north 3/3",
        "",
        "3/3",
    ),
    "nowhere": (deployment({}, status={"readyReplicas": 0}), "<none>", "", "0/3"),
    "unknown-key": (
        deployment({"0123456789": 3}, annotations=history("east", "...")),
        "01234567... 3/3",
        "01234567... ->",
        "3/3",
    ),
    "broken-notes": (
        deployment(
            {EAST: 3},
            annotations={"scheduling.kcp.io/history": "{", f"experimental.spec-diff.workload.kcp.io/{EAST}": "["},
        ),
        "east 3/3",
        "",
        "3/3",
    ),
    "unreachable": (
        deployment(
            {EAST: 3},
            status={"conditions": [{"type": "Available", "reason": "SyncTargetUnreachable", "message": LOST}]},
        ),
        "east Unknown/3",
        "",
        "Unknown/3",
    ),
    "one-of-two-unreachable": (
        deployment(
            {EAST: 3, WEST: 3},
            status={"conditions": [{"type": "Available", "reason": "SyncTargetUnreachable", "message": LOST}]},
        ),
        "east Unknown/3, west 3/3",
        "",
        "3/3",
    ),
}


@pytest.mark.parametrize(("workload", "targets", "moving", "ready"), ONE_WORKLOAD.values(), ids=ONE_WORKLOAD)
def test_workload(workload: dict[str, Any], targets: str, moving: str, ready: str) -> None:
    row = cells(workload)[1]
    assert (row["NAME"], row["TARGETS"], row["MOVING"], row["READY"]) == (
        "  web/deployment/shop", targets, moving, ready,
    )  # fmt: skip


def test_lost_pclusters_that_only_the_explanation_names() -> None:
    row = cells(deployment({EAST: 3, WEST: 3}), unreachable={("deployments", "web", "shop"): {"east", "west"}})[1]
    assert row["TARGETS"] == "east Unknown/3, west Unknown/3"
    assert row["READY"] == "Unknown/3"


def test_names_seen_before_outlive_the_decision() -> None:
    row = cells(deployment({EAST: 3, WEST: 0}), places=[placement("p", "west")], names={EAST: "east"})[1]
    assert row["MOVING"] == "east -> west"


def test_placement_counts_what_is_ready() -> None:
    late = deployment({EAST: 0}, status={"readyReplicas": 0})
    late["metadata"]["name"] = "late"
    row, *_ = cells(deployment({EAST: 3}), late)
    assert (row["NAME"], row["READY"], row["TARGETS"], row["SCHEDULED"]) == ("p", "1/2", "east,west", "True")
    assert row["LOCATION-WORKSPACE"] == "<own>"


def test_selectors_decide_below_which_placement_a_workload_is() -> None:
    """By namespace and by workload; below several if several select it; what controllers made is not listed."""
    owned = deployment({})
    owned["metadata"] = {**owned["metadata"], "name": "owned", "ownerReferences": [{"controller": True, "uid": "u"}]}
    places = [
        placement("all"),
        placement("db", selector={"tier": "db"}),
        placement("web", selector={"tier": "web"}, workloadSelector={"matchLabels": {"app": "shop"}}),
        placement("wrong", workloadSelector={"matchExpressions": [{"key": "a", "operator": "Nope"}]}),
    ]
    shown = [row["NAME"] for row in cells(deployment({}, labels={"app": "shop"}), owned, places=places)]
    assert shown == ["all", "  web/deployment/shop", "db", "web", "  web/deployment/shop", "wrong"]


def test_reasons_are_those_of_conditions() -> None:
    broken = placement("p")
    broken["status"] = {
        "phase": "Pending",
        "conditions": [{"type": "Ready", "status": "False", "message": "no location"}],
    }
    for status in ("False", "Unknown"):
        condition = {"type": "Scheduled", "status": status, "message": "2 cpu are missing"}
        placed, below = cells(deployment({}, status={"conditions": [condition]}), places=[broken])
        assert (placed["PHASE"], placed["SCHEDULED"], placed["WHY"]) == ("Pending", "Unknown", "no location")
        assert (below["SCHEDULED"], below["WHY"]) == (status, "2 cpu are missing")


def test_jobs_and_daemonsets_count_their_own_way() -> None:
    job = {**deployment({EAST: None}), "kind": "Job", "spec": {"completions": 2}, "status": {"succeeded": 1}}
    report = {f"diff.syncer.internal.kcp.io/{EAST}": '{"status":{"numberReady":2,"desiredNumberScheduled":4}}'}
    daemons = {**deployment({EAST: None}, annotations=report), "kind": "DaemonSet"}
    daemons["status"] = {"numberReady": 2, "desiredNumberScheduled": 4}
    made = rows(View([placement("p", "east")], SPREAD, {"jobs": [job], "daemonsets": [daemons]}))
    found = [(row[0], row[3], row[4]) for row in made.values()][1:]
    assert found == [("  web/daemonset/shop", "2/4", "east 2/4"), ("  web/job/shop", "1/2", "east -/2")]
    share = {f"experimental.spec-diff.workload.kcp.io/{EAST}": '[{"op":"replace","path":"/completions","value":1}]'}
    job["metadata"]["annotations"] = share
    made = rows(View([placement("p", "east")], SPREAD, {"jobs": [job]}))
    assert [row[4] for row in made.values()][1:] == ["east -/1"]


def test_what_a_pcluster_refuses_is_not_ready() -> None:
    """Whatever still runs there: the row says what is wrong, and that of the Placement counts it."""
    failed = {f"sync-failed.workload.kcp.io/{EAST}": "Forbidden: no latest tags"}
    summary, row = cells(deployment({EAST: 3, WEST: 3}, annotations=failed))
    assert row["WHY"] == "east refuses it: Forbidden: no latest tags"
    assert (summary["READY"], summary["WHY"]) == ("0/1", "1 workload is refused by a pcluster")


DOUBT = {
    "well": (deployment({EAST: 3}), False),
    "lost": (
        deployment({EAST: 3}, status={"conditions": [{"type": "Available", "reason": "SyncTargetUnreachable"}]}),
        True,
    ),
    "just-told-to-go": (
        deployment({EAST: 3}, annotations={f"deletion.internal.workload.kcp.io/{EAST}": "2026-01-01T12:00:00Z"}),
        False,
    ),
    "does-not-go": (
        deployment({EAST: 3}, annotations={f"deletion.internal.workload.kcp.io/{EAST}": "2026-01-01T11:59:59Z"}),
        True,
    ),
}


@pytest.mark.parametrize(("workload", "doubtful"), DOUBT.values(), ids=DOUBT)
def test_what_the_explanation_is_asked_about(workload: dict[str, Any], doubtful: bool) -> None:
    """A pcluster that does not let go may be lost, which nothing on the workload says any more."""
    assert in_doubt(workload, "2026-01-01T12:00:00Z") is doubtful
