"""The ledger: sums of what is requested, and columns only for what targets name."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from headwater.scheduling.arrays import UNLIMITED, room
from headwater.scheduling.ledger import Ledger
from headwater.scheduling.model import Target

GPU = "example.com/gpu"


def target(key: str, allocatable: Mapping[str, int] | None) -> Target:
    return Target(key=key, cluster="c", name=key, allocatable=allocatable)


def rooms(ledger: Ledger, targets: list[Target], request: Mapping[str, int]) -> list[int]:
    """The room on each target, which arrays and single look-ups agree about."""
    shape = ledger.shape(request)
    free, _ = ledger.arrays(targets)
    found = [int(each) for each in room(free[:, shape.columns], shape.amounts)]
    assert found == [ledger.room(each.key, shape) for each in targets]
    return found


def test_names_that_only_workloads_use_take_no_columns() -> None:
    """However many there are; a device that no target names fits only where capacity is not reported."""
    targets = [target("counted", {"cpu": 1000}), target("open", None)]
    ledger = Ledger()
    for each in targets:
        ledger.limit(each)
    for number in range(100):
        asked = {"cpu": 1, f"requests.number{number}": 1, **{f"example.com/{number}-{part}": 1 for part in range(50)}}
        assert rooms(ledger, targets, asked) == [0, UNLIMITED]
        assert rooms(ledger, targets, {"cpu": 100, f"requests.number{number}": 1}) == [10, UNLIMITED]
    assert ledger.arrays(targets)[0].shape == (2, 2)


def test_what_was_placed_before_a_resource_was_named_counts() -> None:
    """The sums are kept of everything, so a limit that comes later finds them; without it the column goes again."""
    ledger = Ledger()
    before, after = target("a", None), target("a", {"cpu": 1000, GPU: 4})
    ledger.limit(before)
    ledger.add("a", ledger.shape({"cpu": 100, GPU: 1}), 3)
    assert rooms(ledger, [before], {GPU: 1}) == [UNLIMITED]
    ledger.limit(after)
    assert rooms(ledger, [after], {GPU: 1}) == [1]
    assert ledger.free("a") == {"cpu": 700, GPU: 1}
    assert ledger.fork().free("a") == ledger.free("a")
    ledger.limit(target("a", {"cpu": 1000}))
    assert ledger.free("a") == {"cpu": 700, GPU: -3}
    assert ledger.arrays([after])[0].shape == (1, 2)
    ledger.add("a", ledger.shape({"cpu": 100, GPU: 1}), -3)
    assert ledger.used("a") == {}


@pytest.mark.parametrize("amount", [1, UNLIMITED, 2**70])
def test_amounts_beyond_what_arrays_hold(amount: int) -> None:
    """They are cut off there, and the sums stay exact."""
    ledger = Ledger()
    here = target("a", {"memory": 10})
    ledger.limit(here)
    ledger.add("a", ledger.shape({"memory": amount}), 3)
    assert ledger.used("a") == {"memory": 3 * amount}
    assert rooms(ledger, [here], {"memory": amount}) == [7 if amount == 1 else 0]
