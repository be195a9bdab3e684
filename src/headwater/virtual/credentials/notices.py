"""Events on a SyncTarget about its credentials, at a bounded rate."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from headwater.base.clock import Clock
from headwater.client.dynamic import ClusterClient
from headwater.controller.events import EventWriter, Notice
from headwater.machinery.objects import Object, cluster_name, uid

_COMPONENT: Final = "syncer-credentials"
_QUIET_SECONDS: Final = 10.0
_MAX_REMEMBERED: Final = 4096


class CredentialNotices:
    """Writes an Event for the same reason on the same SyncTarget at most every ten seconds.

    Whoever holds a used token can ask as often as they like, and must not fill the store by it.
    """

    def __init__(self, cluster_client: ClusterClient, clock: Clock) -> None:
        self._writer = EventWriter(lambda obj: cluster_client.cluster(cluster_name(obj)), clock=clock)
        self._clock = clock
        self._told: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def tell(self, sync_target: Object, reason: str, message: str, *, warning: bool) -> None:
        """Write one, unless that was just done."""
        key, now = (uid(sync_target), reason), self._clock.monotonic()
        if self._told.get(key, 0.0) > now:
            return
        self._told[key] = now + _QUIET_SECONDS
        self._told.move_to_end(key)
        if len(self._told) > _MAX_REMEMBERED:
            self._told.popitem(last=False)
        await self._writer.write(Notice(sync_target, reason, message, warning), _COMPONENT)
