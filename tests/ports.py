"""Ports for servers that have to listen on the same one again after a restart."""

from __future__ import annotations

import random
import socket

# Below the range from which Linux takes the ports of outgoing connections (32768 and up): while a server is away,
# no connection of another test, or of anything else on the machine, can take its port.
_LOWEST, _HIGHEST = 20_000, 32_000
_CHOICE = random.SystemRandom()


def free_ports(count: int) -> int:
    """The first of `count` neighbouring TCP ports of the loopback interface that nobody uses."""
    for _ in range(100):
        first = _CHOICE.randrange(_LOWEST, _HIGHEST - count)
        if all(_is_free(port) for port in range(first, first + count)):
            return first
    raise AssertionError(f"no {count} free ports between {_LOWEST} and {_HIGHEST}")


def free_port() -> int:
    """A TCP port of the loopback interface that nobody uses."""
    return free_ports(1)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
