"""An API server in this process, reached through the loopback transport: one plain, one with logical clusters."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.integration.servers import InProcessServer

from headwater.client.dynamic import ClusterClient


@pytest.fixture
async def plain() -> AsyncIterator[ClusterClient]:
    """Client of a server without logical clusters."""
    server = await InProcessServer.start(clusters=False)
    yield ClusterClient(server.transport)
    await server.stop()


@pytest.fixture
async def control_plane() -> AsyncIterator[ClusterClient]:
    """Client of a server with logical clusters."""
    server = await InProcessServer.start(clusters=True)
    yield ClusterClient(server.transport)
    await server.stop()
