"""What came up stays as it should be, where nobody tells of a change, or somebody changes whose it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest
from tests.unit.syncer.spec.test_model import HOME, IDENTITY, MAPS, RESOURCES, URL
from tests.unit.syncer.spec.twosides import Key, Server, View

from headwater.apis.workload.labels import CLUSTER_LABEL, LOCATOR_ANNOTATION, STATE_UPSYNC, TENANT_LABEL, state_label
from headwater.base.clock import ManualClock
from headwater.base.tasks import TaskGroup
from headwater.client.dynamic import ClusterClient
from headwater.machinery.gvk import GroupResource, GroupVersionResource
from headwater.machinery.objects import Object, deep_copy
from headwater.syncer.agent import Agent
from headwater.syncer.identity import TargetIdentity
from headwater.syncer.options import SyncerOptions
from headwater.syncer.routing import RoutedParts

UP: Final = "/services/upsyncer/home/east/u"
KEY: Final = (MAPS, "web", "up")
VOLUMES: Final = "persistentvolumes"
VOLUME: Final = (VOLUMES, "", "disk")


class Upper(Server):
    """Tells whose its objects are."""

    def _create(self, key: Key, body: Object) -> Object:
        body["metadata"]["annotations"]["kcp.io/cluster"] = "shop"
        return super()._create(key, body)


@dataclass
class Scene:
    """A syncer that brings a ConfigMap up to ``above``."""

    above: Server
    below: Server
    parts: RoutedParts
    clock: ManualClock

    async def settle(self) -> None:
        for _ in range(4):
            for _ in range(60):
                await asyncio.sleep(0)
            self.clock.advance(31)


def put_volume(below: Server, identity: TargetIdentity) -> None:
    """A volume that is marked, of workspace `shop` by way of a SyncTarget."""
    labels, notes = (
        {state_label(IDENTITY.key): STATE_UPSYNC},
        {LOCATOR_ANNOTATION: identity.locator("shop", "").to_json()},
    )
    meta = {"name": "disk", "labels": labels, "annotations": notes}
    below.put(VOLUMES, {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": meta, "spec": {}})


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    """A ConfigMap and a volume are up."""
    view, above, below, clock = View(URL.removeprefix("https://hub")), Upper(UP), Server(""), ManualClock()
    home = {CLUSTER_LABEL: IDENTITY.key, TENANT_LABEL: HOME.tenant}
    meta = {"name": HOME.name, "labels": home, "annotations": {LOCATOR_ANNOTATION: HOME.locator}}
    below.put("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
    marked = {"name": "up", "namespace": HOME.name, "labels": {state_label(IDENTITY.key): STATE_UPSYNC}}
    below.put(MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": marked, "data": {"at": "1"}})
    put_volume(below, IDENTITY)
    agent = Agent(
        SyncerOptions(sync_target_name="east", sync_target_uid="u", from_kubeconfig=Path("unused")),
        control_plane=ClusterClient(view),
        pcluster=ClusterClient(below),
        transport_for=lambda url: above if url == "https://up" else view,
        clock=clock,
    )
    parts = agent._parts(IDENTITY)
    parts.sync([URL], RESOURCES)
    followed = {GroupResource("", each): GroupVersionResource("", "v1", each) for each in (MAPS, VOLUMES)}
    parts.upsync._marked.sync(followed)
    await parts.upsync._interest.follow([f"https://up{UP}"], followed, is_marked=lambda _: True)
    scene = Scene(above, below, parts, clock)
    async with TaskGroup("syncer") as group:
        for part in (parts.sides.downstream, parts.sides.upstream, parts.upsync):
            group.start(part.run())
        await scene.settle()
        assert above.objects.keys() == {KEY, VOLUME}
        yield scene
        group.cancel()


async def test_what_vanished_comes_up_again(scene: Scene) -> None:
    del scene.above.objects[KEY]
    scene.parts.control_plane_went_back(scene.clock.monotonic())
    await scene.settle()
    assert scene.above.objects[KEY]["data"] == {"at": "1"}


async def test_what_is_another_at_the_same_revision_is_put_right(scene: Scene) -> None:
    other = deep_copy(scene.above.objects[KEY])
    scene.above.objects[KEY] = {**other, "data": {"at": "another time"}}
    scene.parts.control_plane_went_back(scene.clock.monotonic())
    await scene.settle()
    assert scene.above.objects[KEY]["data"] == {"at": "1"}


async def test_a_volume_that_says_anew_whose_it_is_is_taken_back(scene: Scene) -> None:
    """And is shown again once that is put right."""
    put_volume(scene.below, replace(IDENTITY, uid="another"))
    await scene.settle()
    assert VOLUME not in scene.above.objects
    put_volume(scene.below, IDENTITY)
    await scene.settle()
    assert VOLUME in scene.above.objects
