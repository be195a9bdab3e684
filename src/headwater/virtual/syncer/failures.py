"""Events about objects that a sync target's pcluster refuses, made from what its syncer writes on them.

The syncer writes no Events itself: what it can say is about an object that is placed on it, in that object's namespace.
"""

from __future__ import annotations

from typing import Final

from headwater.apis.workload.failures import failure_of
from headwater.base.clock import Clock
from headwater.client.dynamic import ClusterClient
from headwater.controller.events import EventWriter, Notice
from headwater.machinery.objects import Object, cluster_name
from headwater.virtual.synctarget.target import TargetRequest

REASON_FAILED: Final = "SyncFailed"
REASON_SYNCED: Final = "Synced"
COMPONENT: Final = "syncer"


def failure_notice(before: Object, stored: Object, key: str, target_name: str) -> Notice | None:
    """What to tell about a write: that the pcluster refuses the object, in new words, or takes it again (pure)."""
    was, now = failure_of(before, key), failure_of(stored, key)
    if was == now:
        return None
    if now is None:
        return Notice(stored, REASON_SYNCED, f"SyncTarget {target_name} takes it again")
    return Notice(stored, REASON_FAILED, f"SyncTarget {target_name} refuses it: {now}", warning=True)


class FailureEvents:
    """Writes the Events in the workspaces of the objects."""

    def __init__(self, cluster_client: ClusterClient, clock: Clock) -> None:
        self._cluster_client = cluster_client
        self._clock = clock

    async def tell(self, request: TargetRequest, before: Object, stored: Object) -> None:
        """Tell of what a syncer's write of an object changed; nothing depends on that it can be told."""
        notice = failure_notice(before, stored, request.key, request.name)
        if notice is not None:
            client = self._cluster_client.cluster(cluster_name(stored) or request.request_cluster)
            await EventWriter(lambda _: client, clock=self._clock).write(notice, COMPONENT)
