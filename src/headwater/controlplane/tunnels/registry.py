"""The tunnels that are open here, by sync target key."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from headwater.tunnel.session import Session, TooManyStreams
from headwater.tunnel.stream import Stream

MAX_TUNNELS: Final = 4096
MAX_TUNNELS_PER_TARGET: Final = 4
MAX_STREAMS_PER_CLUSTER: Final = 64
"""Of one tunnel, so that a workspace can't take all of it from the others on that pcluster."""


class NoTunnel(Exception):
    """Nothing leads to the pcluster now."""


class TooManyTunnels(Exception):
    """No more tunnels can be open."""


@dataclass(eq=False, slots=True)
class Tunnel:
    """An open tunnel, and how many streams each logical cluster has on it."""

    key: str
    session: Session
    streams: Counter[str] = field(default_factory=Counter)


class TunnelRegistry:
    """Of several tunnels of a target the newest live one is used: a lost connection may take a while to be noticed."""

    def __init__(self) -> None:
        self._by_key: OrderedDict[str, list[Tunnel]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, key: str, session: Session) -> Callable[[], None]:
        """Use a session; answers what takes it out again. Raises TooManyTunnels.

        With too many for one target its oldest is ended.
        """
        if self._count >= MAX_TUNNELS:
            raise TooManyTunnels("too many tunnels are open")
        tunnel = Tunnel(key, session)
        mine = self._by_key.setdefault(key, [])
        mine.append(tunnel)
        self._count += 1
        if len(mine) > MAX_TUNNELS_PER_TARGET:
            mine[0].session.end("another tunnel took its place")
        return lambda: self._remove(tunnel)

    def open(self, key: str, cluster: str, head: bytes) -> tuple[Stream, Callable[[], None]]:
        """A stream for a logical cluster on the target's tunnel, and what has to be called at its end.

        Raises NoTunnel, TooManyStreams, ChannelBroken.
        """
        alive = [tunnel for tunnel in self._by_key.get(key, ()) if tunnel.session.alive]
        if not alive:
            raise NoTunnel(key)
        tunnel = alive[-1]
        if tunnel.streams[cluster] >= MAX_STREAMS_PER_CLUSTER:
            raise TooManyStreams(f"the workspace has {MAX_STREAMS_PER_CLUSTER} streams open")
        stream = tunnel.session.open(head)
        tunnel.streams[cluster] += 1

        def release() -> None:
            stream.close()
            tunnel.streams[cluster] -= 1
            if not tunnel.streams[cluster]:
                del tunnel.streams[cluster]

        return stream, release

    def _remove(self, tunnel: Tunnel) -> None:
        mine = self._by_key[tunnel.key]
        mine.remove(tunnel)
        self._count -= 1
        if not mine:
            del self._by_key[tunnel.key]
