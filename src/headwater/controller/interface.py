"""What a controller's reconcile function answers with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The end of a pass that worked. With ``requeue_after_seconds`` the key comes again by itself."""

    requeue_after_seconds: float | None = None


class Terminal(Exception):
    """Trying again is of no use before something changes; logged once, not retried."""


Reconcile = Callable[[str], Awaitable[Result | None]]
"""Brings one key to its wanted state. Any error but Terminal has the key tried again, later and later."""
