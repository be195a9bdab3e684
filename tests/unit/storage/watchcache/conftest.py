"""A memory backend and a cache set over it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from headwater.storage.memory import MemoryBackend
from headwater.storage.watchcache import CacheSet


@pytest.fixture
async def backend() -> AsyncIterator[MemoryBackend]:
    """An empty opened store."""
    backend = MemoryBackend()
    await backend.open()
    yield backend
    await backend.close()


@pytest.fixture
def caches(backend: MemoryBackend) -> CacheSet:
    """The caches of that store."""
    return CacheSet(backend)
