"""Conditions: order, transition times, severities and the summary, by kcp's rules."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.machinery import conditions as c
from headwater.machinery.conditions import Condition

T1 = datetime(2026, 1, 1, 0, 0, 1, 999_000, tzinfo=UTC)
T2 = datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC)


def test_true_false_unknown() -> None:
    """Marks write the fields that kcp writes, with times in whole seconds."""
    obj: dict[str, Any] = {}
    assert c.mark_true(obj, "Up", T1)
    assert obj == {
        "status": {"conditions": [{"type": "Up", "status": "True", "lastTransitionTime": "2026-01-01T00:00:01Z"}]}
    }
    assert c.is_true(obj, "Up")
    assert c.mark_false(obj, "Up", "Broken", c.WARNING, "It broke.", T2)
    assert c.get_condition(obj, "Up") == {
        "type": "Up",
        "status": "False",
        "severity": "Warning",
        "lastTransitionTime": "2026-01-01T00:00:02Z",
        "reason": "Broken",
        "message": "It broke.",
    }
    assert c.is_false(obj, "Up")
    assert c.mark_unknown(obj, "Up", "Lost", "Not heard of.", T2)
    assert c.status_of(obj, "Up") == "Unknown"
    assert c.status_of(obj, "Other") == ""
    assert not c.is_true(obj, "Other")


def test_the_same_again_changes_nothing() -> None:
    """Time moves only when status, reason, severity or message does."""
    obj: dict[str, Any] = {}
    c.mark_false(obj, "Up", "Broken", c.ERROR, "m", T1)
    before = obj["status"]["conditions"]
    assert c.mark_false(obj, "Up", "Broken", c.ERROR, "m", T2) is False
    assert obj["status"]["conditions"] is before
    assert c.mark_false(obj, "Up", "Broken", c.INFO, "m", T2) is True
    assert obj["status"]["conditions"][0]["lastTransitionTime"] == "2026-01-01T00:00:02Z"
    assert before[0]["severity"] == "Error"


def test_order_and_removal() -> None:
    """Ready stands first and the rest by type."""
    obj: dict[str, Any] = {"status": None}
    for type_ in ("Zed", "Ready", "Alpha"):
        c.mark_true(obj, type_, T1)
    assert [entry["type"] for entry in c.conditions(obj)] == ["Ready", "Alpha", "Zed"]
    assert c.remove_condition(obj, "Alpha") is True
    assert c.remove_condition(obj, "Alpha") is False
    assert [entry["type"] for entry in c.conditions(obj)] == ["Ready", "Zed"]


SUMMARIES = [
    pytest.param([], None, id="none present"),
    pytest.param([Condition("A", "True"), Condition("B", "True")], Condition("Ready", "True"), id="all true"),
    pytest.param(
        [Condition("A", "True"), Condition("B", "Unknown", "Lost", "m")],
        Condition("Ready", "True"),
        id="true over unknown",
    ),
    pytest.param([Condition("A", "Unknown", "Lost", "m")], Condition("Ready", "Unknown", "Lost", "m"), id="unknown"),
    pytest.param(
        [
            Condition("A", "False", "RI", "i", "Info"),
            Condition("B", "False", "RW", "w", "Warning"),
            Condition("C", "False", "RE", "e", "Error"),
        ],
        Condition("Ready", "False", "RE", "e", "Error"),
        id="error first",
    ),
    pytest.param(
        [Condition("B", "False", "RB", "b", "Warning"), Condition("A", "False", "RA", "a", "Warning")],
        Condition("Ready", "False", "RA", "a", "Warning"),
        id="first by the given order",
    ),
    pytest.param(
        [Condition("A", "False", "RA", "a"), Condition("B", "True")],
        Condition("Ready", "True"),
        id="no severity is weakest",
    ),
    pytest.param([Condition("Other", "False", "R", "m", "Error")], None, id="others don't count"),
]


@pytest.mark.parametrize(("present", "summary"), SUMMARIES)
def test_summary(present: list[Condition], summary: Condition | None) -> None:
    """Ready takes the worst of the named conditions that exist; without any it is not set."""
    obj: dict[str, Any] = {}
    for condition in present:
        c.set_condition(obj, condition, T1)
    assert c.merged(obj, ["A", "B", "C"]) == summary
    assert c.summarize(obj, ["A", "B", "C"], T2) is (summary is not None)
    ready = c.get_condition(obj, "Ready")
    assert ready == (summary.to_object(T2) if summary else None)


states = st.builds(
    Condition,
    type=st.sampled_from(["Ready", "A", "B", "C"]),
    status=st.sampled_from(["True", "False", "Unknown"]),
    reason=st.sampled_from(["", "R"]),
    severity=st.sampled_from(["", "Error"]),
)


@given(st.lists(states))
def test_one_entry_per_type_always_sorted(history: list[Condition]) -> None:
    """After any history each type stands once with its last state, and the order holds."""
    obj: dict[str, Any] = {}
    for condition in history:
        c.set_condition(obj, condition, T1)
    last = {condition.type: condition.to_object(T1) for condition in history}
    assert list(c.conditions(obj)) == [last[key] for key in sorted(last, key=lambda key: (key != "Ready", key))]
