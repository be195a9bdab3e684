"""Why a server can't start, in one line that says what to do."""

from __future__ import annotations

import errno
import ssl
from pathlib import Path

from headwater.apiserver.authn.statictokens import TokenFileError
from headwater.apiserver.pemfiles import CertificateError
from headwater.client.connection import ConfigError
from headwater.storage.errors import StorageError


class StartError(Exception):
    """The server can't start; the message is one line with advice."""


EXPECTED = (StorageError, CertificateError, TokenFileError, ConfigError, OSError, ssl.SSLError, ValueError)
"""What start-up raises when something about its surroundings is wrong, not about the program."""


def listen_error(error: OSError, host: str, port: int) -> StartError:
    """Why an address can't be listened on."""
    where = f"{host}:{port}"
    if error.errno == errno.EADDRINUSE:
        return StartError(f"cannot listen on {where}: the port is in use; stop what uses it or pass --secure-port")
    if error.errno == errno.EACCES:
        return StartError(f"cannot listen on {where}: not allowed; pass a --secure-port above 1023")
    if error.errno == errno.EADDRNOTAVAIL:
        return StartError(f"cannot listen on {where}: not an address of this machine; pass another --bind-address")
    return StartError(f"cannot listen on {where}: {error.strerror or error}; check --bind-address and --secure-port")


def directory_error(error: OSError, directory: Path) -> StartError:
    """Why the root directory can't be used."""
    reason = error.strerror or str(error)
    return StartError(f"cannot use directory {directory}: {reason}; make it writable or pass another --root-directory")


def client_ca_error(error: Exception, path: Path) -> StartError:
    """Why the file of client CAs can't be used."""
    reason = "it holds no certificate" if isinstance(error, ssl.SSLError) else getattr(error, "strerror", "")
    return StartError(f"cannot use {path} for client certificates: {reason}; pass a PEM file as --client-ca-file")


def audit_log_error(error: OSError, path: Path) -> StartError:
    """Why audit events can't be written."""
    reason = error.strerror or str(error)
    return StartError(f"cannot write the audit log {path}: {reason}; pass another --audit-log-path")


def start_error(error: Exception) -> StartError:
    """One line for an expected error of a start."""
    line = " ".join(str(error).split()) or type(error).__name__
    return StartError(
        f"{line}; correct it or pass another --token-auth-file" if isinstance(error, TokenFileError) else line
    )
