"""The files of a simulated container: in memory, few and small."""

from __future__ import annotations

import posixpath
from typing import Final

MAX_BYTES: Final = 32 * 1024 * 1024
MAX_FILES: Final = 1000


class FileError(OSError):
    """What a program says of a file that it can't have; the message ends with the file's name."""


class Files:
    """Regular files and directories by absolute path."""

    def __init__(self, initial: dict[str, bytes]) -> None:
        self._files: dict[str, bytes] = {}
        self._directories = {"/", "/tmp", "/etc", "/root"}  # noqa: S108 - names in a simulation
        self._used = 0
        for path, content in initial.items():
            self.write(path, content)

    def read(self, path: str, base: str = "/") -> bytes:
        """The content of a file. Raises FileError."""
        full = absolute(path, base)
        if full in self._directories:
            raise FileError(f"{path}: Is a directory")
        if full not in self._files:
            raise FileError(f"{path}: No such file or directory")
        return self._files[full]

    def write(self, path: str, content: bytes, base: str = "/", *, append: bool = False) -> None:
        """Make a file or write over it. Raises FileError."""
        full = absolute(path, base)
        if full in self._directories:
            raise FileError(f"{path}: Is a directory")
        if posixpath.dirname(full) not in self._directories:
            raise FileError(f"{path}: No such file or directory")
        before = self._files.get(full)
        whole = (before or b"") + content if append else content
        used = self._used - len(before or b"") + len(whole)
        if used > MAX_BYTES or (before is None and len(self._files) + len(self._directories) >= MAX_FILES):
            raise FileError(f"{path}: No space left on device")
        self._files[full] = whole
        self._used = used

    def make_directory(self, path: str, base: str = "/", *, parents: bool = False) -> None:
        """Raises FileError."""
        full = absolute(path, base)
        if full in self._files or (full in self._directories and not parents):
            raise FileError(f"{path}: File exists")
        above = posixpath.dirname(full)
        if above not in self._directories:
            if not parents:
                raise FileError(f"{path}: No such file or directory")
            self.make_directory(above, parents=True)
        if len(self._files) + len(self._directories) >= MAX_FILES:
            raise FileError(f"{path}: No space left on device")
        self._directories.add(full)

    def remove(self, path: str, base: str = "/", *, recursive: bool = False) -> None:
        """Raises FileError."""
        full = absolute(path, base)
        if full in self._files:
            self._used -= len(self._files.pop(full))
            return
        if full not in self._directories:
            raise FileError(f"{path}: No such file or directory")
        if not recursive:
            raise FileError(f"{path}: Is a directory")
        for inside in [each for each in self._files if each.startswith(f"{full.rstrip('/')}/")]:
            self._used -= len(self._files.pop(inside))
        self._directories = {
            each for each in self._directories if each == "/" or not f"{each}/".startswith(f"{full.rstrip('/')}/")
        }

    def is_file(self, path: str, base: str = "/") -> bool:
        return absolute(path, base) in self._files

    def is_directory(self, path: str, base: str = "/") -> bool:
        return absolute(path, base) in self._directories

    def entries(self, path: str, base: str = "/") -> list[str]:
        """Names in a directory, sorted. Raises FileError."""
        full = absolute(path, base)
        if full not in self._directories:
            raise FileError(f"{path}: No such file or directory")
        inside = (each for each in (*self._files, *self._directories) if each != "/")
        return sorted(posixpath.basename(each) for each in inside if posixpath.dirname(each) == full)

    def below(self, path: str, base: str = "/") -> list[tuple[str, bytes | None]]:
        """Every path from a file or directory downwards, with content for files. Raises FileError."""
        full = absolute(path, base)
        if full in self._files:
            return [(full, self._files[full])]
        if full not in self._directories:
            raise FileError(f"{path}: No such file or directory")
        start = f"{full.rstrip('/')}/"
        found: list[tuple[str, bytes | None]] = [
            (each, None) for each in self._directories if each == full or each.startswith(start)
        ]
        found += [(each, content) for each, content in self._files.items() if each.startswith(start)]
        return sorted(found, key=lambda entry: entry[0])


def absolute(path: str, base: str) -> str:
    """A path without dots, from the root: nothing leads out of it."""
    return posixpath.normpath("/" + posixpath.join(base, path).lstrip("/"))
