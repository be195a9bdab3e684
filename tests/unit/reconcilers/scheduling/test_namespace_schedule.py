"""Which targets a namespace gets, keeps and loses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headwater.machinery.timestamps import format_time
from headwater.reconcilers.scheduling.namespace.step_schedule import bind, schedule, scheduled_condition

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def namespace(active: tuple[str, ...] = (), leaving: dict[str, float] | None = None, **notes: str) -> dict[str, Any]:
    marks = {
        f"deletion.internal.workload.kcp.io/{key}": format_time(NOW - timedelta(seconds=ago))
        for key, ago in (leaving or {}).items()
    }
    return {
        "metadata": {
            "name": "ns",
            "labels": {f"state.workload.kcp.io/{key}": "Sync" for key in (*active, *(leaving or {}))},
            "annotations": {**marks, **notes},
        }
    }


def placement(*keys: str, phase: str = "Bound", ready: str = "True", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "p", "annotations": {"internal.workload.kcp.io/synctarget": ",".join(keys)}},
        "spec": spec,
        "status": {"phase": phase, "conditions": [{"type": "Ready", "status": ready}]},
    }


def keys_of(obj: dict[str, Any]) -> dict[str, bool]:
    """Target key -> True while it is not marked for removal."""
    marks = obj["metadata"].get("annotations") or {}
    return {
        label.removeprefix("state.workload.kcp.io/"): f"deletion.internal.workload.kcp.io/{label.split('/')[1]}"
        not in marks
        for label in obj["metadata"].get("labels") or {}
    }


CASES = {
    "nothing": (namespace(), [], {}, None),
    "new": (namespace(), [placement("a")], {"a": True}, None),
    "steady": (namespace(("a",)), [placement("a")], {"a": True}, None),
    "lost": (namespace(("a",)), [], {"a": False}, 5.0),
    "switch": (namespace(("a",)), [placement("b")], {"a": False, "b": True}, 5.0),
    "within-grace": (namespace((), {"a": 3}), [placement("b")], {"a": False, "b": True}, 2.0),
    "after-grace": (namespace((), {"a": 5}), [placement("b")], {"b": True}, None),
    "chosen-again": (namespace((), {"a": 3}), [placement("a")], {"a": True}, None),
    "two-placements": (namespace(), [placement("a"), placement("b", "a")], {"a": True, "b": True}, None),
    "pending-placement": (namespace(), [placement("a", phase="Pending")], {}, None),
    "undecided-placement": (namespace(("a",)), [placement("a", ready="False")], {"a": True}, None),
    "other-namespace": (namespace(), [placement("a", namespaceSelector={"matchLabels": {"x": "y"}})], {}, None),
    "bad-selector": (
        namespace(),
        [placement("a", namespaceSelector={"matchExpressions": [{"key": "x", "operator": "Like"}]})],
        {},
        None,
    ),
    "bad-selector-keeps": (
        namespace(("a",)),
        [placement("a", namespaceSelector={"matchExpressions": [{"key": "x", "operator": "Like"}]})],
        {"a": True},
        None,
    ),
}


@pytest.mark.parametrize(("obj", "placements", "expected", "requeue"), CASES.values(), ids=CASES)
def test_schedule(obj: Any, placements: list[Any], expected: dict[str, bool], requeue: float | None) -> None:
    assert schedule(obj, placements, NOW, target_exists=lambda _key: True) == requeue
    assert keys_of(obj) == expected


def test_target_that_is_gone_loses_its_label_at_once() -> None:
    """Without a deletion mark, so that no syncer takes it for an order to delete."""
    obj = namespace(("a", "b"), {"c": 1})
    assert schedule(obj, [placement("b")], NOW, target_exists=lambda key: key == "b") is None
    assert keys_of(obj) == {"b": True}
    assert not any(note.startswith("deletion.") for note in obj["metadata"].get("annotations") or ())


def test_unreadable_mark_has_no_grace() -> None:
    obj = namespace(("a",), **{"deletion.internal.workload.kcp.io/a": "soon"})
    assert schedule(obj, [], NOW, target_exists=lambda _key: True) is None
    assert keys_of(obj) == {}


def test_bind_marks_and_unmarks() -> None:
    obj = namespace()
    bind(obj, [placement("a")])
    assert obj["metadata"]["annotations"] == {"scheduling.kcp.io/placement": ""}
    bind(obj, [])
    assert not obj["metadata"].get("annotations")


def test_condition() -> None:
    assert scheduled_condition(namespace())[2] == "No available placements"
    placed = {"scheduling.kcp.io/placement": ""}
    assert scheduled_condition(namespace((), {"a": 1}, **placed))[2] == "No available sync targets"
    assert scheduled_condition(namespace(("a",), **placed))[0] == "True"
