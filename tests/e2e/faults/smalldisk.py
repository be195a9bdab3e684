"""A disk that is soon full, for one program: a small file system in memory, which only that program sees.

It takes a mount namespace, which root has, and elsewhere whoever may make user namespaces; some containers let nobody.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

_MOUNT = 'mount -t tmpfs -o size={megabytes}m tmpfs "$0" && exec "$@"'
_WAYS = (("unshare", "--mount"), ("unshare", "--map-root-user", "--mount"))


def way_to_mount(folder: Path) -> tuple[str, ...]:
    """How a program of ours may have a mount of its own on a folder; () when it may not."""
    for way in _WAYS:
        try:
            tried = subprocess.run([*way, "sh", "-c", _MOUNT.format(megabytes=1), str(folder), "true"], check=False)
        except FileNotFoundError:
            return ()
        if tried.returncode == 0:
            return way
    return ()


@dataclass(frozen=True)
class SmallDisk:
    """The disk, as the program has it on a folder that looks empty to everybody else."""

    folder: Path
    way: tuple[str, ...]
    megabytes: int = 64

    @property
    def within(self) -> tuple[str, ...]:
        """What runs the program."""
        return (*self.way, "sh", "-c", _MOUNT.format(megabytes=self.megabytes), str(self.folder))

    def _ballast(self, pid: int) -> Path:
        return Path(f"/proc/{pid}/root{self.folder}/ballast")

    def fill(self, pid: int) -> None:
        """Leave no room to the program with this process id."""
        with self._ballast(pid).open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12):
                try:
                    while file.write(bytes(size)) == size:
                        pass
                except OSError:
                    continue

    def clear(self, pid: int) -> None:
        """Make room again."""
        self._ballast(pid).unlink()
