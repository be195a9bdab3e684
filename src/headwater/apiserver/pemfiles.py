"""Keys and certificates as PEM files, with notes about them as text above the PEM block, where PEM allows it."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path


class CertificateError(Exception):
    """A key or certificate file can't be used; the message names the file and says what to do."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Where a certificate (the whole chain) and its key are."""

    certificate: Path
    key: Path

    def certificate_pem(self) -> str:
        """The certificate without the text above it."""
        return _pem_only(read_text(self.certificate))

    def key_pem(self) -> str:
        return _pem_only(read_text(self.key))


def write_private(path: Path, text: str) -> None:
    """Writes for the owner only, so that a reader sees the old content or the new, also after a crash."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_text(path: Path) -> str:
    """The content of a file. Raises CertificateError."""
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CertificateError(f"cannot read {path}: {error}") from error


def notes_of(text: str) -> dict[str, str]:
    """The `Name: value` lines above the PEM block."""
    heading = text.partition("-----BEGIN")[0]
    return dict(line.split(": ", 1) for line in heading.splitlines() if ": " in line)


def _pem_only(text: str) -> str:
    start = text.find("-----BEGIN")
    return text[start:] if start >= 0 else text
