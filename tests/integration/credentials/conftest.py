"""A control plane in the test process, over a store in memory, with a clock that can be moved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.integration.credentials.hub import WORKSPACES, Hub
from tests.integration.scheduling.skipclock import SkipClock
from tests.integration.servers import eventually

from headwater.machinery.objects import Object
from headwater.server.options import Options, ServingOptions
from headwater.server.process import ControlPlaneProcess
from headwater.server.run import VIRTUAL_WORKSPACES


@pytest.fixture(scope="session")
def root_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared, so that keys are made once; the store is in memory and new for every test."""
    return tmp_path_factory.mktemp("headwater")


@pytest.fixture
async def hub(root_directory: Path) -> AsyncIterator[Hub]:
    clock = SkipClock()
    serving = ServingOptions(secure_port=0, shutdown_grace_seconds=0.2)
    options = Options(
        root_directory=root_directory, store="memory://", serving=serving, audit_log=root_directory / "audit.log"
    )
    process = ControlPlaneProcess(options, clock=clock, virtual_workspaces=VIRTUAL_WORKSPACES)
    try:
        await process.start()
        workspaces = process.client.cluster("root").resource(WORKSPACES)
        await workspaces.create(
            {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": "platform"}, "spec": {}}
        )

        async def ready() -> Object | None:
            found = await workspaces.get("platform")
            return found if (found.get("status") or {}).get("phase") == "Ready" else None

        cluster = (await eventually(ready))["spec"]["cluster"]
        yield Hub(process, clock, process.client.cluster(cluster), cluster)
    finally:
        await process.stop()
