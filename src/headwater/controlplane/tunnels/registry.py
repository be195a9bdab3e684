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
    """An open tunnel of a SyncTarget of the logical cluster `home`, and how many streams each logical cluster has."""

    key: str
    session: Session
    home: str
    streams: Counter[str] = field(default_factory=Counter)


class TunnelRegistry:
    """Of several tunnels of a target the newest live one is used: a lost connection may take a while to be noticed.

    When there are too many, the logical cluster that has the most makes room for one that has fewer.
    """

    def __init__(self, *, limit: int = MAX_TUNNELS) -> None:
        self._by_key: OrderedDict[str, list[Tunnel]] = OrderedDict()
        self._homes: Counter[str] = Counter()
        self._limit = limit
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def is_full_for(self, home: str) -> bool:
        """Whether a logical cluster gets no more tunnels now."""
        return self._count >= self._limit and self._homes[home] + 1 >= max(self._homes.values())

    def add(self, key: str, session: Session, home: str) -> Callable[[], None]:
        """Use a session; answers what takes it out again. Raises TooManyTunnels.

        With too many for one target its oldest is ended.
        """
        if self.is_full_for(home):
            raise TooManyTunnels("too many tunnels are open")
        if self._count >= self._limit:
            self._make_room()
        tunnel = Tunnel(key, session, home)
        mine = self._by_key.setdefault(key, [])
        mine.append(tunnel)
        self._homes[home] += 1
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

    def _make_room(self) -> None:
        [(greatest, _)] = self._homes.most_common(1)
        for tunnels in self._by_key.values():
            for tunnel in tunnels:
                if tunnel.home == greatest and tunnel.session.alive:
                    tunnel.session.end("too many tunnels are open, and this workspace has the most")
                    return

    def _remove(self, tunnel: Tunnel) -> None:
        mine = self._by_key[tunnel.key]
        mine.remove(tunnel)
        self._homes[tunnel.home] -= 1
        if not self._homes[tunnel.home]:
            del self._homes[tunnel.home]
        self._count -= 1
        if not mine:
            del self._by_key[tunnel.key]
