"""What one client may use of the server, and the phases between which a connection is timed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one connection, and of how many there are. Seconds; looked at every `sweep_interval`."""

    max_connections: int = 8192
    max_body_bytes: int = 3 * 1024 * 1024
    head_timeout: float = 10.0
    body_timeout: float = 20.0
    idle_timeout: float = 120.0
    write_timeout: float = 30.0
    linger_timeout: float = 2.0
    sweep_interval: float = 1.0


class Phase(Enum):
    """What a connection is doing.

    SKIPPING reads over the rest of a body that no handler wanted; LINGERING does so after the last answer, because
    closing with unread input makes the kernel reset the connection, and the peer would lose that answer. UPGRADED has
    left HTTP, and CLOSING sends what such a connection still has to say.
    """

    IDLE = "idle"
    HEAD = "head"
    HANDLING = "handling"
    STREAMING = "streaming"
    SKIPPING = "skipping"
    LINGERING = "lingering"
    UPGRADED = "upgraded"
    CLOSING = "closing"
