"""A simulated pcluster for each test: everything real, in this process, nothing on disk but its keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.integration.sim.pclusters import Driver

from headwater.sim.pcluster import PCluster, PClusterOptions
from headwater.sim.stages.behaviour import Timing


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One directory for all, so that keys are made once."""
    return tmp_path_factory.mktemp("pcluster")


@pytest.fixture
async def pcluster(pki: Path) -> AsyncIterator[PCluster]:
    options = PClusterOptions(name="east", directory=pki, in_memory=True, timing=Timing(run_seconds=0.05))
    started = PCluster(options)
    await started.start()
    yield started
    await started.stop()


@pytest.fixture
def driver(pcluster: PCluster) -> Driver:
    return Driver(pcluster)
