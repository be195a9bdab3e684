"""What is said of a pod whose pcluster isn't heard of."""

from __future__ import annotations

import pytest

from headwater.machinery.objects import Object, deep_copy
from headwater.reconcilers.scheduling.reachability import Lost
from headwater.reconcilers.scheduling.upsynced.step_doubt import doubted

LOST = Lost("east", "2026-01-01T00:00:00Z")
MESSAGE = "SyncTarget east was last heard of at 2026-01-01T00:00:00Z"


def test_readiness_is_unknown() -> None:
    """Where it runs, and that it was scheduled, still holds."""
    status = {
        "phase": "Running",
        "podIP": "10.0.0.1",
        "conditions": [{"type": "Ready", "status": "True"}, {"type": "PodScheduled", "status": "True"}],
    }
    before = deep_copy(status)
    found = doubted(status, LOST)
    assert status == before
    assert (found["reason"], found["message"], found["podIP"]) == ("SyncTargetUnreachable", MESSAGE, "10.0.0.1")
    ready, scheduled = found["conditions"]
    assert (ready["status"], ready["reason"], ready["lastTransitionTime"]) == ("Unknown", found["reason"], LOST.since)
    assert scheduled == {"type": "PodScheduled", "status": "True"}
    assert doubted(found, LOST) == found


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_has_ended_stays_ended(phase: str) -> None:
    assert doubted({"phase": phase}, LOST) == {"phase": phase}


def test_a_pod_without_conditions() -> None:
    found: Object = doubted({}, LOST)
    assert found == {"reason": "SyncTargetUnreachable", "message": MESSAGE}
