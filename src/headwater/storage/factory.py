"""Makes a backend from a URL."""

from __future__ import annotations

from headwater.base.clock import Clock
from headwater.storage.interface import Backend
from headwater.storage.memory import MemoryBackend
from headwater.storage.retention import Retention


def open_backend(url: str, *, retention: Retention | None = None, clock: Clock | None = None) -> Backend:
    """The backend of a URL, not opened yet: `await backend.open()` before use.

    `memory://` keeps nothing; `sqlite:///var/lib/headwater/store.db` is an absolute path, `sqlite:store.db` and
    `sqlite://store.db` are relative ones. Raises ValueError for anything else.
    """
    scheme, separator, rest = url.partition(":")
    if separator and scheme == "memory" and rest in ("", "//"):
        return MemoryBackend(retention=retention, clock=clock)
    path = rest.removeprefix("//")
    if separator and scheme == "sqlite" and path and not path.endswith("/"):
        from headwater.storage.sqlite.backend import SQLiteBackend  # the library loads only where it is used

        return SQLiteBackend(path, retention=retention, clock=clock)
    raise ValueError(f"not a store: {url!r} (use sqlite:///absolute/path, sqlite:relative/path or memory://)")
