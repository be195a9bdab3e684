"""Long work is cut into slices with pauses between them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from headwater.base.clock import ManualClock
from headwater.base.slices import in_slices


class PausesCounted(ManualClock):
    """A clock that only counts how often it was slept on."""

    pauses = 0

    async def sleep(self, seconds: float) -> None:
        self.pauses += 1


@pytest.mark.parametrize(("steps", "pauses"), [(0, 0), (63, 0), (64, 1), (200, 3)])
async def test_a_pause_follows_each_full_slice(steps: int, pauses: int) -> None:
    """All steps are taken, 64 at a time."""
    clock = PausesCounted()
    taken: list[int] = []

    def work() -> Iterator[None]:
        for number in range(steps):
            taken.append(number)
            yield

    await in_slices(work(), clock)

    assert taken == list(range(steps))
    assert clock.pauses == pauses
