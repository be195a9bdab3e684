"""The backends that the suite runs against, each as a maker of opened stores."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from headwater.base.clock import Clock
from headwater.storage.factory import open_backend
from headwater.storage.interface import Backend
from headwater.storage.retention import Retention

MakeBackend = Callable[..., Awaitable[Backend]]


@pytest.fixture(params=["memory", "sqlite"])
async def make_backend(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MakeBackend]:
    """Makes and opens an empty store with a retention and a clock of choice; closes all of them at the end."""
    made: list[Backend] = []

    async def make(*, retention: Retention | None = None, clock: Clock | None = None) -> Backend:
        url = "memory://" if request.param == "memory" else f"sqlite:{tmp_path}/{len(made)}.db"
        backend = open_backend(url, retention=retention, clock=clock)
        await backend.open()
        made.append(backend)
        return backend

    yield make
    for backend in made:
        await backend.close()


@pytest.fixture
async def backend(make_backend: MakeBackend) -> Backend:
    """An empty opened store."""
    return await make_backend()
