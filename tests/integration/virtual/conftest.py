"""Two pclusters in one location workspace, a tenant whose objects run on them, and their syncers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from tests.integration.scheduling.ground import Ground
from tests.integration.scheduling.skipclock import SkipClock
from tests.integration.virtual.outlook import Horizon, Outlook, set_outlook
from tests.integration.virtual.stage import Stage, set_stage

from headwater.server.options import Options, ServingOptions
from headwater.server.process import ControlPlaneProcess
from headwater.server.run import syncer_workspace, upsyncer_workspace


@pytest.fixture(scope="session")
def root_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared, so that keys are made once; the store is in memory and new for every test."""
    return tmp_path_factory.mktemp("headwater")


@pytest.fixture
def horizon() -> Horizon:
    return Horizon()


@asynccontextmanager
async def running_ground(root_directory: Path, horizon: Horizon) -> AsyncIterator[Ground]:
    serving = ServingOptions(secure_port=0, shutdown_grace_seconds=0.2)
    options = Options(root_directory=root_directory, store="memory://", serving=serving)
    clock = SkipClock()
    workspaces = (syncer_workspace, upsyncer_workspace, horizon.workspace)
    process = ControlPlaneProcess(options, clock=clock, virtual_workspaces=workspaces)
    horizon.process = process
    try:
        await process.start()
        yield Ground(process, clock)
    finally:
        await process.stop()


@pytest.fixture
async def ground(root_directory: Path, horizon: Horizon) -> AsyncIterator[Ground]:
    async with running_ground(root_directory, horizon) as ground:
        yield ground


@pytest.fixture
async def stage(ground: Ground) -> Stage:
    """Targets north and south, both ready; nothing placed yet."""
    return await set_stage(ground)


@pytest.fixture
async def outlook(ground: Ground, horizon: Horizon) -> Outlook:
    """Owners of two pclusters, two tenants who run something, and what the controllers know of that."""
    return await set_outlook(ground, horizon)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_stage(root_directory: Path) -> AsyncIterator[Stage]:
    """A stage for a module that leaves it as it is; the tenant's objects are placed on north."""
    async with running_ground(root_directory, Horizon()) as ground:
        stage = await set_stage(ground)
        await stage.place("north")
        yield stage


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_outlook(root_directory: Path) -> AsyncIterator[Outlook]:
    """An outlook for a module that leaves it as it is."""
    horizon = Horizon()
    async with running_ground(root_directory, horizon) as ground:
        yield await set_outlook(ground, horizon)
