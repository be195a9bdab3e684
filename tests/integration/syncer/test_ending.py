"""A copy that is about to be deleted: what it reports must not count for the one that comes in its place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from tests.integration.servers import InProcessServer, eventually

from headwater.apis.workload.labels import CLUSTER_LABEL, LOCATOR_ANNOTATION
from headwater.base.clock import SystemClock
from headwater.base.tasks import TaskGroup
from headwater.client.dynamic import ClusterClient
from headwater.client.resource import ResourceClient
from headwater.controller import Result
from headwater.machinery.gvk import GroupResource, GroupVersionResource
from headwater.machinery.objects import Object
from headwater.syncer.activity import Activity
from headwater.syncer.downstream import Downstream
from headwater.syncer.identity import TargetIdentity, item_of
from headwater.syncer.mutate.body import HASH_ANNOTATION
from headwater.syncer.namespaces.mapping import Namespaces
from headwater.syncer.sides import Sides
from headwater.syncer.spec.delete import DeletionHeld, delete_copy
from headwater.syncer.spec.place import place_of
from headwater.syncer.status import StatusSyncer
from headwater.syncer.traces import SyncTraces
from headwater.syncer.upstream import Upstream
from headwater.telemetry.metrics import Registry
from headwater.telemetry.tracing import OFF

VOLUMES = GroupVersionResource("", "v1", "persistentvolumes")
VOLUME = GroupResource("", "persistentvolumes")
IDENTITY = TargetIdentity(cluster="here", name="east", uid="u")
KEY = "here|disk"


def volume(**meta: object) -> Object:
    spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "disk", **meta}, "spec": spec}


@dataclass
class Pair:
    """An object upstream, its copy downstream, and what reports the status of that."""

    above: ResourceClient
    downstream: Downstream
    status: StatusSyncer

    async def report(self) -> Result | None:
        return await self.status.reconcile(item_of(VOLUME, KEY))

    async def phase(self) -> object:
        return ((await self.above.get("disk")).get("status") or {}).get("phase")

    async def copy_is(self, *, there: bool) -> None:
        async def found() -> bool:
            return (self.downstream.get(VOLUME, "", "disk") is not None) == there

        await eventually(found)


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    hub, pcluster = await InProcessServer.start(clusters=True), await InProcessServer.start()
    clock = SystemClock()
    upstream = Upstream(transport_for=lambda _: hub.transport, changed=lambda *_: None, clock=clock)
    below = ClusterClient(pcluster.transport)
    downstream = Downstream(below, identity=IDENTITY, changed=lambda *_: None, clock=clock)
    sides = Sides(
        identity=IDENTITY,
        upstream=upstream,
        downstream=downstream,
        namespaces=Namespaces(downstream, IDENTITY),
        activity=Activity(clock),
        clock=clock,
        registry=Registry(),
    )
    status = StatusSyncer(sides, traces=SyncTraces(OFF, identity=IDENTITY, clock=clock), workers=1)
    above = ClusterClient(hub.transport).cluster("here").resource(VOLUMES)
    await above.create(volume())
    upstream.sync(["https://hub"], {VOLUME: VOLUMES})
    downstream.sync({VOLUME: VOLUMES})
    notes = {HASH_ANNOTATION: "h", LOCATOR_ANNOTATION: IDENTITY.locator("here", "").to_json()}
    copies = below.cluster("").resource(VOLUMES)
    await copies.create(volume(labels={CLUSTER_LABEL: IDENTITY.key}, annotations=notes))
    await copies.patch_status("disk", {"status": {"phase": "Available"}})
    made = Pair(above, downstream, status)
    async with TaskGroup("pair") as group:
        group.start(upstream.run(), name="upstream")
        group.start(downstream.run(), name="downstream")
        await made.copy_is(there=True)

        async def seen() -> bool:
            return upstream.get(VOLUME, KEY) is not None

        await eventually(seen)
        yield made
        group.cancel()


async def test_what_is_about_to_be_deleted_reports_nothing(pair: Pair) -> None:
    """From the decision on: a report that comes after it would be taken for one of the next copy."""
    asked: list[Result | None] = []

    async def may_go(_: Object) -> bool:
        asked.append(await pair.report())
        return True

    place = place_of(VOLUME, KEY, pair.status._namespaces)
    assert not await delete_copy(pair.downstream, VOLUME, place, is_copy=bool, may_go=may_go)
    assert asked[0] is not None, "it is looked at again"
    assert await pair.phase() is None
    await pair.copy_is(there=False)
    assert await pair.report() is None
    assert not pair.downstream._ending


async def test_what_may_not_be_deleted_reports_again(pair: Pair) -> None:
    async def may_go(_: Object) -> bool:
        return False

    place = place_of(VOLUME, KEY, pair.status._namespaces)
    with pytest.raises(DeletionHeld):
        await delete_copy(pair.downstream, VOLUME, place, is_copy=bool, may_go=may_go)
    assert await pair.report() is None
    assert await pair.phase() == "Available"
