"""Programs of many objects have them looked through rarely."""

from __future__ import annotations

import gc

from headwater.base.collector import expect_many_objects


def test_the_collector_looks_rarely_and_at_new_objects_only() -> None:
    """What is there by now is left alone; garbage that is made of cycles still goes."""
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)  # Python's own, whatever ran before.
    try:
        expect_many_objects()
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold()[0] > 700
        cycle: list[object] = []
        cycle.append(cycle)
        del cycle
        assert gc.collect() > 0
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
