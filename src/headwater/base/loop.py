"""The entry into asyncio: uvloop where it is installed, the standard loop elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


def run(main_coro: Coroutine[Any, Any, _T], *, debug: bool = False) -> _T:
    """Run a program's main coroutine to its end, and return its result."""
    with asyncio.Runner(loop_factory=_loop_factory(), debug=debug) as runner:
        return runner.run(main_coro)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop  # type: ignore[no-any-return, unused-ignore]
