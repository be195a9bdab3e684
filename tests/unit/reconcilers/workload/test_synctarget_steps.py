"""Steps of the SyncTarget controller: heartbeats by whatever clock, and what is requested."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headwater.machinery.conditions import is_true
from headwater.machinery.timestamps import format_time
from headwater.reconcilers.workload.synctarget.step_heartbeat import Sighting, heartbeat_notice, judge_heartbeat, sight
from headwater.reconcilers.workload.synctarget.step_requested import record_requested

NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
THRESHOLD = 60.0


def target(heartbeat: float | None = None, *, healthy: bool = False) -> dict[str, Any]:
    """A SyncTarget whose last heartbeat says that it was made so many seconds from now."""
    status: dict[str, Any] = {}
    if heartbeat is not None:
        status["lastSyncerHeartbeatTime"] = format_time(NOW + timedelta(seconds=heartbeat))
    if healthy:
        status["conditions"] = [{"type": "HeartbeatHealthy", "status": "True"}]
    return {"metadata": {"name": "east"}, "status": status}


def seen(obj: dict[str, Any], before: Sighting | None = None, *, after: float = 0.0) -> float | None:
    """How long ago the heartbeat was made, as the controller sees it."""
    now = NOW + timedelta(seconds=after)
    found = sight(obj, before, now, THRESHOLD)
    return (now - found.at).total_seconds() if found else None


@pytest.mark.parametrize(
    ("obj", "age"),
    [
        pytest.param(target(), None, id="never"),
        pytest.param(target(-10), 10, id="fresh"),
        pytest.param(target(-3600), 3600, id="found stale and not healthy"),
        pytest.param(target(-3600, healthy=True), 0, id="we were away for an hour"),
        pytest.param(target(-30, healthy=True), 30, id="we were away for a moment"),
        pytest.param(target(3600), 0, id="from the future"),
    ],
)
def test_a_heartbeat_that_is_found(obj: dict[str, Any], age: float | None) -> None:
    assert seen(obj) == age


@pytest.mark.parametrize("skew", [-86400.0, -90.0, 0.0, 90.0, 86400.0])
def test_a_heartbeat_that_arrives_was_made_now(skew: float) -> None:
    """However wrong the syncer's clock is, its signs of life count from when they came, and for as long."""
    first = sight(target(skew - 20), None, NOW, THRESHOLD)
    beating = target(skew)
    second = sight(beating, first, NOW, THRESHOLD)
    assert second == Sighting(beating["status"]["lastSyncerHeartbeatTime"], NOW)
    assert seen(beating, second, after=50) == 50
    later = NOW + timedelta(seconds=61)
    assert judge_heartbeat(beating, sight(beating, second, later, THRESHOLD), later, THRESHOLD) is None
    assert not is_true(beating, "HeartbeatHealthy")


def test_health_ends_at_the_threshold() -> None:
    obj = target(0)
    again = judge_heartbeat(obj, Sighting("t", NOW - timedelta(seconds=45)), NOW, THRESHOLD)
    assert is_true(obj, "HeartbeatHealthy")
    assert is_true(obj, "Ready")
    assert again == pytest.approx(15.001)
    assert judge_heartbeat(obj, None, NOW, THRESHOLD) is None
    assert not is_true(obj, "Ready")


def test_requested_quantities() -> None:
    """Each resource in the unit that people write it in; what is not asked for is left out."""
    obj = target()
    amounts = {
        "memory": 3 << 29,
        "cpu": 1500,
        "pods": 3,
        "nvidia.com/gpu": 0,
        "hugepages-2Mi": 4 << 20,
        "storage": 1001,
    }
    record_requested(obj, amounts)
    assert obj["status"]["requested"] == {
        "cpu": "1500m",
        "hugepages-2Mi": "4Mi",
        "memory": "1536Mi",
        "pods": "3",
        "storage": "1001",
    }
    record_requested(obj, {})
    assert obj["status"]["requested"] == {}


def judged(message: str | None) -> dict[str, Any]:
    """A SyncTarget that is healthy, or not for a reason."""
    condition = {"type": "HeartbeatHealthy", "status": "True" if message is None else "False", "message": message or ""}
    return {"metadata": {"name": "east"}, "status": {"conditions": [condition]}}


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (judged(None), judged("No heartbeat since 12:00"), "ErrorHeartbeat"),
        (judged("No heartbeat since 12:00"), judged(None), "HeartbeatHealthy"),
        (judged("No heartbeat yet seen"), judged(None), None),
        (judged("No heartbeat since 12:00"), judged("No heartbeat since 12:00"), None),
        (target(), judged("No heartbeat yet seen"), None),
        (None, judged("No heartbeat since 12:00"), None),
    ],
    ids=["silent", "back", "first", "still silent", "new", "found"],
)
def test_events_tell_of_silence(before: dict[str, Any] | None, after: dict[str, Any], reason: str | None) -> None:
    notice = heartbeat_notice(before, after)
    assert (notice.reason if notice is not None else None) == reason
