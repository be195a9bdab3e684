"""The brake on deletions by absence."""

from __future__ import annotations

from headwater.base.clock import ManualClock
from headwater.syncer.spec.guard import WINDOW_SECONDS, AbsenceGuard


def test_a_few_deletions_pass_and_many_are_held_until_a_person_decides() -> None:
    """Ten, or a tenth of all copies, within ten minutes; what was held is looked at again after the release."""
    again: list[str] = []
    changes: list[str] = []
    guard = AbsenceGuard(ManualClock(), again=again.append)
    guard.changed = lambda: changes.append(guard.held)
    answers = [guard.allows(f"item-{number}", copies=50) for number in range(13)]
    assert answers == [True] * 10 + [False] * 3
    assert "10 objects were deleted" in guard.held
    assert changes == [guard.held]
    guard.set_released(released=False)
    assert guard.held
    guard.set_released(released=True)
    assert sorted(again) == ["item-10", "item-11", "item-12"]
    assert all(guard.allows(f"item-{number}", copies=50) for number in range(100))


def test_large_pclusters_have_a_larger_share() -> None:
    guard = AbsenceGuard(ManualClock(), again=lambda item: None)
    assert sum(guard.allows(str(number), copies=1000) for number in range(300)) == 100


def test_slow_deletions_never_add_up() -> None:
    clock = ManualClock()
    guard = AbsenceGuard(clock, again=lambda item: None)
    for number in range(100):
        assert guard.allows(str(number), copies=1)
        clock.advance(WINDOW_SECONDS / 9)
