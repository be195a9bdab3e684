"""`pods/<name>/{log,exec,attach,portforward}` of a workspace: through the tunnel of the pcluster that runs the pod."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from headwater.apis.workload.intent import target_keys
from headwater.apis.workload.labels import STATE_UPSYNC
from headwater.apiserver.authz.interface import Authorizer, Decision, attributes_of
from headwater.apiserver.filters.authorization import forbidden_error
from headwater.apiserver.filters.chain import Recheck
from headwater.apiserver.resources import SubresourceCall
from headwater.apiserver.web.types import Request, StreamResponse, UpgradeResponse
from headwater.base.channel import ByteChannel, ChannelBroken
from headwater.controlplane.tunnels.parting import parting
from headwater.controlplane.tunnels.rechecks import Rechecks
from headwater.controlplane.tunnels.registry import NoTunnel, TunnelRegistry
from headwater.machinery.errors import BadRequest, InternalError, ServiceUnavailable, TooManyRequests, from_code
from headwater.machinery.gvk import GroupVersionKind
from headwater.machinery.objects import labels
from headwater.telemetry.logging import get_logger
from headwater.tunnel.frames import FrameError
from headwater.tunnel.messages import (
    LOG,
    STREAMING,
    UPGRADES,
    MessageError,
    StreamAnswer,
    StreamRequest,
    allowed_query,
    allowed_request_headers,
    decode_answer,
)
from headwater.tunnel.session import TooManyStreams
from headwater.tunnel.stream import Stream

log = get_logger("tunnels")

ANSWER_SECONDS: Final = 30.0
_UNREAD_SECONDS: Final = 3600.0
_LAST_WORD_SECONDS: Final = 1.0
_TEXT: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodAccess:
    """What all subresources share."""

    tunnels: TunnelRegistry
    rechecks: Rechecks
    recheck: Recheck
    authorizer: Authorizer


class PodConnection:
    """One subresource. Requests come here authorized in the workspace, under the verb of their method.

    A connection under GET needs the right to `create` it as well: else whoever may look at everything could run
    commands by asking over WebSocket.
    """

    kind = GroupVersionKind("", "v1", "Pod")

    def __init__(self, subresource: str, access: PodAccess) -> None:
        self.verbs = ("get",) if subresource == LOG else ("create", "get")
        self._subresource = subresource
        self._access = access

    async def handle(self, call: SubresourceCall) -> StreamResponse:
        """Answer a request. Raises StatusError."""
        request = call.request
        if self._subresource in STREAMING and not _asks_to_upgrade(request):
            raise BadRequest("Upgrade request required")
        await self._check_create(request)
        key = await self._target_of(call)
        stream, release = self._open(call, key)
        handed_over = False
        try:
            answer = await self._answer(stream, call)
            response = self._respond(call, stream, answer)
            response.on_finish.append(release)
            handed_over = True
            return response
        finally:
            if not handed_over:
                release()

    async def _check_create(self, request: Request) -> None:
        if request.method != "GET" or self._subresource not in STREAMING:
            return
        attributes = attributes_of(request.user, request.cluster, request.info)._replace(verb="create")
        decision, reason = await self._access.authorizer.authorize(attributes)
        if decision is not Decision.ALLOW:
            raise forbidden_error(attributes, reason)

    async def _target_of(self, call: SubresourceCall) -> str:
        """The key of the pcluster that runs the pod. Raises NotFound and BadRequest."""
        pod = (await call.store.get(call.info, call.cluster, call.namespace, call.name)).decoded
        keys = [key for key, state in target_keys(labels(pod)).items() if state == STATE_UPSYNC]
        if len(keys) != 1:
            raise BadRequest(f'pod "{call.name}" is not upsynced: no pcluster is known to run it')
        return keys[0]

    def _open(self, call: SubresourceCall, key: str) -> tuple[Stream, Callable[[], None]]:
        request = call.request
        pairs = ((name, value) for name in request.headers for value in request.headers.get_all(name))
        try:
            asked = StreamRequest(
                cluster=call.cluster,
                namespace=call.namespace,
                pod=call.name,
                subresource=self._subresource,
                method=request.method,
                query=allowed_query(self._subresource, request.query.raw),
                headers=allowed_request_headers(pairs),
            )
            return self._access.tunnels.open(key, call.cluster, asked.encode())
        except (MessageError, FrameError) as error:
            raise BadRequest(str(error)) from error
        except TooManyStreams as error:
            raise TooManyRequests(f"Too many requests: {error}", retry_after_seconds=5) from error
        except (NoTunnel, ChannelBroken) as error:
            raise self._unavailable(call) from error

    async def _answer(self, stream: Stream, call: SubresourceCall) -> StreamAnswer:
        """The agent's answer, when it is the beginning of a stream. Raises the error that it is otherwise."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = decode_answer(await stream.answer())
        except (ChannelBroken, TimeoutError) as error:
            raise self._unavailable(call) from error
        except MessageError as error:
            log.error("the agent's answer makes no sense", error=str(error))
            raise InternalError("Internal error occurred: the syncer's answer makes no sense") from error
        if answer.status == (200 if self._subresource == LOG else 101):
            return answer
        raise from_code(answer.status if answer.status >= 400 else 500, answer.message or "the pcluster refused")

    def _respond(self, call: SubresourceCall, stream: Stream, answer: StreamAnswer) -> StreamResponse:
        request = call.request
        clients: list[ByteChannel] = []

        async def check() -> None:
            await self._access.recheck(request)
            await self._check_create(request)

        def end(reason: str) -> None:
            stream.close(reason)
            for client in clients:
                # One that reads is told first; one that doesn't must not keep its connection for that.
                asyncio.get_running_loop().call_later(_LAST_WORD_SECONDS, client.close)

        forget = self._access.rechecks.add(check, end)
        if self._subresource == LOG:
            response = StreamResponse(200, _TEXT, _chunks(stream), unread_seconds=_UNREAD_SECONDS)
            response.on_finish.append(forget)
            return response

        async def serve(channel: ByteChannel) -> None:
            clients.append(channel)
            reason = await parting(channel, stream, dict(answer.headers))
            if reason:
                log.info("connection to a pod was cut", subresource=self._subresource, reason=reason)

        headers = (("Connection", "Upgrade"), *answer.headers)
        upgrade = UpgradeResponse(serve, headers=headers)
        upgrade.on_finish.append(forget)
        return upgrade

    def _unavailable(self, call: SubresourceCall) -> ServiceUnavailable:
        return ServiceUnavailable(
            f'subresource "{self._subresource}" is not available right now for pod "{call.name}": '
            "its pcluster's syncer has no tunnel open",
            retry_after_seconds=1,
        )


def _asks_to_upgrade(request: Request) -> bool:
    """Whether the connection can be taken out of HTTP; asked before anything is begun on the pcluster."""
    wanted = " ".join(request.headers.get_all("connection")).lower()
    return "upgrade" in wanted and request.headers.get("upgrade", "").lower() in UPGRADES


async def _chunks(stream: Stream) -> AsyncIterator[bytes]:
    """The log. One that was cut ends without its end mark, which clients report."""
    while data := await stream.read():
        yield data
