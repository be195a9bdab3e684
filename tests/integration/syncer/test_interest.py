"""Which resources a syncer watches in its upsyncer virtual workspace."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.integration.servers import InProcessServer

from headwater.apis.workload.upsync import PODS, SECRETS
from headwater.base.clock import SystemClock
from headwater.client.dynamic import ClusterClient
from headwater.client.interface import RawResponse
from headwater.machinery.gvk import GroupResource, GroupVersionResource
from headwater.syncer.upstream import Upstream
from headwater.syncer.upsync.interest import Interest

BOATS = GroupResource("sea.io", "boats")
WANTED = {
    PODS: GroupVersionResource("", "v1", "pods"),
    SECRETS: GroupVersionResource("", "v1", "secrets"),
    BOATS: GroupVersionResource("sea.io", "v1", "boats"),
}
URL = "http://hub"


@pytest.fixture
async def server() -> AsyncIterator[InProcessServer]:
    """A server with logical clusters, in place of a virtual workspace."""
    running = await InProcessServer.start(clusters=True)
    yield running
    await running.stop()


def upstream_of(server: InProcessServer) -> Upstream:
    return Upstream(transport_for=lambda _: server.transport, changed=lambda *_: None, clock=SystemClock())


def followed(upstream: Upstream) -> set[GroupResource]:
    return {resource for resource in WANTED if upstream.informers(resource)}


async def test_only_what_is_marked_is_followed(server: InProcessServer) -> None:
    """And what is marked later, from then on; a resource that isn't served is asked for and left."""
    upstream = upstream_of(server)
    interest = Interest(upstream)
    await interest.follow([URL], WANTED, is_marked=lambda resource: resource == PODS)
    assert followed(upstream) == {PODS}
    interest.need(SECRETS)
    assert followed(upstream) == {PODS, SECRETS}
    await interest.follow([URL], WANTED, is_marked=lambda _: False)
    assert followed(upstream) == {PODS, SECRETS}
    interest.leave()
    assert not upstream.shards


async def test_what_came_up_before_is_followed(server: InProcessServer) -> None:
    """Nobody else would take it back when nothing is marked any more."""
    secrets = ClusterClient(server.transport).cluster("shop").resource(WANTED[SECRETS], "default")
    await secrets.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}})
    upstream = upstream_of(server)
    await Interest(upstream).follow([URL], WANTED, is_marked=lambda _: False)
    assert followed(upstream) == {SECRETS}


async def test_what_was_not_served_for_a_moment_is_asked_for_again(
    server: InProcessServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = ClusterClient(server.transport).cluster("shop").resource(WANTED[SECRETS], "default")
    await secrets.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}})
    upstream = upstream_of(server)
    interest = Interest(upstream)

    async def unserved(*_: Any, **__: Any) -> RawResponse:
        return RawResponse(404, {}, b"404 page not found")

    monkeypatch.setattr(server.transport, "request", unserved)
    await interest.follow([URL], WANTED, is_marked=lambda _: False)
    monkeypatch.undo()
    assert not followed(upstream)
    await interest.follow([URL], WANTED, is_marked=lambda _: False)
    assert followed(upstream) == {SECRETS}


async def test_a_control_plane_that_went_back_is_asked_again(server: InProcessServer) -> None:
    """It may show what came up, and was taken back, before the syncer began."""
    upstream = upstream_of(server)
    interest = Interest(upstream)
    await interest.follow([URL], WANTED, is_marked=lambda _: False)
    secrets = ClusterClient(server.transport).cluster("shop").resource(WANTED[SECRETS], "default")
    await secrets.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}})
    await interest.follow([URL], WANTED, is_marked=lambda _: False)
    assert not followed(upstream)
    interest.ask_again()
    await interest.follow([URL], WANTED, is_marked=lambda _: False)
    assert followed(upstream) == {SECRETS}
