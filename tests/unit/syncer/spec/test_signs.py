"""What is said of a control plane that went back, and when it counts no longer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.unit.syncer.spec.test_model import HOME, MAPS, World
from tests.unit.syncer.spec.twosides import Key

from headwater.machinery.objects import Object, deep_copy
from headwater.syncer.upstream import ControlPlaneBehind, Upstream


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A ConfigMap and its copy."""
    world = World()
    await world.play("put", "a")
    await world.settle()
    yield world
    await world.stop()


async def test_a_leave_is_not_taken_back_by_who_asked_before_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many ask at the same time, and a person's leave may come before the last answer."""

    async def leave_comes_first(*_: object, **__: object) -> bool:
        monkeypatch.undo()
        world.brake.hold("it is older", behind=True)
        world.brake.release()
        raise ControlPlaneBehind

    monkeypatch.setattr(Upstream, "confirm_absent", leave_comes_first)
    await world.play("vanish", "a")
    await world.settle()
    assert not world.brake.held
    assert (MAPS, HOME.name, "a") not in world.below.objects


async def test_a_leave_is_not_taken_back_by_a_mark_either(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The object as it is on a control plane that went back is older than its copy."""
    serve = world.above._serve

    def leave_comes_first(method: str, key: tuple[str, str, str], *rest: object) -> object:
        if method == "GET" and key[2] == "a":
            world.brake.hold("it is older", behind=True)
            world.brake.release()
        return serve(method, key, *rest)

    monkeypatch.setattr(world.above, "_serve", leave_comes_first)
    world.above.revision = 5
    await world.play("mark", "a")
    world.trouble("expire", "above", MAPS)
    await world.settle()
    assert not world.brake.held


async def test_what_is_another_at_the_same_revision_comes_down(world: World) -> None:
    """A control plane that went back counts to a revision a second time."""
    other = deep_copy(world.above.objects[MAPS, "web", "a"])
    world.above.objects[MAPS, "web", "a"] = {**other, "data": {"at": "another time"}}
    world.went_back()
    await world.settle()
    world.check()


async def test_a_namespace_is_held_as_what_is_in_it(world: World) -> None:
    """What the syncer has not put there itself goes with it, and may be all that is left of a tenant's data."""
    await world.play("mark", "a")
    await world.settle()
    home = ("namespaces", "", HOME.name)
    assert home in world.below.objects
    world.brake.hold("it is older", behind=True)
    await world.play("unplace", "")
    await world.settle()
    assert home in world.below.objects
    world.brake.release()
    await world.settle()
    assert home not in world.below.objects


async def test_nobody_is_asked_while_all_is_held(world: World) -> None:
    """A restored control plane, which may lack thousands of objects, has enough to do."""
    asked = list[str]()
    serve = world.above._serve

    def counted(method: str, key: Key, content_type: str, body: Object | list[Object]) -> Object:
        if method == "GET" and key[2] == "a":
            asked.append(key[2])
        return serve(method, key, content_type, body)

    world.above._serve = counted  # type: ignore[method-assign]
    world.brake.hold("it is older", behind=True)
    await world.play("vanish", "a")
    await world.settle()
    assert not asked
    world.brake.release()
    await world.settle()
    assert asked
    world.check()


async def test_a_leave_for_many_is_none_for_a_control_plane_that_went_back(world: World) -> None:
    """Which is found only when the deletions are about to go on."""
    world.brake.hold("they are many")
    await world.play("vanish", "a")
    await world.settle()
    world.above.revision = 5
    world.brake.release()
    await world.settle()
    assert world.brake.behind
    assert (MAPS, HOME.name, "a") in world.below.objects
    world.brake.release()
    await world.settle()
    assert (MAPS, HOME.name, "a") not in world.below.objects


async def test_a_heartbeat_that_shows_it_late_takes_no_leave_back(world: World) -> None:
    """Copies had shown it before, and a person accepted it; a later one would show that it went back again."""
    taken = world.clock.monotonic()
    world.clock.advance(1)
    world.brake.hold("it is older", behind=True)
    world.brake.release()
    world.went_back(since=taken)
    assert not world.brake.held
    world.clock.advance(1)
    world.went_back(since=world.clock.monotonic())
    assert world.brake.held
