"""A whole line with a pod on both sides; shared by the tests of a module where they leave it as it was."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.integration.syncer.conftest import running_line
from tests.integration.tunnel.ground import Ground, set_ground


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    """One ground for a module. Its namespace stays while a test has it look like that of a workspace that is gone."""
    directory = tmp_path_factory.mktemp("tunnel")
    async with running_line(directory, store="memory://", clean_delay_seconds=3600) as line:
        yield await set_ground(line)


@pytest.fixture
async def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ground]:
    """A ground of its own, on which access is looked at again many times a second."""
    monkeypatch.setattr("headwater.controlplane.tunnels.rechecks.RECHECK_SECONDS", 0.05)
    async with running_line(tmp_path, store="memory://") as line:
        yield await set_ground(line)
