"""TCP probes: a connection that may be silent for long finds out within a minute that the other side is gone."""

from __future__ import annotations

import socket
from typing import Any, Final

_PROBES: Final = {
    getattr(socket, option): value
    for option, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))
    if hasattr(socket, option)
}
_AddressInfo = tuple[Any, Any, int, str, Any]


def probed_socket(address: _AddressInfo) -> socket.socket:
    """A new socket with probes on."""
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    probe(made)
    return made


def probe(connection: socket.socket) -> None:
    """Switch probes on."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _PROBES.items():
        connection.setsockopt(socket.IPPROTO_TCP, option, value)
