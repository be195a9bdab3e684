"""Asks the control plane for credentials."""

from __future__ import annotations

from typing import Final, Protocol

from headwater.apis.sync.v1alpha1.credentials import CREDENTIALS_SERVICE
from headwater.apis.sync.v1alpha1.identity import SyncerIdentity
from headwater.base import jsonio
from headwater.base.version import VERSION
from headwater.client.answers import UnexpectedAnswer, decode_object
from headwater.client.interface import Transport
from headwater.machinery.objects import Object

_SECONDS: Final = 15.0


class CredentialRequests(Protocol):
    """Both raise StatusError, TransportError and UnexpectedAnswer, and answer the token and the seconds it has left."""

    async def exchange(self, bootstrap: str, claimant: str, seconds: int) -> tuple[str, int]:
        """A credential for a bootstrap token."""
        ...

    async def renew(self, seconds: int) -> tuple[str, int]:
        """A credential for the one that is held."""
        ...


class HubRequests:
    """The virtual workspace of the control plane. ``anonymous`` brings no credential, ``own`` the syncer's."""

    def __init__(self, identity: SyncerIdentity, *, anonymous: Transport, own: Transport, user_agent: str) -> None:
        self._base = f"/services/{CREDENTIALS_SERVICE}/{identity.cluster}/{identity.name}/{identity.uid}"
        self._anonymous = anonymous
        self._own = own
        self._headers = {
            "accept": "application/json",
            "content-type": "application/json",
            "user-agent": f"{user_agent}/{VERSION}",
        }

    async def exchange(self, bootstrap: str, claimant: str, seconds: int) -> tuple[str, int]:
        body = {"token": bootstrap, "claimant": claimant, "expirationSeconds": seconds}
        return await self._ask(self._anonymous, "exchange", body)

    async def renew(self, seconds: int) -> tuple[str, int]:
        return await self._ask(self._own, "renew", {"expirationSeconds": seconds})

    async def _ask(self, transport: Transport, action: str, body: Object) -> tuple[str, int]:
        answer = await transport.request(
            "POST", f"{self._base}/{action}", headers=self._headers, body=jsonio.dumps(body), timeout=_SECONDS
        )
        status = decode_object(answer).get("status")
        if not isinstance(status, dict):
            raise UnexpectedAnswer("the answer has no credential")
        token, left = status.get("token"), status.get("expiresInSeconds")
        if not isinstance(token, str) or not token or not isinstance(left, int):
            raise UnexpectedAnswer("the answer has no credential")
        return token, left
