"""Taking back what came up: only what is certainly done counts, and nothing of others is taken along."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast

import pytest
from tests.integration.servers import InProcessServer, eventually

from headwater.apis.workload.upsync import PODS
from headwater.base.clock import SystemClock
from headwater.base.tasks import TaskGroup
from headwater.client.dynamic import ClusterClient
from headwater.client.interface import RawResponse
from headwater.client.resource import ResourceClient
from headwater.machinery.errors import Conflict, NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import finalizers
from headwater.syncer.activity import Activity
from headwater.syncer.identity import TargetIdentity, item_of
from headwater.syncer.namespaces.mapping import Namespaces
from headwater.syncer.upstream import Upstream
from headwater.syncer.upsync.marked import Marked
from headwater.syncer.upsync.pace import Pace
from headwater.syncer.upsync.reconcile import UpsyncReconciler

IDENTITY = TargetIdentity(cluster="home", name="east", uid="u")
PODS_V1 = GroupVersionResource("", "v1", "pods")
ITEM = item_of(PODS, "shop|default/web-1")
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web-1", "finalizers": [IDENTITY.finalizer]},
    "spec": {"containers": [{"name": "c", "image": "nginx"}]},
}


@dataclass
class Hidden:
    """A pod that came up, of a syncer that is to bring up none."""

    server: InProcessServer
    upstream: Upstream
    pods: ResourceClient
    reconciler: UpsyncReconciler


@pytest.fixture
async def hidden() -> AsyncIterator[Hidden]:
    server, clock = await InProcessServer.start(clusters=True), SystemClock()
    pods = ClusterClient(server.transport).cluster("shop").resource(PODS_V1, "default")
    await pods.create(POD)
    upstream = Upstream(transport_for=lambda _: server.transport, changed=lambda *_: None, clock=clock)
    upstream.sync(["https://hub"], {PODS: PODS_V1})
    reconciler = UpsyncReconciler(
        identity=IDENTITY,
        upstream=upstream,
        marked=cast("Marked", None),
        namespaces=cast("Namespaces", None),
        hidden={PODS},
        clashes=lambda *_: None,
        pace=Pace(clock, rate=100, burst=100),
        activity=Activity(clock),
        clock=clock,
    )
    async with TaskGroup("upstream") as group:
        group.start(upstream.run(), name="upstream")

        async def seen() -> bool:
            return upstream.get(PODS, "shop|default/web-1") is not None

        await eventually(seen)
        yield Hidden(server, upstream, pods, reconciler)
        group.cancel()


async def test_a_resource_that_is_not_served_for_a_moment_is_no_end(
    hidden: Hidden, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unserved(*_: Any, **__: Any) -> RawResponse:
        return RawResponse(404, {}, b"404 page not found")

    monkeypatch.setattr(hidden.server.transport, "request", unserved)
    with pytest.raises(NotFound):
        await hidden.reconciler.reconcile(ITEM)
    monkeypatch.undo()
    await hidden.reconciler.reconcile(ITEM)
    with pytest.raises(NotFound):
        await hidden.pods.get("web-1")


async def test_a_finalizer_that_came_meanwhile_stays(hidden: Hidden, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the syncer has seen of the object is from before that."""
    seen = hidden.upstream.get(PODS, "shop|default/web-1")
    both = [IDENTITY.finalizer, "example.com/audit"]
    await hidden.pods.patch("web-1", {"metadata": {"finalizers": both}})
    monkeypatch.setattr(hidden.upstream, "get", lambda *_: seen)
    with pytest.raises(Conflict):
        await hidden.reconciler.reconcile(ITEM)
    assert finalizers(await hidden.pods.get("web-1")) == both
