"""Client certificates: the common name is the user, the organizations are the groups."""

from __future__ import annotations

from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.web.types import Peer, Request

_CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"


class CertificateAuthenticator:
    """Trusts the subject that TLS has verified against the client CA; the last user of a connection is remembered."""

    def __init__(self) -> None:
        self._peer: Peer | None = None
        self._user: UserInfo | None = None

    async def authenticate(self, request: Request) -> UserInfo | None:
        peer = request.peer
        if not peer.cert_common_name:
            return None
        # Requests come in runs from one connection, whose peer is one object.
        if peer is not self._peer or self._user is None:
            extra = {_CREDENTIAL_ID: (f"X509SHA256={peer.cert_identifier}",)} if peer.cert_identifier else {}
            self._user = UserInfo(peer.cert_common_name, groups=peer.cert_organizations, extra=extra)
            self._peer = peer
        return self._user
