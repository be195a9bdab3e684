"""A control plane inside the test process whose time the test can move forward."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.integration.scheduling.ground import Ground
from tests.integration.scheduling.skipclock import SkipClock

from headwater.server.options import ControllerOptions, Options, ServingOptions
from headwater.server.process import ControlPlaneProcess
from headwater.server.run import syncer_workspace


@pytest.fixture(scope="session")
def root_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared, so that keys are made once; the store is in memory and new for every test."""
    return tmp_path_factory.mktemp("headwater")


@pytest.fixture
async def ground(root_directory: Path, request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    """A test may give ControllerOptions of its own by an indirect parameter."""
    controllers = getattr(request, "param", ControllerOptions())
    serving = ServingOptions(secure_port=0, shutdown_grace_seconds=0.2)
    options = Options(root_directory=root_directory, store="memory://", serving=serving, controllers=controllers)
    clock = SkipClock()
    process = ControlPlaneProcess(options, clock=clock, virtual_workspaces=(syncer_workspace,))
    try:
        await process.start()
        yield Ground(process, clock)
    finally:
        await process.stop()
