"""Who is at the other end of a transport, as far as the connection itself tells."""

from __future__ import annotations

import asyncio
import hashlib

from headwater.apiserver.web.types import Peer


def peer_of(transport: asyncio.BaseTransport) -> Peer:
    """The peer's address, and the subject of its client certificate when TLS has verified one."""
    address = transport.get_extra_info("peername")
    remote = str(address[0]) if isinstance(address, tuple) and address else ""
    tls = transport.get_extra_info("ssl_object")
    certificate = tls.getpeercert() if tls is not None else None
    if not certificate:
        return Peer(remote=remote)
    common_name = ""
    organizations = []
    for relative_name in certificate.get("subject", ()):
        for attribute, value in relative_name:
            if attribute == "commonName":
                common_name = value
            elif attribute == "organizationName":
                organizations.append(value)
    encoded = tls.getpeercert(True)
    identifier = hashlib.sha256(encoded).hexdigest() if encoded else ""
    return Peer(remote, common_name, tuple(organizations), identifier)
