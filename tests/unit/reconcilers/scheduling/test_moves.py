"""The pace of moves, and their record."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headwater.apis.workload.labels import HISTORY_ANNOTATION
from headwater.base.clock import ManualClock
from headwater.reconcilers.scheduling.resource.history import MAX_MOVES, moves_of, with_move
from headwater.reconcilers.scheduling.resource.moves import MoveLimiter, MoveLimits


def test_moves_begin_at_a_steady_pace() -> None:
    """A burst at first, then as many as the rate allows; quiet times don't pile up more than a burst."""
    clock = ManualClock()
    limiter = MoveLimiter(MoveLimits(rate=2.0, burst=3), clock=clock)
    assert [limiter.seconds_to_wait() for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    clock.advance(0.5)
    assert limiter.seconds_to_wait() == 0.0
    assert limiter.seconds_to_wait() == pytest.approx(0.5)
    clock.advance(3600)
    assert sum(limiter.seconds_to_wait() == 0.0 for _ in range(10)) == 3


def noted(text: str) -> dict[str, Any]:
    return {"metadata": {"annotations": {HISTORY_ANNOTATION: text}}}


def test_the_last_moves_are_kept() -> None:
    """The newest last, and never more than eight."""
    obj: dict[str, Any] = {"metadata": {}}
    for number in range(MAX_MOVES + 3):
        obj = noted(with_move(obj, [f"t{number}"], "because", "2026-01-01T00:00:00Z"))
    moves = moves_of(obj)
    assert [move["targets"] for move in moves] == [[f"t{number}"] for number in range(3, MAX_MOVES + 3)]


def test_a_move_is_bounded() -> None:
    """However many targets, and however long the cause."""
    move = json.loads(with_move({}, [f"t{number}" for number in range(64)], "x" * 5000, "now"))[0]
    assert (len(move["targets"]), move["targets"][-1], len(move["cause"])) == (17, "...", 256)


@pytest.mark.parametrize("text", ["", "{", "{}", "3", '["x"]'])
def test_a_record_that_cannot_be_read_is_begun_anew(text: str) -> None:
    """The annotation is text that a person could have damaged."""
    assert moves_of(noted(text)) == []
    assert len(moves_of(noted(with_move(noted(text), ["a"], "b", "c")))) == 1
