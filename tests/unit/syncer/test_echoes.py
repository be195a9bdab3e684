"""Writes that are not repeated until they have come back."""

from __future__ import annotations

import pytest

from headwater.base.clock import ManualClock
from headwater.machinery.objects import Object
from headwater.syncer.spec.echoes import WAIT_SECONDS, Echoes

ITEM = "configmaps w|web/one"


def at(version: str) -> Object:
    return {"metadata": {"resourceVersion": version}}


@pytest.mark.parametrize(
    ("written", "seen", "awaited"),
    [
        pytest.param("10", None, True, id="not seen at all"),
        pytest.param("10", at("9"), True, id="seen as it was before"),
        pytest.param("10", at("10"), False, id="seen as it was written"),
        pytest.param("10", at("11"), False, id="seen as somebody made it later"),
        pytest.param("abc", at("9"), False, id="a version that can't be compared"),
        pytest.param("10", at("abc"), False, id="a seen version that can't be compared"),
    ],
)
def test_a_write_is_awaited_until_it_is_seen(written: str, seen: Object | None, awaited: bool) -> None:
    echoes = Echoes(ManualClock())
    assert not echoes.awaits(ITEM, seen)
    echoes.wrote(ITEM, at(written), "digest")
    assert not echoes.awaits(ITEM, seen, "another")
    assert echoes.awaits(ITEM, seen, "digest") is awaited


def test_once_seen_an_older_state_is_news() -> None:
    """A server that goes back in time shows one."""
    echoes = Echoes(ManualClock())
    echoes.wrote(ITEM, at("10"))
    assert not echoes.awaits(ITEM, at("10"))
    assert not echoes.awaits(ITEM, at("9"))


def test_nothing_is_awaited_for_long_or_after_the_object_went() -> None:
    clock = ManualClock()
    echoes = Echoes(clock)
    echoes.wrote(ITEM, at("10"))
    clock.advance(WAIT_SECONDS)
    assert not echoes.awaits(ITEM, None)
    echoes.wrote(ITEM, at("10"))
    echoes.forget(ITEM)
    assert not echoes.awaits(ITEM, None)


def test_what_is_awaited_is_bounded() -> None:
    echoes = Echoes(ManualClock())
    for number in range(20_000):
        echoes.wrote(str(number), at("10"))
    assert not echoes.awaits("0", None)
    assert echoes.awaits("19999", None)
