"""Random interleavings of changes and faults on both sides: all ends as it is wanted, and nothing goes unasked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.syncer.spec.twosides import Server, View

from headwater.apis.workload.labels import CLUSTER_LABEL, LOCATOR_ANNOTATION, TENANT_LABEL, WORKSPACE_URL_ANNOTATION
from headwater.base.clock import ManualClock
from headwater.base.tasks import TaskGroup
from headwater.client.dynamic import ClusterClient
from headwater.machinery.gvk import GroupResource, GroupVersionResource
from headwater.machinery.objects import Object, annotations, deep_copy, finalizers, name
from headwater.syncer.agent import Agent
from headwater.syncer.identity import TargetIdentity
from headwater.syncer.mutate.body import REVISION_ANNOTATION
from headwater.syncer.options import SyncerOptions
from headwater.syncer.routing import RoutedParts
from headwater.syncer.spec.brake import DeletionBrake

IDENTITY: Final = TargetIdentity(cluster="home", name="east", uid="u")
HOME: Final = IDENTITY.namespace_for("shop", "web")
URL: Final = "https://hub/services/syncer/home/east/u"
RESOURCES: Final[Mapping[GroupResource, GroupVersionResource]] = {
    GroupResource("", each): GroupVersionResource("", "v1", each) for each in ("namespaces", "configmaps")
}
MAPS: Final = "configmaps"
_TURNS: Final = 60
"""Steps of the event loop in which all that can happen without waiting for time, or for a server, has happened."""


class World:
    """A syncer between two servers, and what should come of it."""

    def __init__(self, *, adopted: bool = False) -> None:
        """With ``adopted`` the namespace below is there already, under the name that another SyncTarget gave it."""
        self.above, self.below = View("/services/syncer/home/east/u"), Server("")
        self.clock = ManualClock()
        self.signs: dict[str, int] = {}
        """Name -> resourceVersion above at which it was marked or gone last."""
        self.unasked: list[str] = []
        self.below.deleting = self._check
        self._parts: RoutedParts
        self._task: asyncio.Task[None]
        self._data = 0
        self._offered = RESOURCES
        self._place()
        self.home = "adopted" if adopted else HOME.name
        if adopted:
            marks = {CLUSTER_LABEL: IDENTITY.key, TENANT_LABEL: HOME.tenant}
            meta = {"name": self.home, "labels": marks, "annotations": {LOCATOR_ANNOTATION: HOME.locator}}
            self.below.put("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
        self._start()

    def _place(self) -> None:
        meta = {"name": "web", "annotations": {"kcp.io/cluster": "shop"}}
        self.above.put("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": meta})

    def _start(self) -> None:
        options = SyncerOptions(
            sync_target_name="east", sync_target_uid="u", from_kubeconfig=Path("unused"), report_capacity=False
        )
        agent = Agent(
            options,
            control_plane=ClusterClient(self.above),
            pcluster=ClusterClient(self.below),
            transport_for=lambda _: self.above,
            clock=self.clock,
        )
        parts = self._parts = agent._parts(IDENTITY)
        parts.sync([URL], self._offered)

        controllers = [each.controller for each in (parts.spec, parts.status, parts.cleaner)]

        async def run() -> None:
            async with TaskGroup("syncer") as group:
                for part in (parts.sides.downstream, parts.sides.upstream, *controllers):
                    group.start(part.run())

        self._task = asyncio.create_task(run())

    def sync(self, resources: Mapping[GroupResource, GroupVersionResource]) -> None:
        """Sync these from now on."""
        self._offered = resources
        self._parts.sync([URL], resources)

    @property
    def brake(self) -> DeletionBrake:
        """What holds deletions."""
        return self._parts.spec.brake

    def went_back(self, *, since: float | None = None) -> None:
        """The heartbeat shows that the control plane was restored from an older state, just now or since then."""
        self._parts.control_plane_went_back(self.clock.monotonic() if since is None else since)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _check(self, copy: Object) -> None:
        """A copy may go once its object was marked, or gone, at a time after the state that was applied last."""
        if copy["kind"] == "Namespace":
            self.home = HOME.name
        else:
            applied = int(annotations(copy)[REVISION_ANNOTATION])
            if self.signs.get(name(copy), 0) < applied:
                self.unasked.append(name(copy))

    async def turn(self) -> None:
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    async def play(self, step: str, which: str) -> None:
        key = (MAPS, "web", which)
        known = self.above.objects.get(key)
        match step:
            case "put":
                self._put(which, known)
            case "mark" if known is not None and not finalizers(known):
                self.above.remove(key)  # Nobody holds it, so it simply goes.
                self.signs[which] = self.above.revision
            case "mark" if known is not None:
                marked = deep_copy(known)
                marked["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
                self.above.put(MAPS, marked)
                self.signs[which] = self.above.revision
            case "vanish" | "replace":
                self.above.remove(key)
                self.signs[which] = self.above.revision
                if step == "replace":
                    self._put(which, None)
            case "lose":
                self.below.remove((MAPS, self.home, which))
            case "edit" if (MAPS, self.home, which) in self.below.objects:
                edited = deep_copy(self.below.objects[MAPS, self.home, which])
                self.below.put(MAPS, {**edited, "data": {"by": "hand"}})
            case "report" if (MAPS, self.home, which) in self.below.objects:
                self._data += 1
                self.below.put(MAPS, {**self.below.objects[MAPS, self.home, which], "status": {"at": str(self._data)}})
            case "lose all":
                for each in [each for each in self.below.objects if each[1] == self.home]:
                    self.below.remove(each)
                self.below.remove(("namespaces", "", self.home))
                self.home = HOME.name
            case "place":
                self._place()
            case "unplace":
                self.above.remove(("namespaces", "", "web"))
            case "restart":
                await self.stop()
                self._start()
            case "withdraw":
                self._parts.sync([URL], {each: gvr for each, gvr in RESOURCES.items() if each.resource != MAPS})
            case "offer":
                self._parts.sync([URL], self._offered)
            case "misname":
                elsewhere = replace(IDENTITY, uid="another").locator("shop", "web")
                self._name_home((elsewhere if which == "a" else IDENTITY.locator("shop", "other")).to_json())
            case "name":
                self._name_home(HOME.locator)
            case "wait":
                self.clock.advance(40)

    def _name_home(self, locator: str) -> None:
        """Somebody edits whose the namespace below is; one of another name has a successor at once, so not there."""
        home = self.below.objects.get(("namespaces", "", self.home))
        if home is not None and self.home == HOME.name and annotations(home)[LOCATOR_ANNOTATION] != locator:
            edited = deep_copy(home)
            edited["metadata"]["annotations"][LOCATOR_ANNOTATION] = locator
            self.below.put("namespaces", edited)

    def _put(self, which: str, known: Object | None) -> None:
        if known is not None and "deletionTimestamp" in known["metadata"]:
            return
        self._data += 1
        meta = {
            "name": which,
            "namespace": "web",
            "annotations": {"kcp.io/cluster": "shop", WORKSPACE_URL_ANNOTATION: "https://hub/clusters/shop"},
        }
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"at": str(self._data)}}
        if known is not None and "status" in known:
            body["status"] = known["status"]
        self.above.put(MAPS, {**body, "metadata": {**((known or {}).get("metadata") or {}), **meta}})

    def trouble(self, kind: str, side: str, resource: str) -> None:
        server = self.above if side == "above" else self.below
        match kind:
            case "hold":
                server.trouble.held.add(resource)
            case "let come":
                server.trouble.held.discard(resource)
            case "cut":
                server.trouble.cut.add(resource)
            case "expire":
                server.trouble.expired.add(resource)
            case _:
                server.trouble.requests.append(kind)
        server.wake()

    async def settle(self) -> None:
        """All troubles end; then time passes, until everything that waits has been tried again."""
        for server in (self.above, self.below):
            server.trouble.requests.clear()
            server.trouble.held.clear()
            server.wake()
        await self.play("offer", "")
        await self.play("name", "")
        for _ in range(12):
            await self.turn()
            self.clock.advance(61)
        await self.turn()

    def check(self) -> None:
        assert not self.unasked, "deleted without a sign"
        assert not self._task.done(), "the syncer has died"
        wanted = {each: obj["data"] for (kind, _, each), obj in self.above.objects.items() if kind == MAPS}
        copies = {each: obj["data"] for (kind, _, each), obj in self.below.objects.items() if kind == MAPS}
        assert copies == wanted
        reported = {each: obj["status"] for (kind, _, each), obj in self.below.objects.items() if "status" in obj}
        told = {each: obj.get("status") for (kind, _, each), obj in self.above.objects.items() if each in reported}
        assert told == reported
        marked = [obj for obj in self.above.objects.values() if "deletionTimestamp" in obj["metadata"]]
        assert not marked, "never let go"
        assert len([each for each in self.below.objects if each[0] == "namespaces"]) <= 1


STEPS: Final = (
    "put",
    "put",
    "mark",
    "vanish",
    "replace",
    "lose",
    "edit",
    "report",
    "lose all",
    "place",
    "unplace",
    "restart",
    "withdraw",
    "offer",
    "wait",
    "misname",
    "name",
)
TROUBLES: Final = ("hold", "let come", "cut", "expire", "lost", "unanswered", "busy", "unserved")
Step = tuple[str, ...]
steps = st.one_of(
    st.tuples(st.sampled_from(STEPS), st.sampled_from("ab")),
    st.tuples(st.sampled_from(TROUBLES), st.sampled_from(("above", "below")), st.sampled_from(("namespaces", MAPS))),
    st.just(("turn",)),
)


async def played(story: Sequence[Step], *, adopted: bool) -> None:
    world = World(adopted=adopted)
    try:
        for step in story:
            if len(step) == 3:
                world.trouble(*step)
            elif len(step) == 2:
                await world.play(*step)
            else:
                await world.turn()
        await world.settle()
        world.check()
    finally:
        await world.stop()


LATE_END: Final[list[Step]] = [
    ("put", "a"),
    ("turn",),
    ("hold", "below", MAPS),
    ("lose all", "a"),
    ("turn",),
    ("let come", "below", MAPS),
]
"""A namespace and what is in it are deleted below, and the end of the namespace is heard of first."""
UNSERVED_CLAIM: Final[list[Step]] = [("turn",), ("put", "a"), ("unserved", "above", MAPS), ("turn",)]
"""The view serves the resource, and for a moment it doesn't, and it is then that the syncer claims an object."""
UNSERVED_END: Final[list[Step]] = [
    *(("turn",), ("put", "a"), ("turn",), ("hold", "below", MAPS), ("mark", "a"), ("turn",)),
    *(("unserved", "above", MAPS), ("let come", "below", MAPS), ("turn",)),
]
"""The same, when the syncer lets go of one."""
UNSERVED_REPORT: Final[list[Step]] = [
    *(("turn",), ("put", "a"), ("turn",), ("report", "a"), ("unserved", "above", MAPS), ("turn",)),
]
"""The same, when the syncer reports what became of one."""


UNLISTED: Final[list[Step]] = [("lost", "below", "namespaces"), ("put", "a"), ("turn",), ("wait", "a")]
"""The namespaces below are listed after what is in them."""
LEFT: Final[list[Step]] = [
    *(("put", "a"), ("cut", "above", MAPS), ("turn",), ("lose", "a"), ("unplace", "a")),
]
"""A namespace leaves while its last copy is not there; the object stays, and its copy comes again."""

UNSEEN_END: Final[list[Step]] = [
    *(("put", "a"), ("hold", "below", "namespaces"), ("turn",), ("lose all", "a"), ("expire", "below", "namespaces")),
]
"""A namespace below is deleted before the watch has shown that it was made, and the next list knows nothing of it."""


@given(st.lists(steps, min_size=4, max_size=30), st.booleans())
@example(LATE_END, False)
@example(UNSERVED_CLAIM, False)
@example(UNSERVED_END, False)
@example(UNSERVED_REPORT, False)
@example(UNLISTED, True)
@example(LEFT, False)
@example(UNSEEN_END, False)
def test_all_ends_as_it_is_wanted_and_nothing_is_deleted_unasked(story: list[Step], adopted: bool) -> None:
    asyncio.run(played(story, adopted=adopted))
