"""A user's own operations for one target, and ours behind them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.apis.workload.specdiff import SpecDiff, read_spec_diff, write_spec_diff
from headwater.base import jsonio
from headwater.reconcilers.scheduling.division.step_divide import division_change, is_divided

NOTE = "experimental.spec-diff.workload.kcp.io/a"
OURS = '{ "op": "replace", "path": "/replicas", "value": 3 }'
PAUSED = '[{"op": "add", "path": "/paused", "value": true}]'
BOTH = f'[{{"op": "add", "path": "/paused", "value": true}}, {OURS}]'
OWN = '[{"op":"replace","path":"/replicas","value":1}]'

TEXTS: dict[str, tuple[str, str, dict[str, int]]] = {
    "none": ("", "", {}),
    "ours": (f"[{OURS}]", "", {"/replicas": 3}),
    "theirs": (PAUSED, PAUSED, {}),
    "both": (BOTH, PAUSED, {"/replicas": 3}),
    "empty": ("[]", "", {}),
    "job": (
        '[{ "op": "add", "path": "/parallelism", "value": 1 }, { "op": "add", "path": "/completions", "value": 4 }]',
        "",
        {"/parallelism": 1, "/completions": 4},
    ),
    "another-spelling": (OWN, OWN, {}),
    "not-at-the-end": (f"[{OURS}, {PAUSED[1:]}", f"[{OURS}, {PAUSED[1:]}", {}),
}


@pytest.mark.parametrize(("text", "theirs", "ours"), TEXTS.values(), ids=TEXTS)
def test_read(text: str, theirs: str, ours: dict[str, int]) -> None:
    diff = read_spec_diff(text)
    assert (diff.theirs, diff.ours) == (theirs, ours)


OPERATIONS = st.lists(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "replace", "remove"]), "path": st.text(), "value": st.integers() | st.text()}
    ),
    max_size=4,
)


@given(OPERATIONS, st.dictionaries(st.sampled_from(["/replicas", "/a/b", "/c-d"]), st.integers(0, 9999), max_size=2))
def test_taken_apart_and_put_together(operations: list[dict[str, Any]], ours: dict[str, int]) -> None:
    """Whatever users write: it reads as before, ours come after it, and taking ours away leaves it as it was."""
    theirs = jsonio.dumps(operations).decode()
    text = write_spec_diff(SpecDiff(theirs, ours))
    assert text is not None
    assert jsonio.loads(text)[: len(operations)] == operations
    assert [each["path"] for each in jsonio.loads(text)[len(operations) :]] == list(ours)
    diff = read_spec_diff(text)
    assert (diff.theirs or "[]", diff.ours) == (theirs, ours)


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        ("", False),
        (PAUSED, False),
        ('[{"op":"test","path":"/replicas","value":1}]', False),
        ('[{"op":"replace","path":"/replicas","value":1}]', True),
        ('[{"op":"replace","path":"","value":{}}]', True),
        ('[{"op":"move","from":"/replicas","path":"/x"}]', True),
        ('[{"op":"replace","path":"/replicasOf","value":1}]', False),
        ("[{", True),
        ("{}", True),
        ("[1]", True),
    ],
)
def test_overrides(theirs: str, expected: object) -> None:
    assert SpecDiff(theirs).overrides("/replicas") is expected


def workload(text: str | None) -> dict[str, Any]:
    notes = {} if text is None else {NOTE: text}
    return {"metadata": {"labels": {"state.workload.kcp.io/a": "Sync"}, "annotations": notes}}


@pytest.mark.parametrize(
    ("before", "shares", "expected"),
    [
        (None, {"a": 3}, {NOTE: f"[{OURS}]"}),
        (PAUSED, {"a": 3}, {NOTE: BOTH}),
        (f"{PAUSED}\n", {"a": 3}, {NOTE: BOTH}),
        (BOTH, {"a": 3}, {}),
        (BOTH.replace("3", "9"), {"a": 3}, {NOTE: BOTH}),
        (BOTH, None, {NOTE: PAUSED}),
        (f"[{OURS}]", None, {NOTE: None}),
        (PAUSED, None, {}),
        (OWN, {"a": 3}, {}),
        (f"{OWN[:-1]}, {OURS}]", {"a": 3}, {NOTE: OWN}),
        ("no json", {"a": 3}, {}),
    ],
)
def test_both_apply(before: str | None, shares: dict[str, int] | None, expected: dict[str, str | None]) -> None:
    """The share is added behind what the user has, follows its changes, and goes without a trace."""
    assert division_change(workload(before), shares) == expected


def test_only_ours_divide() -> None:
    assert is_divided(workload(BOTH))
    assert not is_divided(workload(PAUSED))
    assert not is_divided(workload(None))
