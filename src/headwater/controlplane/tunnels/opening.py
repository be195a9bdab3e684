"""`synctargets/<name>/tunnel`: where the agent of a pcluster opens its tunnel, as a WebSocket."""

from __future__ import annotations

from typing import Final

from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGET
from headwater.apis.workload.labels import sync_target_key
from headwater.apiserver.filters.chain import Recheck
from headwater.apiserver.resources import SubresourceCall
from headwater.apiserver.web.types import Request, UpgradeResponse
from headwater.base.channel import ByteChannel
from headwater.base.clock import Clock
from headwater.controlplane.tunnels.rechecks import Rechecks
from headwater.controlplane.tunnels.registry import TooManyTunnels, TunnelRegistry
from headwater.machinery.errors import BadRequest, NotFound, TooManyRequests
from headwater.machinery.objects import deletion_timestamp, uid
from headwater.telemetry.logging import get_logger
from headwater.tunnel.frames import MAX_MESSAGE_BYTES, PROTOCOL
from headwater.tunnel.metrics import SessionMetrics
from headwater.tunnel.session import Session
from headwater.tunnel.websocket import VERSION, WebSocketError, accept_value, offered_protocols
from headwater.tunnel.wslink import WebSocketLink

log = get_logger("tunnels")

UID_PARAMETER: Final = "uid"


class TunnelOpening:
    """GET with the verb `get` on `synctargets/tunnel`, for the SyncTarget with the uid that the request names.

    The request has passed authorization in the SyncTarget's logical cluster when it comes here. The tunnel lasts as
    long as the request would pass again, and the SyncTarget is there.
    """

    verbs = ("get",)
    kind = SYNC_TARGET.gvk

    def __init__(
        self,
        *,
        tunnels: TunnelRegistry,
        rechecks: Rechecks,
        recheck: Recheck,
        clock: Clock,
        metrics: SessionMetrics,
    ) -> None:
        self._tunnels = tunnels
        self._rechecks = rechecks
        self._recheck = recheck
        self._clock = clock
        self._metrics = metrics

    async def handle(self, call: SubresourceCall) -> UpgradeResponse:
        accept = _handshake(call.request)
        await self._check_target(call)
        if self._tunnels.is_full_for(call.cluster):
            raise TooManyRequests("Too many requests: too many tunnels are open", retry_after_seconds=10)

        async def serve(channel: ByteChannel) -> None:
            await self._serve(call, channel)

        headers = (
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Accept", accept),
            ("Sec-WebSocket-Protocol", PROTOCOL),
        )
        return UpgradeResponse(serve, headers=headers)

    async def _check_target(self, call: SubresourceCall) -> None:
        """Raises NotFound when the SyncTarget is gone, going, or another one of the same name."""
        target = (await call.store.get(call.info, call.cluster, "", call.name)).decoded
        wanted = call.request.query.get(UID_PARAMETER)
        if not wanted or uid(target) != wanted or deletion_timestamp(target):
            raise NotFound(f"SyncTarget {call.name!r} with UID {wanted!r} does not exist")

    async def _serve(self, call: SubresourceCall, channel: ByteChannel) -> None:
        async def check() -> None:
            await self._recheck(call.request)
            await self._check_target(call)

        def renewed(authorization: str) -> None:
            # Believed as little as any other: the next look asks whose it is, and it has to be the same account's.
            call.request.headers["authorization"] = authorization

        link = WebSocketLink(channel, max_message_bytes=MAX_MESSAGE_BYTES)
        session = Session(link, clock=self._clock, metrics=self._metrics, renewed=renewed)
        key = sync_target_key(call.cluster, call.name)
        try:
            remove = self._tunnels.add(key, session, call.cluster)
        except TooManyTunnels as error:
            await link.close(str(error))
            return
        forget = self._rechecks.add(check, session.end)
        log.info("tunnel is open", cluster=call.cluster, sync_target=call.name, key=key)
        reason = "the control plane is stopping"
        try:
            reason = await session.run()
        finally:
            forget()
            remove()
            log.info("tunnel has ended", cluster=call.cluster, sync_target=call.name, key=key, reason=reason)


def _handshake(request: Request) -> str:
    """The Sec-WebSocket-Accept of a request for a tunnel. Raises BadRequest for any other request."""
    headers = request.headers
    if headers.get("upgrade", "").lower() != "websocket" or headers.get("sec-websocket-version") != VERSION:
        raise BadRequest("a tunnel is opened as a WebSocket")
    if PROTOCOL not in offered_protocols(headers.get_all("sec-websocket-protocol")):
        raise BadRequest(f"the tunnel speaks {PROTOCOL}, which the agent does not: bring both to one version")
    try:
        return accept_value(headers.get("sec-websocket-key", ""))
    except WebSocketError as error:
        raise BadRequest(str(error)) from error
