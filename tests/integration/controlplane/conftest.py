"""A control plane inside the test process, over a store in memory, and clients of it for different users."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.integration.controlplane.plane import Plane

from headwater.server.options import Options, ServingOptions
from headwater.server.process import ControlPlaneProcess


@pytest.fixture(scope="session")
def root_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared, so that keys are made once; the store is in memory and new for every test."""
    return tmp_path_factory.mktemp("headwater")


@pytest.fixture
async def plane(root_directory: Path) -> AsyncIterator[Plane]:
    serving = ServingOptions(secure_port=0, shutdown_grace_seconds=0.2)
    process = ControlPlaneProcess(Options(root_directory=root_directory, store="memory://", serving=serving))
    try:
        await process.start()
        yield Plane(process)
    finally:
        await process.stop()
