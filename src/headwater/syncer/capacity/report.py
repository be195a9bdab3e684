"""Follows nodes and pods of the pcluster, and says which fields of the SyncTarget's status have to change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from headwater.base.clock import Clock
from headwater.base.tasks import TaskGroup
from headwater.client.answers import UnexpectedAnswer
from headwater.client.dynamic import Client
from headwater.client.informer import Informer, Transform
from headwater.client.informer.resting import rest
from headwater.client.interface import TransportError
from headwater.machinery.amounts import quantities
from headwater.machinery.errors import NotFound, StatusError
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, name
from headwater.patch.mergepatch import create_merge_patch
from headwater.syncer.capacity.outline import POD_SELECTOR, node_outline, pod_outline
from headwater.syncer.capacity.tally import Tally
from headwater.syncer.target.rights import lacking_verbs
from headwater.telemetry.logging import get_logger

NODES: Final = GroupVersionResource("", "v1", "nodes")
PODS: Final = GroupVersionResource("", "v1", "pods")
_FOLLOWED: Final = ("list", "watch")
_FIELDS: Final = ("capacity", "allocatable")
_RECHECK_SECONDS: Final = 60.0
_RETRY_SECONDS: Final = 5.0

log = get_logger("syncer.capacity")


class CapacityReport:
    """What the status should say of the pcluster's capacity, as long as we have the right to know it.

    ``is_ours`` tells the namespaces of placed workloads, whose pods the control plane counts itself, and is right once
    ``ready`` is true. Without the rights, without nodes in the API, or when ``enabled`` is false, the status says
    nothing.
    """

    def __init__(
        self,
        downstream: Client,
        *,
        is_ours: Callable[[str], bool],
        ready: Callable[[], bool],
        clock: Clock,
        enabled: bool = True,
    ) -> None:
        self._downstream = downstream
        self._is_ours = is_ours
        self._ready = ready
        self._clock = clock
        self._enabled = enabled
        self._withdrawn = not enabled
        self._follower: _Follower | None = None
        self._lacking = ""

    def changes(self, status: Mapping[str, Any]) -> Object:
        """A merge patch for a status to make it say what is known now; empty when it does, or nothing is known yet."""
        shown = {field: status[field] for field in _FIELDS if status.get(field) is not None}
        if self._withdrawn:
            return create_merge_patch(shown, {})
        if self._follower is None or not self.settled:
            return {}
        known = self._follower.tally.capacity()
        wanted = {"capacity": quantities(known.total), "allocatable": quantities(known.allocatable)}
        return create_merge_patch(shown, wanted)

    @property
    def settled(self) -> bool:
        """Whether it is known what there is to say, be it nothing."""
        return self._withdrawn or (self._follower is not None and self._follower.has_synced and self._ready())

    def namespace_changed(self, space: str) -> None:
        """A namespace may have become ours, or ours no longer."""
        if self._follower is not None:
            self._follower.tally.revisit(space)

    async def run(self) -> None:
        """Follow nodes and pods while we may, until cancelled."""
        while self._enabled:
            if await self._may_follow():
                await self._follow()
            else:
                await self._clock.sleep(_RECHECK_SECONDS if self._withdrawn else _RETRY_SECONDS)

    async def _follow(self) -> None:
        """Keep informers running until we may not any more."""
        self._follower = _Follower(self._downstream, is_ours=self._is_ours, clock=self._clock)
        async with TaskGroup("capacity") as group:
            self._follower.start(group)
            while not self._withdrawn:
                await self._clock.sleep(_RECHECK_SECONDS)
                await self._may_follow()
            group.cancel()
        self._follower = None

    async def _may_follow(self) -> bool:
        """Ask what is served, and for our rights. When the pcluster gives no answer everything stays as it was."""
        try:
            unserved = await self._unserved()
            rights = await lacking_verbs(self._downstream, (NODES, PODS), _FOLLOWED)
        except (StatusError, TransportError, UnexpectedAnswer, TimeoutError) as error:
            log.debug("can't ask for rights on nodes and pods", error=str(error))
            return False
        refused = [f"{', '.join(verbs)} {gvr.resource}" for gvr, verbs in rights.items() if verbs]
        lacking = "; ".join([*unserved, *refused])
        if lacking != self._lacking:
            if lacking:
                log.warning("not reporting capacity, as the pcluster does not serve it or allow it", lacking=lacking)
            else:
                log.info("reporting capacity")
        self._lacking, self._withdrawn = lacking, bool(lacking)
        return not lacking

    async def _unserved(self) -> list[str]:
        """Which of nodes and pods the API server doesn't have. Raises StatusError and TransportError."""
        try:
            entries = (await self._downstream.get_json("/api/v1")).get("resources") or ()
        except NotFound:
            entries = ()
        served = {entry["name"] for entry in entries}
        return [gvr.resource for gvr in (NODES, PODS) if gvr.resource not in served]


class _Follower:
    """Informers of nodes and pods that keep a tally."""

    def __init__(self, downstream: Client, *, is_ours: Callable[[str], bool], clock: Clock) -> None:
        self._downstream = downstream
        self._clock = clock
        self.tally = Tally(is_ours)
        self._nodes = self._informer(NODES, node_outline)
        self._pods = self._informer(PODS, pod_outline, POD_SELECTOR)
        self._nodes.add_handler(self._on_node)
        self._pods.add_handler(self._on_pod)

    def start(self, group: TaskGroup) -> None:
        """Run the informers in a group."""
        for informer in (self._nodes, self._pods):
            group.start(informer.run(), name=informer.name)
        group.start(rest(lambda: (self._nodes, self._pods), self._clock), name="resting")

    @property
    def has_synced(self) -> bool:
        """Whether all nodes and pods were listed."""
        return self._nodes.has_synced and self._pods.has_synced

    def _informer(self, gvr: GroupVersionResource, transform: Transform, field_selector: str = "") -> Informer:
        return Informer(
            self._downstream.resource(gvr),
            name=f"downstream {gvr.resource}",
            clustered=False,
            field_selector=field_selector,
            transform=transform,
            clock=self._clock,
        )

    def _on_node(self, _kind: str, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self.tally.put_node(new)
        elif old is not None:
            self.tally.drop_node(name(old))

    def _on_pod(self, _kind: str, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self.tally.put_pod(self._pods.key_of(new), new)
        elif old is not None:
            self.tally.drop_pod(self._pods.key_of(old))
