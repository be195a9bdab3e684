"""The Kubernetes controllers over a plain server, and over all logical clusters of one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from tests.integration.servers import InProcessServer

from headwater.base.tasks import TaskGroup
from headwater.client.discovery import discover
from headwater.client.dynamic import Client, ClusterClient
from headwater.client.informer import InformerFactory, ResourceSet
from headwater.client.paths import WILDCARD
from headwater.reconcilers.interface import ControllerContext
from headwater.reconcilers.kube.table import CONTROLLERS

ROOT_CA = b"-----BEGIN CERTIFICATE-----\nroot\n-----END CERTIFICATE-----\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A server with its controllers running. `cluster` names a logical cluster of it, "" if it has none."""

    cluster_client: ClusterClient
    cluster: str
    resources: ResourceSet

    @property
    def client(self) -> Client:
        return self.cluster_client.cluster(self.cluster)

    async def rediscover(self) -> None:
        """Tell the controllers what is served now, as the composition root does."""
        self.resources.sync((await discover(self.client)).preferred())
        await self.resources.wait_synced()


@pytest.fixture(params=["plain", "control plane"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """All Kubernetes controllers over one kind of server."""
    clusters = request.param != "plain"
    server = await InProcessServer.start(clusters=clusters)
    cluster_client = ClusterClient(server.transport)
    scope = WILDCARD if clusters else ""
    informers = InformerFactory(cluster_client, scope=scope)
    resources = ResourceSet(cluster_client, scope=scope)

    async def issue(cluster: str, namespace: str, account: str, uid: str, secret: str, secret_uid: str) -> str:
        return f"token of {cluster}/{namespace}/{account}"

    context = ControllerContext(
        cluster_client=cluster_client,
        informers=informers,
        options={"root_ca": ROOT_CA, "resources": resources, "issue_token": issue},
    )
    controllers = [factory(context) for factory in CONTROLLERS.values()]
    world = World(cluster_client=cluster_client, cluster="red" if clusters else "", resources=resources)
    async with TaskGroup("world") as group:
        group.start(informers.run())
        group.start(resources.run())
        for controller in controllers:
            group.start(controller.run())
        await informers.wait_synced()
        await world.rediscover()
        yield world
        group.cancel()
    await server.stop()
