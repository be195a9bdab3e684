"""Bounds of an autoscaler where its workload's replicas are divided."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.base import jsonio
from headwater.reconcilers.scheduling.autoscaler.step_bounds import autoscaler_change

PREFIX = "experimental.spec-diff.workload.kcp.io/"


def autoscaler(**spec: int) -> dict[str, Any]:
    return {"metadata": {}, "spec": spec}


def bounds(obj: dict[str, Any], shares: dict[str, int]) -> dict[str, tuple[int, int]]:
    change = autoscaler_change(obj, shares)
    found = {}
    for note, text in change.items():
        assert text is not None
        low, high = (each["value"] for each in jsonio.loads(text))
        found[note.removeprefix(PREFIX)] = (low, high)
    return found


@pytest.mark.parametrize(
    ("spec", "shares", "expected"),
    [
        ({"minReplicas": 2, "maxReplicas": 10}, {"a": 3, "b": 1}, {"a": (2, 8), "b": (1, 2)}),
        ({"minReplicas": 4, "maxReplicas": 8}, {"a": 1, "b": 1}, {"a": (2, 4), "b": (2, 4)}),
        ({"maxReplicas": 6}, {"a": 1, "b": 1}, {"a": (1, 3), "b": (1, 3)}),
        ({"minReplicas": 0, "maxReplicas": 4}, {"a": 1, "b": 1}, {"a": (0, 2), "b": (0, 2)}),
        ({"minReplicas": 2, "maxReplicas": 4}, {"a": 1, "b": 0}, {"a": (2, 4), "b": (1, 1)}),
    ],
)
def test_bounds(spec: dict[str, int], shares: dict[str, int], expected: dict[str, tuple[int, int]]) -> None:
    assert bounds(autoscaler(**spec), shares) == expected


SHARES = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 9), min_size=1)


@given(st.integers(0, 20), st.integers(1, 50), SHARES)
def test_bounds_are_valid_and_add_up(minimum: int, maximum: int, shares: dict[str, int]) -> None:
    """Every pcluster accepts them, and the whole is within what was asked for, where that is enough for all."""
    maximum = max(minimum, maximum)
    found = bounds(autoscaler(minReplicas=minimum, maxReplicas=maximum), shares)
    assert all(low <= high and high >= 1 for low, high in found.values())
    assert sum(low for low, _ in found.values()) >= minimum
    assert sum(high for _, high in found.values()) >= maximum
    if len(set(shares.values())) == 1 and minimum >= len(shares):
        assert sum(low for low, _ in found.values()) == minimum
        assert sum(high for _, high in found.values()) == maximum


def test_they_go_with_the_division() -> None:
    obj = autoscaler(maxReplicas=4)
    obj["metadata"]["annotations"] = {**autoscaler_change(obj, {"a": 1}), f"{PREFIX}b": '[{"op":"test"}]'}
    assert autoscaler_change(obj, {"a": 1}) == {}
    assert autoscaler_change(obj, None) == {f"{PREFIX}a": None}
