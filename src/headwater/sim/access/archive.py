"""`tar` as far as `kubectl cp` needs it: an archive of files to standard output, and from standard input."""

from __future__ import annotations

import io
import posixpath
import tarfile
from typing import Final

from headwater.sim.access.files import MAX_BYTES, FileError, Files, absolute

_LIMIT: Final = MAX_BYTES + 4 * 1024 * 1024


class TarError(Exception):
    """What tar says before it ends with 2."""


def pack(files: Files, paths: list[str], base: str) -> bytes:
    """An archive of files and directories. Raises TarError."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in paths:
            root = absolute(path, base)
            try:
                found = files.below(path, base)
            except FileError as error:
                raise TarError(f"tar: {error}") from error
            for full, content in found:
                name = posixpath.join(path.strip("/") or ".", posixpath.relpath(full, root)).removesuffix("/.")
                entry = tarfile.TarInfo(name)
                if content is None:
                    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                    archive.addfile(entry)
                else:
                    entry.size, entry.mode = len(content), 0o644
                    archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def unpack(files: Files, data: bytes, base: str) -> None:
    """Put an archive's files and directories below `base`, wherever their names point to. Raises TarError."""
    if len(data) > _LIMIT:
        raise TarError("tar: the archive is too large for a simulated container")
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for entry in archive:
                # A name is taken from the root of `base`, so that no ".." leads out of it.
                target = posixpath.join(base, absolute(entry.name, "/").lstrip("/"))
                if entry.isdir():
                    files.make_directory(target, parents=True)
                elif entry.isfile():
                    content = archive.extractfile(entry)
                    files.make_directory(posixpath.dirname(target), parents=True)
                    files.write(target, content.read() if content is not None else b"")
    except tarfile.TarError as error:
        raise TarError(f"tar: this does not look like a tar archive: {error}") from error
    except FileError as error:
        raise TarError(f"tar: {error}") from error
