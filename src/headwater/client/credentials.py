"""The authorization header and the TLS context of a connection."""

from __future__ import annotations

import base64
import os
import ssl
import tempfile
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final

from headwater.client.connection import ConfigError, ConnectionSettings

_TOKEN_READ_SECONDS: Final = 10.0


class Authorization:
    """Gives the authorization header; a token file is read again when it may have changed."""

    def __init__(self, settings: ConnectionSettings, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._monotonic = monotonic
        self._file_token = ""
        self._read_at = float("-inf")

    def header(self) -> str:
        """Value of the header, or "" for none. Raises ConfigError when a token file can't be read at all."""
        settings = self._settings
        if settings.token_source is not None:
            token = settings.token_source.token()
        else:
            token = self._from_file() if settings.token_file else settings.token
        if token:
            return f"Bearer {token}"
        if settings.username:
            pair = f"{settings.username}:{settings.password}".encode()
            return f"Basic {base64.b64encode(pair).decode()}"
        return ""

    def forget(self) -> None:
        """Read the token file anew before the next request, because the server refused what it held."""
        self._read_at = float("-inf")
        if self._settings.token_source is not None:
            self._settings.token_source.refused()

    def _from_file(self) -> str:
        path = self._settings.token_file
        assert path is not None, "only called with a token file"
        now = self._monotonic()
        if now - self._read_at < _TOKEN_READ_SECONDS:
            return self._file_token
        try:
            self._file_token = path.read_text().strip()
        except OSError as error:
            # While the file is being replaced, the token read before is still the best there is.
            if not self._file_token:
                raise ConfigError(f"can't read token file {path}: {error.strerror or error}") from error
        self._read_at = now
        return self._file_token


@lru_cache(maxsize=64)
def tls_context(settings: ConnectionSettings) -> ssl.SSLContext | None:
    """TLS settings of a connection; None for plain HTTP. Raises ConfigError for certificates that can't be used.

    Kept, since a connection that leaves HTTP is made for each use, and reading certificates takes longer than that.
    """
    if not settings.server.startswith("https://"):
        return None
    try:
        context = ssl.create_default_context(cadata=settings.ca_data.decode() or None)
        if settings.client_certificate_data:
            _load_client_certificate(context, settings.client_certificate_data, settings.client_key_data)
    except (ssl.SSLError, UnicodeDecodeError, ValueError) as error:
        raise ConfigError(f"certificates for {settings.server} can't be used: {error}") from error
    if settings.insecure_skip_tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _load_client_certificate(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """The ssl module takes certificates from files only, so they lie in a private one for a moment."""
    descriptor, name = tempfile.mkstemp(prefix="headwater-client-", suffix=".pem")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(certificate.rstrip() + b"\n" + key)
        context.load_cert_chain(name)
    finally:
        Path(name).unlink(missing_ok=True)
