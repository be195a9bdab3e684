"""The document and the table that an explanation becomes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from headwater.apis.workload.locator import NamespaceLocator
from headwater.base import jsonio
from headwater.machinery.gvk import GroupResource
from headwater.machinery.labels import EVERYTHING
from headwater.machinery.objects import Object
from headwater.scheduling.explain import Explanation, Reason, Verdict
from headwater.scheduling.model import Location, Taint, Target
from headwater.scheduling.workload import Assignment, Workload
from headwater.virtual.scheduling import explanation
from headwater.virtual.scheduling.explanation import MAX_TARGETS, Subject, document, history_of, table

MORNING, NOON = datetime(2026, 1, 1, 8, tzinfo=UTC), datetime(2026, 1, 1, 12, tzinfo=UTC)
WORKLOAD = Workload("deployments.apps c|default/web", ("p",), 3, {"cpu": 250}, {"k-east": 3})


def deployment(**notes: str) -> Object:
    meta = {"name": "web", "namespace": "default", "uid": "u", "annotations": {**notes, "kcp.io/cluster": "c"}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": {"replicas": 3}}


def subject(obj: Object | None = None, workload: Workload | None = WORKLOAD, **sync_targets: Object) -> Subject:
    return Subject(obj or deployment(), GroupResource("apps", "deployments"), workload, sync_targets)


def verdict(
    name: str, decision: Any, *reasons: Reason, replicas: int = 0, rank: int | None = None, **of: Any
) -> Verdict:
    target = Target(key=f"k-{name}", cluster="west", name=name, **of)
    location = Location("west", "all", {}, EVERYTHING)
    return Verdict(target, location, "all", decision, replicas, reasons, {"home": 1, "free": 7}, rank)


def explained(*verdicts: Verdict, **assignment: Any) -> Explanation:
    return Explanation(Assignment(**{"shares": {"k-east": 3}, **assignment}), ("all",), verdicts)


def history(*moves: tuple[str, list[str]]) -> str:
    return jsonio.dumps([{"at": at, "targets": targets, "cause": "because"} for at, targets in moves]).decode()


CORDONED = Reason("Unschedulable", "SyncTarget x is cordoned", "uncordon it")
LOST = Reason("NotReady", "SyncTarget x is not ready", "")
TAINTED = Reason("Tainted", "SyncTarget x has a taint", "tolerate a=b:NoExecute")
EVICTING = Reason("Evicting", "SyncTarget x is being drained", "uncordon it")


def test_the_order_of_targets() -> None:
    """What is in use, then what would come next by rank, then the rest by name."""
    found = document(
        subject(),
        explained(
            verdict("b", "Rejected", CORDONED),
            verdict("a", "Rejected", CORDONED),
            verdict("d", "Spare", rank=3),
            verdict("c", "Spare", rank=2),
            verdict("f", "Chosen", rank=1),
            verdict("east", "Kept", replicas=3),
            verdict("e", "Held", LOST),
        ),
        "",
    )
    assert [target["name"] for target in found["status"]["targets"]] == ["east", "e", "f", "c", "d", "a", "b"]


@pytest.mark.parametrize(
    ("assignment", "scheduled", "message"),
    [
        ({"short": 1, "reasons": ("NoWeight: west",)}, "False", "NoWeight: west"),
        ({}, "True", ""),
        ({"unplaced": 1, "reasons": ("A: b", "C: d")}, "False", "A: b; C: d"),
        ({"shares": {}, "unplaced": 3, "reasons": ("A: b",)}, "False", "A: b"),
        ({"shares": {}}, "False", ""),
    ],
)
def test_scheduled(assignment: Any, scheduled: str, message: str) -> None:
    """Never without a target, and only when nothing is missing."""
    status = document(subject(), explained(**assignment), "")["status"]
    assert (status["scheduled"], status["message"]) == (scheduled, message)


def test_without_a_placement() -> None:
    status = document(subject(workload=None), None, "nothing selects it")["status"]
    assert (status["scheduled"], status["message"], status["targets"]) == ("False", "nothing selects it", [])
    assert status["workload"]["replicas"] == 3
    assert "request" not in status["workload"]


def test_one_target_in_full() -> None:
    obj = deployment(
        **{
            "reported.workload.kcp.io/k-east": "2026-01-01T09:00:00Z",
            "diff.syncer.internal.kcp.io/k-east": '{"status":{"readyReplicas":2,"replicas":3,"observedGeneration":4}}',
            "scheduling.kcp.io/history": history(("2026-01-01T08:00:00Z", ["east"])),
        }
    )
    condition = {"type": "HeartbeatHealthy", "status": "False"}
    east = {"status": {"conditions": [condition], "lastSyncerHeartbeatTime": "2026-01-01T10:00:00Z"}}
    found = document(subject(obj, **{"k-east": east}), explained(verdict("east", "Held", LOST, replicas=3, rank=1)), "")
    assert found["metadata"] == {"name": "web", "namespace": "default"}
    assert found["status"]["workload"]["request"] == {"cpu": "250m"}
    assert found["status"]["targets"] == [
        {
            "name": "east",
            "key": "k-east",
            "location": "west/all",
            "placement": "all",
            "decision": "Held",
            "replicas": 3,
            "reasons": [{"reason": "NotReady", "message": "SyncTarget x is not ready", "admit": ""}],
            "scores": {"home": 1, "free": 7},
            "rank": 1,
            "since": "2026-01-01T08:00:00Z",
            "reported": {"at": "2026-01-01T09:00:00Z", "replicas": 3, "readyReplicas": 2},
            "reachable": False,
            "lastHeartbeatTime": "2026-01-01T10:00:00Z",
        }
    ]


def test_what_the_pcluster_refuses() -> None:
    """Told of targets in use, beside the decision, which stands; first in the row of a table, and safe to print."""
    notes = {f"sync-failed.workload.kcp.io/k-{each}": "Forbidden: no\x1b[2J latest" for each in ("east", "x")}
    used = verdict("east", "Kept", CORDONED, replicas=3)
    found = document(subject(deployment(**notes)), explained(used, verdict("x", "Spare")), "")
    east, other = found["status"]["targets"]
    assert (east["decision"], east["refused"]) == ("Kept", "Forbidden: no [2J latest")
    assert "refused" not in other
    assert found["status"]["scheduled"] == "True"
    cells = table(found, "v1")["rows"][0]["cells"]
    assert cells[5] == "its pcluster refuses it: Forbidden: no [2J latest; SyncTarget x is cordoned"


@pytest.mark.parametrize(("told", "leaving"), [("", ""), ("2026-01-01T09:00:00Z", "2026-01-01T09:00:00Z")])
def test_a_copy_that_leaves(told: str, leaving: str) -> None:
    """It is there until its pcluster has confirmed that it is gone, and may be out of reach until then."""
    obj = deployment(**({"deletion.internal.workload.kcp.io/k-x": told} if told else {}))
    obj["metadata"]["labels"] = {f"state.workload.kcp.io/{key}": "Sync" for key in ("k-east", "k-x")}
    lost = {"status": {"conditions": [{"type": "HeartbeatHealthy", "status": "False"}]}}
    verdicts = explained(verdict("east", "Kept", replicas=3), verdict("x", "Rejected", LOST), verdict("y", "Spare"))
    east, y, x = document(subject(obj, **{"k-x": lost}), verdicts, "")["status"]["targets"]
    assert (x["leaving"], x["reachable"]) == (leaving, False)
    assert "leaving" not in {*east, *y}


def test_pods_that_are_not_shown() -> None:
    """The first of them by name, how many they are, and where on the pcluster they can be seen."""
    names = [f"web-{ordinal}" for ordinal in range(30)]
    west = {"metadata": {"name": "west", "uid": "u1", "annotations": {"kcp.io/cluster": "platform"}}}
    whole = Subject(deployment(), GroupResource("apps", "statefulsets"), WORKLOAD, {"k-west": west}, {"k-west": names})
    found = document(whole, explained(verdict("east", "Kept"), verdict("west", "Kept", CORDONED)), "")
    east, other = found["status"]["targets"]
    assert "unseenPods" not in east
    assert other["unseenPods"]["names"] == names[:20]
    assert other["unseenPods"]["count"] == 30
    assert (
        other["unseenPods"]["namespace"]
        == NamespaceLocator("platform", "west", "u1", "c", "default").downstream_namespace()
    )
    assert table(found, "v1")["rows"][1]["cells"][5] == "30 of its pods are not shown; SyncTarget x is cordoned"


@pytest.mark.parametrize(
    ("shown", "since"),
    [
        (verdict("east", "Kept"), "2026-01-01T02:00:00Z"),
        (verdict("west", "Kept"), "2026-01-01T03:00:00Z"),
        (verdict("gone", "Kept"), None),
        (verdict("x", "Rejected", CORDONED), None),
        (verdict("x", "Rejected", LOST, not_ready_since=NOON), "2026-01-01T12:00:00Z"),
        (verdict("x", "Rejected", EVICTING, evict_after=MORNING), "2026-01-01T08:00:00Z"),
        (verdict("x", "Rejected", LOST, EVICTING, not_ready_since=NOON, evict_after=MORNING), "2026-01-01T08:00:00Z"),
        (verdict("x", "Rejected", TAINTED, taints=(Taint("a", "b", "NoExecute", NOON),)), "2026-01-01T12:00:00Z"),
        (verdict("x", "Rejected", TAINTED, taints=(Taint("a", "b", "NoSchedule"),)), None),
    ],
)
def test_since(shown: Verdict, since: str | None) -> None:
    """Of those in use since the oldest move from which on it was there; of others since the first reason came up."""
    moves = [["gone"], ["gone", "east"], ["east", "west"]]
    noted = history(*((f"2026-01-01T0{hour}:00:00Z", targets) for hour, targets in enumerate(moves, 1)))
    found = document(subject(deployment(**{"scheduling.kcp.io/history": noted})), explained(shown), "")
    assert found["status"]["targets"][0].get("since") == since


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "{}", "[1]", '[{"at":"x","targets":[]}]', '[{"at":"2026-01-01T00:00:00Z","targets":"east"}]'],
)
def test_a_history_that_cannot_be_read_is_none(text: str) -> None:
    assert history_of(deployment(**{"scheduling.kcp.io/history": text})) == []


def test_a_history_is_bounded() -> None:
    """Whatever somebody may have written there."""
    noted = history(*(("2026-01-01T00:00:00Z", ["x" * 5000]) for _ in range(20)))
    found = history_of(deployment(**{"scheduling.kcp.io/history": noted}))
    assert [len(move["targets"][0]) for move in found] == [1024] * 8


def test_targets_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explanation, "MAX_TARGETS", 2)
    found = document(subject(), explained(*(verdict(str(number), "Spare") for number in range(3))), "")
    assert len(found["status"]["targets"]) == 2
    assert found["status"]["truncated"] is True
    assert MAX_TARGETS == 1000


def test_the_table() -> None:
    """All reasons and all that would admit it, in cells."""
    found = document(subject(), explained(verdict("x", "Rejected", CORDONED, LOST, TAINTED)), "")
    [row] = table(found, "v1")["rows"]
    assert row["cells"] == [
        "x",
        "Rejected",
        0,
        None,
        "all",
        "SyncTarget x is cordoned; SyncTarget x is not ready; SyncTarget x has a taint",
        "uncordon it, tolerate a=b:NoExecute",
        "west/all",
        "",
        "home=1 free=7",
    ]
