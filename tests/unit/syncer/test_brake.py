"""The brake on deletions."""

from __future__ import annotations

from dataclasses import dataclass, field

from headwater.base.clock import ManualClock
from headwater.syncer.spec.brake import UNMARKED_COUNT, BrakeSettings, DeletionBrake
from headwater.telemetry.metrics import Registry

SETTINGS = BrakeSettings(share=0.5, count=20, window_seconds=600)


@dataclass
class Scene:
    """A brake, its clock, and what it asked for."""

    settings: BrakeSettings = SETTINGS
    clock: ManualClock = field(default_factory=ManualClock)
    registry: Registry = field(default_factory=Registry)
    again: list[str | None] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.brake = DeletionBrake(self.settings, self.clock, registry=self.registry, again=self.again.append)
        self.brake.changed = lambda: self.changes.append(self.brake.held)

    def delete(self, count: int, *, copies: int, marked: bool = True, prefix: str = "item") -> int:
        """How many of so many are let through."""
        return sum(
            self.brake.allows(f"{prefix}-{number}", copies=copies - number, marked=marked) for number in range(count)
        )


def test_a_few_deletions_pass_and_many_are_held_until_a_person_decides() -> None:
    scene = Scene()
    assert scene.delete(30, copies=30) == 20
    assert "20 of 30 objects" in scene.brake.held
    assert scene.changes == [scene.brake.held]
    scene.brake.release()
    assert sorted(map(str, scene.again)) == [f"item-{number}" for number in range(20, 30)]
    assert not scene.brake.held
    assert scene.delete(30, copies=30) == 30, "what waited may go, and what has gone is not counted twice"


def test_a_release_counts_once() -> None:
    """What comes after the release is counted anew, and held in its turn."""
    scene = Scene()
    scene.delete(30, copies=30)
    scene.brake.release()
    assert scene.delete(30, copies=30, prefix="later") == 20
    assert scene.brake.held


def test_large_pclusters_have_a_larger_share() -> None:
    assert Scene().delete(900, copies=1000) == 500


def test_what_is_held_stops_everything() -> None:
    """Marked deletions as well, once too many objects have vanished without a mark."""
    scene = Scene()
    assert scene.delete(30, copies=30, marked=False) == UNMARKED_COUNT
    assert not scene.brake.allows("marked", copies=20, marked=True)


def test_absence_has_a_smaller_share() -> None:
    assert Scene().delete(900, copies=1000, marked=False) == 100


def test_slow_deletions_never_add_up() -> None:
    scene = Scene()
    for number in range(100):
        assert scene.brake.allows(str(number), copies=1, marked=True)
        scene.clock.advance(SETTINGS.window_seconds / 19)


def test_a_drain_is_asked_for() -> None:
    """Marks on a target that is being drained pass; absences still don't."""
    scene = Scene()
    scene.brake.drained = True
    assert scene.delete(200, copies=200) == 200
    assert scene.delete(200, copies=200, marked=False) < 200


def test_short_lived_objects_come_and_go() -> None:
    scene = Scene()
    for number in range(100):
        scene.brake.made(f"item-{number}")
    assert scene.delete(100, copies=100) == 100
    for number in range(100):
        scene.brake.made(f"old-{number}")
    scene.clock.advance(SETTINGS.window_seconds + 1)
    assert scene.delete(100, copies=100, prefix="old") == 50


def test_a_control_plane_that_went_back_is_trusted_only_after_a_person_said_so() -> None:
    scene = Scene()
    scene.brake.hold("it is older", behind=True)
    assert not scene.brake.allows("item", copies=100, marked=True)
    assert not scene.brake.trusts
    scene.brake.release()
    assert scene.brake.trusts
    assert scene.again == ["item", None], "everything is looked at anew"


def test_metrics_say_what_is_held() -> None:
    scene = Scene()
    scene.delete(30, copies=30)
    text = scene.registry.render().decode()
    assert "syncer_deletions_held 10.0" in text
    assert "syncer_deletion_brake 1.0" in text
    assert 'syncer_deletions_total{sign="mark"} 20.0' in text


def test_that_the_control_plane_went_back_is_said_also_while_deletions_are_held() -> None:
    """Else a person would allow some deletions, not knowing why there are so many, and have to do so again at once."""
    scene = Scene()
    scene.delete(30, copies=30)
    scene.brake.hold("it is older", behind=True)
    assert (scene.brake.held, scene.brake.behind) == ("it is older", True)
    assert scene.changes[-1] == "it is older"
    scene.brake.hold("others are many", behind=False)
    scene.brake.hold("it is older again", behind=True)
    assert scene.brake.held == "it is older"
    scene.brake.release()
    assert scene.brake.trusts
