"""One HTTP/1.1 connection: takes requests one after the other, and runs each through the handler."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol, cast

from headwater.apiserver.web.encode import CONTINUE
from headwater.apiserver.web.exchange import call_handler, refusal, send_response, send_stream, send_upgrade
from headwater.apiserver.web.head import Head
from headwater.apiserver.web.intake import BodyIntake
from headwater.apiserver.web.limits import Limits, Phase
from headwater.apiserver.web.parser import Body
from headwater.apiserver.web.peer import peer_of
from headwater.apiserver.web.reading import Reader
from headwater.apiserver.web.sending import Sender
from headwater.apiserver.web.types import AnyResponse, Handler, Request, StreamResponse, UpgradeResponse
from headwater.apiserver.web.upgraded import UpgradedConnection
from headwater.base.channel import ChannelBroken
from headwater.telemetry.logging import get_logger

_log = get_logger("apiserver.web")

_GOODBYE_SECONDS: Final = 0.25


class Host(Protocol):
    """What a connection needs of its server."""

    handler: Handler
    limits: Limits
    read_buffer: memoryview
    date_line: bytes
    stopping: bool

    def admit(self, connection: Connection) -> bool:
        """Counts the connection in, or says that there are too many."""
        ...

    def forget(self, connection: Connection) -> None:
        """The connection is gone."""
        ...


class Connection(asyncio.BufferedProtocol):
    """Serves one connection. All of its methods run on the loop.

    A request runs in a task that the connection owns: it ends before the next one starts, and with the connection.
    Transports fill a buffer that all connections share, since they do that and hand it over in one step; without one,
    TLS allocates a quarter of a megabyte for every read, which costs as much as all of the rest of it.
    """

    def __init__(self, host: Host, loop: asyncio.AbstractEventLoop) -> None:
        self._host = host
        self._loop = loop
        self._body: BodyIntake | None = None
        self._task: asyncio.Task[None] | None = None
        self._ending = False
        self._unread_seconds: float | None = None
        self._upgraded: UpgradedConnection | None = None
        self.phase = Phase.IDLE
        self.since = loop.time()

    # -- called by the transport -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are that by behaviour only, so an isinstance check would fail.
        self._transport = cast("asyncio.Transport", transport)
        self._reader = Reader(self._transport)
        self._sender = Sender(self._loop, self._transport)
        self._peer = peer_of(transport)
        if not self._host.admit(self):
            self._refuse(503, "the server has too many connections")
            transport.close()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._host.read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        phase = self.phase
        if phase is Phase.LINGERING or phase is Phase.CLOSING:
            return
        if self._upgraded is not None:
            self._upgraded.feed(bytes(self._host.read_buffer[:nbytes]))
            return
        self._reader.feed(bytes(self._host.read_buffer[:nbytes]))
        if phase is Phase.IDLE or phase is Phase.HEAD:
            self._next_request()
        elif phase is Phase.SKIPPING:
            self._skip_body()
        elif self._body is not None:
            self._body.progress()

    def eof_received(self) -> bool:
        # Closes the connection: Kubernetes clients don't half-close, so nobody waits for the answer.
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._host.forget(self)
        if self._upgraded is not None:
            self._upgraded.lost()
        if self._task is not None:
            self._task.cancel()
        self._sender.resume()
        self._reader.close()

    def pause_writing(self) -> None:
        self._sender.pause()

    def resume_writing(self) -> None:
        self._sender.resume()

    # -- called by the server --------------------------------------------------------------------------------------

    def sweep(self, now: float) -> None:
        """Ends the connection when it has waited for the peer for longer than the limits allow."""
        limits, phase = self._host.limits, self.phase
        blocked = self._sender.blocked_since
        waited = now - self.since
        if blocked is not None and now - blocked > (self._unread_seconds or limits.write_timeout):
            self.abort()
        elif phase is Phase.UPGRADED:
            pass  # Lasts as long as both ends want.
        elif phase is Phase.CLOSING:
            if waited > limits.write_timeout:
                self.abort()
        elif phase is Phase.HANDLING:
            if self._body is not None and self._body.awaited and now - self._body.progress_at > limits.body_timeout:
                self.abort()
        elif phase is Phase.IDLE:
            if waited > limits.idle_timeout:
                self._transport.close()
        elif phase is Phase.HEAD:
            if waited > limits.head_timeout:
                self._refuse(408, "the request's head took too long")
        elif phase is not Phase.STREAMING and waited > limits.linger_timeout:
            self.abort()

    def shut_down(self) -> None:
        """Ends the connection in order: now when it is idle, else after its request; a stream is ended first."""
        if self.phase in (Phase.STREAMING, Phase.UPGRADED) and self._task is not None:
            self._ending = True
            self._task.cancel()
        elif self.phase is not Phase.HANDLING:
            self._transport.close()
            if self.phase is Phase.IDLE:
                # TLS waits for the peer's goodbye, and a pooled connection of a client without threads of its own
                # gives none until it is used again.
                self._loop.call_later(_GOODBYE_SECONDS, self.abort)

    def abort(self) -> None:
        """Ends the connection at once, without sending what is still buffered."""
        self._transport.abort()

    # -- reading ---------------------------------------------------------------------------------------------------

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self.since = self._loop.time()

    def _next_request(self) -> None:
        taken = self._reader.take()
        if taken is not None:
            self._start(*taken)
        elif self._reader.error is not None:
            self._refuse(self._reader.error.status, self._reader.error.message)
        elif self.phase is Phase.IDLE and self._reader.in_head:
            self._enter(Phase.HEAD)

    def _start(self, head: Head, body: Body | None) -> None:
        self._enter(Phase.HANDLING)
        if body is not None:
            self._body = BodyIntake(
                body, self._reader, loop=self._loop, maximum=self._host.limits.max_body_bytes,
                expects_continue=head.fields.expects_continue, send_continue=self._send_continue,
            )  # fmt: skip
        request = Request(
            head.method, head.path, query=head.query, headers=head.fields.headers, peer=self._peer,
            read_body=self._read_body, target=head.target, received_at=self.since,
        )  # fmt: skip
        self._task = self._loop.create_task(self._serve(head, request))

    async def _read_body(self, limit: int) -> bytes:
        return b"" if self._body is None else await self._body.read(limit)

    def _send_continue(self) -> None:
        self._transport.write(CONTINUE)

    # -- answering -------------------------------------------------------------------------------------------------

    async def _serve(self, head: Head, request: Request) -> None:
        keep_alive = False
        try:
            response = await call_handler(self._host.handler, request)
            keep_alive = (
                head.fields.keep_alive and not self._host.stopping and (self._body is None or self._body.skippable)
            )
            keep_alive = await self._answer(response, head, request, keep_alive=keep_alive)
        except asyncio.CancelledError:
            if not self._ending:
                self.abort()
                raise
            keep_alive = False
            if self._upgraded is None:
                self._sender.end_stream()
        except ChannelBroken as error:
            # What the answer came from ended too early: so does the answer, visibly.
            _log.info("response was cut", method=head.method, path=head.path, reason=str(error))
            self.abort()
            return
        except Exception as error:  # noqa: BLE001 - the answer has begun: all that is left is to cut it visibly
            _log.error("response failed", method=head.method, path=head.path, exc_info=error)
            self.abort()
            return
        finally:
            self._task = None
        self._finish(keep_alive=keep_alive)

    async def _answer(self, response: AnyResponse, head: Head, request: Request, *, keep_alive: bool) -> bool:
        """Sends the answer; whether the connection can take another request after it."""
        if isinstance(response, UpgradeResponse):
            if not head.fields.upgrade or self._body is not None or not self._reader.detach():
                await response.finish()
                self._refuse(400, "the connection can't be upgraded")
                return False
            self._enter(Phase.UPGRADED)
            self._unread_seconds = response.unread_seconds
            self._upgraded = UpgradedConnection(self._transport, self._sender)
            await send_upgrade(self._sender, response, self._upgraded, dated=self._host)
            return False
        if isinstance(response, StreamResponse):
            keep_alive = keep_alive and head.fields.http_minor == 1
            self._enter(Phase.STREAMING)
            self._unread_seconds = response.unread_seconds
            await send_stream(self._sender, response, head, dated=self._host, keep_alive=keep_alive)
            if head.method != "HEAD":
                self._sender.end_stream()
            return keep_alive
        await send_response(self._sender, response, request, dated=self._host, keep_alive=keep_alive)
        return keep_alive

    def _finish(self, *, keep_alive: bool) -> None:
        if self._upgraded is not None:
            self._enter(Phase.CLOSING)
            self._unread_seconds = None
            self._upgraded.close()
            return
        if self._transport.is_closing() or self.phase is Phase.LINGERING:
            return
        body_left = self._body is not None and not self._body.complete
        if keep_alive:
            if body_left:
                self._enter(Phase.SKIPPING)
                self._skip_body()
            else:
                self._go_on()
        elif body_left:
            self._linger()
        else:
            self._transport.close()

    def _skip_body(self) -> None:
        if self._body is None or self._body.skip():
            self._go_on()

    def _go_on(self) -> None:
        self._body = None
        self._unread_seconds = None
        self._enter(Phase.IDLE)
        if self._host.stopping:
            self._transport.close()
            return
        self._reader.done()
        self._next_request()

    def _linger(self) -> None:
        self._enter(Phase.LINGERING)
        self._reader.drop()

    def _refuse(self, status: int, message: str) -> None:
        self._transport.write(refusal(status, message, dated=self._host))
        self._linger()
