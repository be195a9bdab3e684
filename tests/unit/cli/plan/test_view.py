"""A plan reads as a sentence and tables."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.cli.plan.view import plan_text, sentence, troubled

MOVE = {
    "workspace": "abc",
    "resource": "deployments.apps",
    "namespace": "web",
    "name": "shop",
    "before": {"east": 3},
    "after": {"west": 2, "north": 1},
    "cause": "east is drained",
}
STATUS: dict[str, Any] = {
    "moves": [MOVE],
    "dips": [{**MOVE, "wanted": 3, "floor": 1}],
    "unplaced": [{**MOVE, "replicas": 2, "reasons": [{"message": "west lacks 2 cpu"}, "north is cordoned"]}],
    "targets": [
        {"name": "east", "before": {"cpu": "2"}, "after": {}, "allocatable": {"cpu": "8", "memory": "1Gi"}},
        {"name": "west", "before": {"cpu": "500m"}, "after": {"cpu": "2500m"}},
        {"name": "idle", "before": {"cpu": "1"}, "after": {"cpu": "1"}, "allocatable": {"cpu": "4"}},
    ],
    "summary": {"workloads": 10, "moves": 1, "dips": 1, "unplaced": 1},
}
TEXT = """\
1 of 10 workloads would move; 1 would have fewer ready replicas for a while; 1 would not fit.

Moves:
WORKLOAD               FROM     TO               CAUSE
web/deployments/shop   east:3   north:1,west:2   east is drained

Fewer replicas ready for a while:
WORKLOAD               WANTED   AT-LEAST   CAUSE
web/deployments/shop   3        1          east is drained

Does not fit:
WORKLOAD               REPLICAS   WHY
web/deployments/shop   2          west lacks 2 cpu; north is cordoned

Requested on each pcluster, of what it has:
TARGET   CPU-BEFORE   AFTER   OF   MEMORY-BEFORE   AFTER   OF
east     2            0       8    0               0       1Gi
west     500m         2.5     -    0               0       -"""

SENTENCES = {
    "nothing": (
        {"summary": {"workloads": 4, "moves": 0}},
        "No workload would move; none would have fewer ready replicas on the way.",
    ),
    "smooth": (
        {"summary": {"workloads": 4, "moves": 2}},
        "2 of 4 workloads would move; none would have fewer ready replicas on the way, and all fit.",
    ),
    "counted-here": ({"moves": [MOVE], "unplaced": [MOVE]}, "1 workload would move; 1 would not fit."),
}


def test_text() -> None:
    assert plan_text(STATUS) == TEXT


def test_wide_names_workspaces_groups_and_all_targets() -> None:
    text = plan_text(STATUS, wide=True)
    assert "abc|web/deployments.apps/shop" in text
    assert "idle" in text


@pytest.mark.parametrize(("status", "expected"), SENTENCES.values(), ids=SENTENCES)
def test_sentence(status: dict[str, Any], expected: str) -> None:
    assert sentence(status) == expected


def test_long_lists_are_cut_unless_wide() -> None:
    status = {"moves": [MOVE] * 25}
    assert "... and 5 more (-o wide shows all)" in plan_text(status)
    assert "more" not in plan_text(status, wide=True)
    assert "the counts are complete" in plan_text({"truncated": True})


def test_too_few_targets_are_said() -> None:
    """Divided replicas may all fit, on fewer SyncTargets than they should be on."""
    entry = {**MOVE, "replicas": 0, "targets": 1, "reasons": ["west is cordoned"]}
    assert "0          on 1 SyncTargets fewer than targets.min; west is cordoned" in plan_text({"unplaced": [entry]})


def test_trouble() -> None:
    """Dips and what does not fit are trouble, moves are not."""
    assert troubled({"status": {"dips": [MOVE]}})
    assert troubled({"status": {"summary": {"unplaced": 1}}})
    assert not troubled({"status": {"moves": [MOVE], "summary": {"moves": 1, "dips": 0, "unplaced": 0}}})
