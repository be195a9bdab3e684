"""Store URLs."""

from __future__ import annotations

import pytest

from headwater.storage.factory import open_backend
from headwater.storage.memory import MemoryBackend
from headwater.storage.retention import Retention
from headwater.storage.sqlite.backend import SQLiteBackend


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///var/lib/store.db", "/var/lib/store.db"),
        ("sqlite:store.db", "store.db"),
        ("sqlite://folder/store.db", "folder/store.db"),
        ("sqlite:/abs/store.db", "/abs/store.db"),
    ],
)
def test_sqlite_urls(url: str, path: str) -> None:
    """Three slashes are an absolute path, none or two a relative one; nothing is opened yet."""
    backend = open_backend(url)
    assert isinstance(backend, SQLiteBackend)
    assert backend.path == path


@pytest.mark.parametrize("url", ["memory://", "memory:"])
def test_memory_urls(url: str) -> None:
    """The memory backend has no path."""
    assert isinstance(open_backend(url), MemoryBackend)


@pytest.mark.parametrize("url", ["", "sqlite", "memory", "sqlite://", "sqlite:///var/", "etcd://x", "memory://x"])
def test_other_urls_are_refused(url: str) -> None:
    """The error says what can be given."""
    with pytest.raises(ValueError, match="use sqlite:"):
        open_backend(url)


@pytest.mark.parametrize("bounds", [{"seconds": 0}, {"revisions": 0}])
def test_retention_keeps_something(bounds: dict[str, int]) -> None:
    """No history at all would break every watch."""
    with pytest.raises(ValueError, match="history"):
        Retention(**bounds)
