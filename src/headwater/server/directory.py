"""The root directory of a server: what is kept where."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from headwater.server.errors import directory_error


@dataclass(frozen=True, slots=True)
class RootDirectory:
    """Paths below the root directory. Everything in it is for its owner only."""

    path: Path

    @classmethod
    def prepare(cls, path: Path) -> RootDirectory:
        """Make the directory. Raises StartError when it can't be written."""
        path = path.absolute()
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not os.access(path, os.W_OK | os.X_OK):
                raise PermissionError(13, "Permission denied", str(path))
        except OSError as error:
            raise directory_error(error, path) from error
        return cls(path)

    @property
    def store_url(self) -> str:
        return f"sqlite://{self.path / 'store.db'}"

    @property
    def pki(self) -> Path:
        return self.path / "pki"

    @property
    def admin_kubeconfig(self) -> Path:
        return self.path / "admin.kubeconfig"

    @property
    def admin_token_store(self) -> Path:
        return self.path / ".admin-token-store"
