"""Lets the copies of informers rest, so that what nobody uses takes little memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Final

from headwater.base.clock import Clock
from headwater.base.slices import in_slices
from headwater.client.informer.informer import Informer

REST_SECONDS: Final = 1.0


async def rest(informers: Callable[[], Iterable[Informer]], clock: Clock) -> None:
    """Until cancelled, let objects rest that were not used for one or two times REST_SECONDS."""
    while True:
        await clock.sleep(REST_SECONDS)
        await in_slices(chain.from_iterable(informer.rest() for informer in tuple(informers())), clock)
