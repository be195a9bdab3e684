"""How replicas are shared out, and how shares change without a gap."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.base import jsonio
from headwater.reconcilers.scheduling.division.step_divide import division_change
from headwater.scheduling.division import divide

PREFIX = "experimental.spec-diff.workload.kcp.io/"
CASES: dict[str, tuple[int, dict[str, int], dict[str, int]]] = {
    "even": (4, {"a": 1, "b": 1}, {"a": 2, "b": 2}),
    "remainder-to-the-first": (7, {"a": 1, "b": 1, "c": 1}, {"a": 3, "b": 2, "c": 2}),
    "weights": (10, {"a": 3, "b": 1}, {"a": 8, "b": 2}),
    "largest-remainder": (5, {"a": 1, "b": 2}, {"a": 2, "b": 3}),
    "no-weight-at-all": (4, {"a": 0, "b": 0}, {"a": 2, "b": 2}),
    "one-without-weight": (4, {"a": 1, "b": 0}, {"a": 4, "b": 0}),
    "no-replicas": (0, {"a": 1, "b": 1}, {"a": 0, "b": 0}),
    "no-targets": (4, {}, {}),
}


@pytest.mark.parametrize(("replicas", "weights", "expected"), CASES.values(), ids=CASES)
def test_divide(replicas: int, weights: dict[str, int], expected: dict[str, int]) -> None:
    assert divide(replicas, weights) == expected


@given(st.integers(0, 10_000), st.dictionaries(st.text("abc", min_size=1), st.integers(0, 1000), min_size=1))
def test_shares_always_add_up(replicas: int, weights: dict[str, int]) -> None:
    """Nothing is lost or made up, and no share is more than one off its exact part."""
    shares = divide(replicas, weights)
    assert sum(shares.values()) == replicas
    total = sum(weights.values()) or len(weights)
    for key, share in shares.items():
        weight = weights[key] if sum(weights.values()) else 1
        assert abs(share - replicas * weight / total) < 1


def text(value: int) -> str:
    return f'[{{ "op": "replace", "path": "/replicas", "value": {value} }}]'


def workload(given_shares: dict[str, int], ready: dict[str, int], **notes: str) -> dict[str, Any]:
    reports = {
        f"diff.syncer.internal.kcp.io/{key}": jsonio.dumps({"status": {"readyReplicas": count}}).decode()
        for key, count in ready.items()
    }
    diffs = {PREFIX + key: text(value) for key, value in given_shares.items()}
    held = {f"state.workload.kcp.io/{key}": "Sync" for key in {*given_shares, *ready}}
    return {"metadata": {"labels": held, "annotations": {**reports, **diffs, **notes}}}


GENTLE: dict[str, tuple[dict[str, int], dict[str, int], dict[str, int], dict[str, int]]] = {
    "grows-at-once": ({"a": 1}, {"a": 1}, {"a": 3}, {"a": 3}),
    "newcomer-not-ready": ({"a": 3, "b": 3}, {"a": 3, "b": 3}, {"a": 2, "b": 2, "c": 2}, {"c": 2}),
    "newcomer-half": ({"a": 3, "b": 3}, {"a": 3, "b": 3, "c": 1}, {"a": 2, "b": 2, "c": 2}, {"c": 2}),
    "newcomer-ready": ({"a": 3, "b": 3}, {"a": 3, "b": 3, "c": 2}, {"a": 2, "b": 2, "c": 2}, {"a": 2, "b": 2, "c": 2}),
    "scaled-down": ({"a": 3, "b": 3}, {"a": 3, "b": 3}, {"a": 1, "b": 1}, {"a": 1, "b": 1}),
    "scaled-to-zero": ({"a": 3, "b": 3}, {"a": 3, "b": 3}, {"a": 0, "b": 0}, {"a": 0, "b": 0}),
    "before-the-first-report": ({"a": 6}, {}, {"a": 2, "b": 4}, {"b": 4}),
    "reported-by-others-only": ({"a": 6}, {"b": 4}, {"a": 2, "b": 4}, {"a": 2, "b": 4}),
    "ready-since-the-report": ({"a": 3, "b": 3}, {"a": 3, "b": 1}, {"a": 5, "b": 1}, {"a": 5}),
    "from-duplicated": ({}, {"a": 6, "b": 0}, {"a": 3, "b": 3}, {"a": 6, "b": 3}),
}


@pytest.mark.parametrize(("before", "ready", "shares", "expected"), GENTLE.values(), ids=GENTLE)
def test_gently(
    before: dict[str, int], ready: dict[str, int], shares: dict[str, int], expected: dict[str, int]
) -> None:
    change = division_change(workload(before, ready), shares, gently=True)
    assert change == {PREFIX + key: text(value) for key, value in expected.items()}


COUNTS = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 9), max_size=4)


@given(COUNTS, COUNTS, st.dictionaries(st.sampled_from("abcd"), st.integers(0, 5), min_size=1, max_size=4))
def test_ready_replicas_never_fall_below_what_is_asked(
    before: dict[str, int], ready: dict[str, int], weights: dict[str, int]
) -> None:
    """Whatever the shares change to, targets keep enough of what is ready now, as far as they have it."""
    replicas = 8
    shares = divide(replicas, weights)
    obj = workload(before, ready)
    change = division_change(obj, shares, gently=True)
    after = {key: before.get(key) for key in shares}
    for note, value in change.items():
        if value is not None:
            after[note.removeprefix(PREFIX)] = jsonio.loads(value)[0]["value"]
    had = sum(min(ready.get(key, 0), before.get(key, replicas)) for key in shares)
    kept = sum(min(ready.get(key, 0), after[key] or 0) for key in shares)
    assert kept >= min(replicas, had)


def test_what_is_left_keeps_its_share_and_foreign_diffs_stay() -> None:
    foreign = '[{"op":"replace","path":"/replicas","value":1}]'
    obj = workload({"gone": 1, "leaving": 2}, {}, **{PREFIX + "mine": foreign})
    del obj["metadata"]["labels"]["state.workload.kcp.io/gone"]
    assert division_change(obj, {"mine": 5, "new": 3}) == {PREFIX + "gone": None, PREFIX + "new": text(3)}
    assert division_change(obj, None) == {PREFIX + "gone": None, PREFIX + "leaving": None}
