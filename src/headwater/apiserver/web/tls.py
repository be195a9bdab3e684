"""The TLS settings of the server."""

from __future__ import annotations

import ssl
from pathlib import Path


def server_context(*, certificate: Path, key: Path, client_ca: Path | None) -> ssl.SSLContext:
    """A context for serving. With a client CA, certificates are asked for, and one that it did not sign is refused.

    Raises OSError or ssl.SSLError when a file can't be read or doesn't fit its key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(certificate, key)
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context
