"""How often Python looks for garbage that is made of cycles."""

from __future__ import annotations

import gc
from typing import Final

_THRESHOLDS: Final = (100_000, 50, 100)


def expect_many_objects() -> None:
    """Have the collector look rarely, and never at what is there by now; for a program that comes to its work.

    Objects held in caches are many and have no cycles: looking through them all the time takes a sixth of the
    processor time of a program that is nothing but caches of objects and requests for them.
    """
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
