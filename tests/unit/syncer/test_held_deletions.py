"""What a person's leave is good for."""

from __future__ import annotations

from datetime import UTC, datetime

from headwater.apis.sync.v1alpha1.synctarget import ALLOW_DELETIONS_ANNOTATION
from headwater.base.clock import ManualClock
from headwater.machinery.conditions import get_condition
from headwater.machinery.objects import Object
from headwater.syncer.spec.brake import BrakeSettings, DeletionBrake
from headwater.syncer.target.deletions import SETTLE_SECONDS, HeldDeletions
from headwater.telemetry.metrics import Registry

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def shown(held: HeldDeletions, target: Object) -> str:
    """The reason of the condition that is shown; "" for a condition that is True."""
    held.report(target, NOW)
    condition = get_condition(target, "DeletionsAllowed") or {}
    return str(condition.get("reason", ""))


def test_a_leave_is_used_once() -> None:
    """What is held next, before the control plane has taken the leave away, may have quite another reason."""
    clock = ManualClock()
    brake = DeletionBrake(BrakeSettings(), clock, registry=Registry(), again=lambda _: None)
    held = HeldDeletions(brake, clock)
    target: Object = {"metadata": {"name": "west"}}
    held.follow(target)
    held.synced()
    clock.advance(SETTLE_SECONDS)
    brake.hold("they are many")
    assert shown(held, target) == "DeletionsHeld"
    target["metadata"]["annotations"] = {ALLOW_DELETIONS_ANNOTATION: "true"}
    held.follow(target)
    assert not brake.held

    brake.hold("it is older", behind=True)
    held.follow(target)
    assert brake.held
    assert not held.release_waits(target)
    assert shown(held, target) == "", "so that the control plane takes the leave away"
    del target["metadata"]["annotations"]
    held.follow(target)
    assert shown(held, target) == "ControlPlaneBehind"

    target["metadata"]["annotations"] = {ALLOW_DELETIONS_ANNOTATION: "true"}
    assert held.release_waits(target)
    held.follow(target)
    assert not brake.held
    assert brake.trusts
