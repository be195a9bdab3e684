"""How one object follows its namespace."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.reconcilers.scheduling.resource.step_intent import Wanted, intent_change
from headwater.reconcilers.scheduling.resource.wanted import wanted_of_cluster_scoped

NOW = "2026-01-01T00:00:00Z"
EARLIER = "2025-12-31T00:00:00Z"


def obj(
    states: dict[str, str] | None = None, marks: dict[str, str] | None = None, held: tuple[str, ...] = (), **meta: Any
) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "o",
            "labels": {f"state.workload.kcp.io/{key}": state for key, state in (states or {}).items()},
            "annotations": {f"deletion.internal.workload.kcp.io/{key}": at for key, at in (marks or {}).items()},
            "finalizers": [f"workload.kcp.io/syncer-{key}" for key in held] + ["user/f"],
            **meta,
        }
    }


def wanted(*keys: str, leaving: dict[str, str] | None = None, can_leave: bool = True) -> Wanted:
    return Wanted(frozenset(keys), leaving or {}, lambda _key: can_leave)


def offered(*keys: str, runs_on: str = "") -> Wanted:
    """For a cluster-scoped object of a workspace with Placements on these, and workloads on one."""
    placement = {"metadata": {"annotations": {"internal.workload.kcp.io/synctarget": ",".join(keys)}}}
    return wanted_of_cluster_scoped([placement], target_exists=lambda _key: True, runs_on=lambda key: key == runs_on)


def label(key: str, value: str | None) -> dict[str, str | None]:
    return {f"state.workload.kcp.io/{key}": value}


def mark(key: str, value: str | None) -> dict[str, str | None]:
    return {f"deletion.internal.workload.kcp.io/{key}": value}


def finished_job(*args: Any) -> dict[str, Any]:
    status = {"conditions": [{"type": "Complete", "status": "True"}]}
    return {"apiVersion": "batch/v1", "kind": "Job", "status": status} | obj(*args)


SYNC = {"a": "Sync"}
CASES: dict[str, tuple[Any, Any, dict[str, Any], dict[str, Any]]] = {
    "steady": (obj(SYNC), wanted("a"), {}, {}),
    "add": (obj(), wanted("a"), label("a", "Sync"), {}),
    "not-added-while-leaving": (obj(), wanted(leaving={"a": EARLIER}), {}, {}),
    "leaving-copies-mark": (obj(SYNC), wanted(leaving={"a": EARLIER}), {}, mark("a", EARLIER)),
    "gone-and-held": (obj(SYNC, held=("a",)), wanted(), {}, mark("a", NOW)),
    "gone-and-free": (obj(SYNC), wanted(), label("a", None), {}),
    "gone-marked-free": (obj(SYNC, {"a": EARLIER}), wanted(), label("a", None), mark("a", None)),
    "gone-marked-held": (obj(SYNC, {"a": EARLIER}, held=("a",)), wanted(), {}, {}),
    "chosen-again": (obj(SYNC, {"a": EARLIER}, held=("a",)), wanted("a"), {}, mark("a", None)),
    "offered": (obj(), offered("a"), label("a", ""), {}),
    "offer-accepted": (obj(SYNC), offered("a"), {}, {}),
    "offer-gone": (obj({"a": ""}), offered(), label("a", None), {}),
    "offer-gone-and-held": (obj(SYNC, held=("a",)), offered(), {}, mark("a", NOW)),
    "offer-needed": (obj(SYNC, held=("a",)), offered(runs_on="a"), {}, {}),
    "must-stay": (obj(SYNC, held=("a",)), wanted("b", leaving={"a": EARLIER}, can_leave=False), label("b", "Sync"), {}),
    "must-stay-after-grace": (obj(SYNC, held=("a",)), wanted("b", can_leave=False), label("b", "Sync"), {}),
    "deleted-marks-all": (obj(SYNC, deletionTimestamp=EARLIER), wanted("a"), {}, mark("a", EARLIER)),
    "deleted-and-marked": (obj(SYNC, {"a": NOW}, deletionTimestamp=EARLIER), wanted("a"), {}, {}),
    "finished-job-stays": (finished_job(SYNC), wanted("a"), {}, {}),
    "finished-job-is-not-run-again": (finished_job(), wanted("a"), {}, {}),
    "finished-job-leaves": (finished_job(SYNC), wanted("b"), label("a", None), {}),
    "unknown-namespace": (obj(SYNC), None, {}, {}),
    "upsynced": (obj({"a": "Upsync"}), wanted("b"), {}, {}),
}


@pytest.mark.parametrize(("each", "want", "labels", "annotations"), CASES.values(), ids=CASES)
def test_intent(each: Any, want: Any, labels: dict[str, Any], annotations: dict[str, Any]) -> None:
    change = intent_change(each, want, target_exists=lambda _key: True, now=NOW)
    assert (change.labels, change.annotations, change.finalizers, change.delete) == (labels, annotations, None, False)
    assert bool(change) == bool(labels or annotations)


def test_soft_finalizer_holds() -> None:
    held = obj(SYNC)
    held["metadata"]["annotations"]["finalizers.workload.kcp.io/a"] = "wait"
    change = intent_change(held, wanted(), target_exists=lambda _key: True, now=NOW)
    assert (change.labels, change.annotations) == ({}, mark("a", NOW))


def test_finalizers_of_lost_targets_go() -> None:
    """And their labels, but never with a deletion mark: unregistering a pcluster is no order to empty it."""
    states = {"a": "Sync", "b": "Sync", "c": "Sync"}
    each = obj(states, {"c": EARLIER}, held=("a", "b", "c"))
    change = intent_change(each, wanted("b", leaving={"a": EARLIER}), target_exists=lambda key: key == "b", now=NOW)
    assert change.finalizers == ["workload.kcp.io/syncer-b", "user/f"]
    assert change.labels == label("a", None) | label("c", None)
    assert change.annotations == mark("c", None)


def test_upsynced_orphan_is_deleted() -> None:
    assert intent_change(obj({"a": "Upsync"}), None, target_exists=lambda _key: False, now=NOW).delete


def test_upsynced_orphan_is_let_go() -> None:
    """Once it is being deleted only the finalizer of the syncer that is no more is taken away."""
    orphan = obj({"a": "Upsync"}, held=("a",), deletionTimestamp=NOW)
    change = intent_change(orphan, None, target_exists=lambda _key: False, now=NOW)
    assert (change.delete, change.finalizers) == (False, ["user/f"])
    left = obj({"a": "Upsync"}, deletionTimestamp=NOW)
    assert not intent_change(left, None, target_exists=lambda _key: False, now=NOW)
