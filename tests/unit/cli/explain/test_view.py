"""An explanation reads as a sentence, a row for each pcluster, and what was decided before."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from headwater.cli.explain.view import explanation_text, ready, sentence

UNSEEN = {"count": 3, "names": ["web-0", "web-1"], "namespace": "kcp-abc"}
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
EAST: dict[str, Any] = {
    "name": "east",
    "key": "k1",
    "location": "hub/default",
    "placement": "web",
    "decision": "Kept",
    "replicas": 2,
    "since": "2026-01-01T11:00:00Z",
    "reasons": [],
    "scores": {"home": 1, "spread": 0, "preference": 10, "free": 7},
    "rank": 1,
    "reported": {"at": "2026-01-01T11:58:00Z", "readyReplicas": 2},
    "reachable": True,
}
WEST: dict[str, Any] = {
    "name": "west",
    "decision": "Rejected",
    "replicas": 0,
    "scores": {},
    "reasons": [
        {"reason": "Unschedulable", "message": "it is cordoned", "admit": "uncordon it"},
        {"reason": "InsufficientCapacity", "message": "500m cpu free, 2 wanted", "admit": "1500m more cpu"},
    ],
}
SPARE: dict[str, Any] = {"name": "north", "decision": "Spare", "rank": 2, "scores": {}, "reasons": []}
LOST = {**EAST, "reachable": False, "lastHeartbeatTime": "2026-01-01T11:55:00Z"}
WORKLOAD = {"group": "apps", "resource": "deployments", "namespace": "shop", "name": "web"}
STATUS: dict[str, Any] = {
    "workload": WORKLOAD,
    "placements": ["web"],
    "scheduled": "True",
    "targets": [WEST, SPARE, EAST],
    "history": [
        {"at": "2026-01-01T09:00:00Z", "targets": ["west"], "cause": "Placement web chose it"},
        {"at": "2026-01-01T11:00:00Z", "targets": ["east"], "cause": "west is being drained"},
    ],
}
TEXT = """\
deployments/web is placed on east (2/2 ready, since 60m), by Placement web.

TARGET   DECISION   REPLICAS   SCORE                         SINCE   WHY
east     Kept       2/2        home=1,preference=10,free=7   60m     -
north    Spare      -          rank=2                        -       -
west     Rejected   -          -                             -       it is cordoned -> uncordon it
                                                                     500m cpu free, 2 wanted -> 1500m more cpu

Before:
AGE   TARGETS   CAUSE
60m   east      west is being drained
3h    west      Placement web chose it"""

REFUSED = {**EAST, "refused": "Forbidden: no latest tags"}
SENTENCES = {
    "refused": (
        {**STATUS, "targets": [REFUSED]},
        "deployments/web is placed on east (2/2 ready, since 60m), by Placement web. But east refuses it as it is now.",
    ),
    "refused-by-two": (
        {**STATUS, "targets": [REFUSED, {**REFUSED, "name": "west", "since": "", "rank": 2}]},
        "deployments/web is placed on east (2/2 ready, since 60m) and west (2/2 ready), by Placement web. "
        "But east and west refuse it as it is now.",
    ),
    "nowhere": (
        {"workload": WORKLOAD, "scheduled": "False", "message": "no Placement selects it.", "targets": [WEST]},
        "deployments/web runs nowhere: no Placement selects it.",
    ),
    "nothing-known": (
        {"workload": WORKLOAD, "scheduled": "False"},
        "deployments/web runs nowhere: the control plane has not decided yet; ask again in a moment.",
    ),
    "not-all": (
        {**STATUS, "scheduled": "False", "message": "2 cpu lack"},
        "deployments/web is placed on east (2/2 ready, since 60m), by Placement web. Not all of it: 2 cpu lack.",
    ),
    "two-placements": (
        {**STATUS, "placements": ["a", "b"], "targets": [EAST, {**EAST, "name": "west", "since": "", "rank": 2}]},
        "deployments/web is placed on east (2/2 ready, since 60m) and west (2/2 ready), by Placement a and b.",
    ),
    "held": (
        {**STATUS, "targets": [{**EAST, "decision": "Held"}]},
        "deployments/web is placed on east (2/2 ready, since 60m, for want of another), by Placement web.",
    ),
    "unreachable": (
        {**STATUS, "targets": [LOST]},
        "deployments/web is placed on east (?/2 ready, since 60m, unreachable, last heard of 5m ago), "
        "by Placement web.",
    ),
}


def test_text() -> None:
    assert explanation_text({"status": STATUS}, NOW) == TEXT


@pytest.mark.parametrize(("status", "expected"), SENTENCES.values(), ids=SENTENCES)
def test_sentence(status: dict[str, Any], expected: str) -> None:
    assert sentence(status, NOW) == expected


def test_wide_tells_all() -> None:
    text = explanation_text({"status": STATUS}, NOW, wide=True)
    for part in ("TO-ADMIT", "hub/default", "k1", "2m ago", "spread=0", "1500m more cpu"):
        assert part in text
    assert "->" not in text


def test_what_an_unreachable_pcluster_said_is_old() -> None:
    text = explanation_text({"status": {**STATUS, "targets": [LOST]}}, NOW)
    assert "?/2" in text
    assert "unreachable for 5m; what it reported is 2m old" in text


def test_what_its_pcluster_says_against_it_comes_first() -> None:
    refused = {**REFUSED, "reasons": WEST["reasons"]}
    rows = explanation_text({"status": {**STATUS, "targets": [refused]}}, NOW).splitlines()
    assert rows[3].endswith("   its pcluster refuses it: Forbidden: no latest tags")
    assert rows[4].endswith("it is cordoned -> uncordon it")


@pytest.mark.parametrize(
    ("leaving", "said"),
    [("", "which waits for the others"), ("2026-01-01T11:59:00Z", "which was told 60s ago to go")],
)
def test_a_copy_that_leaves_is_said_first(leaving: str, said: str) -> None:
    rows = explanation_text({"status": {**STATUS, "targets": [{**WEST, "leaving": leaving}]}}, NOW).splitlines()
    assert rows[3].endswith(f"still has a copy, {said}")
    assert rows[4].endswith("it is cordoned -> uncordon it")


def test_each_of_several_placements_has_its_own_rows() -> None:
    """The same pcluster may be in use for one of them and refused by the other."""
    other = {**WEST, "name": "east", "placement": "all"}
    text = explanation_text({"status": {**STATUS, "placements": ["web", "all"], "targets": [other, EAST]}}, NOW)
    assert [line.split()[:3] for line in text.splitlines()[2:5]] == [
        ["TARGET", "PLACEMENT", "DECISION"],
        ["east", "web", "Kept"],
        ["east", "all", "Rejected"],
    ]
    assert text.splitlines()[5].endswith("500m cpu free, 2 wanted -> 1500m more cpu")


def test_many_targets_are_counted_unless_wide() -> None:
    many = {**STATUS, "targets": [{**WEST, "name": f"t{number:03}"} for number in range(60)], "truncated": True}
    text = explanation_text({"status": many}, NOW)
    assert "... and 10 more (-o wide shows all)" in text
    assert "more pclusters than the control plane tells" in text
    assert "t059" in explanation_text({"status": many}, NOW, wide=True)


def test_daemonsets_and_jobs_count_their_own_way() -> None:
    """A DaemonSet wants what its pcluster says; a Job that has ended runs nothing any more."""
    daemons = {**EAST, "replicas": 1, "reported": {"readyReplicas": 2, "desiredNumberScheduled": 4}}
    assert ready(daemons) == "2/4"
    done = {**EAST, "replicas": 0, "reported": {"succeeded": 6, "readyReplicas": 0}}
    assert "on east (6 completed, since 60m)" in sentence({**STATUS, "targets": [done]}, NOW)


def test_nothing_reported_is_not_ready() -> None:
    assert ready({"name": "east", "replicas": 3, "reachable": True}) == "0/3"


def test_pods_that_are_not_shown() -> None:
    """How many on which pcluster, what to do about it, and in the row which they are and where."""
    west = {**EAST, "name": "west", "unseenPods": UNSEEN}
    text = explanation_text({"status": {**STATUS, "targets": [EAST, west]}}, NOW)
    assert "Pods are not shown in the workspace, as another pcluster's have their names: 3 on west. A Stateful" in text
    assert "not shown in the workspace: web-0, web-1 and 1 more, see namespace kcp-abc there" in text
