"""The client's transport straight into a handler of this process: no socket, no TLS, bytes in and bytes out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import suppress
from typing import Final
from urllib.parse import quote, urlencode

from headwater.apiserver.authn.interface import PRIVILEGED_GROUP, UserInfo
from headwater.apiserver.web.exchange import call_handler
from headwater.apiserver.web.types import (
    AnyResponse,
    EventSource,
    Handler,
    Headers,
    Query,
    Request,
    Response,
    StreamResponse,
    decode_path,
)
from headwater.client.interface import Query as QueryPairs
from headwater.client.interface import RawResponse, RequestTimeout, Stream, TransportError, WatchEvent
from headwater.machinery.errors import RequestEntityTooLarge

LOOPBACK_USER: Final = UserInfo("system:apiserver", groups=(PRIVILEGED_GROUP, "system:authenticated"))


class LoopbackTransport:
    """Implements `client.interface.Transport` on a handler, usually the whole chain of filters.

    Requests carry `user` as if it had been authenticated; the other filters work as for anyone. Cancelling a request or
    closing a stream cancels the handler, as a lost connection would.
    """

    def __init__(self, handler: Handler, *, user: UserInfo = LOOPBACK_USER, request_timeout: float = 60.0) -> None:
        self._handler = handler
        self._user = user
        self._timeout = request_timeout
        self._closed = False

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: QueryPairs = (),
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float | None = None,  # noqa: ASYNC109 - the seam's name
    ) -> RawResponse:
        request = self._build(method, path, query, headers, body)
        try:
            async with asyncio.timeout(self._timeout if timeout is None else timeout):
                response = await call_handler(self._handler, request)
                content = await _collect(response)
        except TimeoutError:
            raise RequestTimeout(f"{method} {path}: no answer in time") from None
        return RawResponse(response.status, _answer_headers(response), content)

    async def stream(
        self,
        method: str,
        path: str,
        *,
        query: QueryPairs = (),
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float | None = None,  # noqa: ASYNC109 - the seam's name
    ) -> Stream:
        request = self._build(method, path, query, headers, body)
        try:
            async with asyncio.timeout(self._timeout if timeout is None else timeout):
                response = await call_handler(self._handler, request)
        except TimeoutError:
            raise RequestTimeout(f"{method} {path}: no answer in time") from None
        if isinstance(response, StreamResponse) and response.events is not None:
            return LoopbackEvents(response, response.events)
        return LoopbackStream(response)

    async def close(self) -> None:
        self._closed = True

    def _build(
        self, method: str, path: str, query: QueryPairs, headers: Mapping[str, str] | None, body: bytes
    ) -> Request:
        if self._closed:
            raise TransportError("the transport is closed", sent=False)

        async def read_body(limit: int) -> bytes:
            if len(body) > limit:
                raise RequestEntityTooLarge(f"Request entity too large: limit is {limit}")
            return body

        text = urlencode(query, quote_via=quote) if query else ""
        return Request(
            method, decode_path(path), query=Query(text), headers=Headers(headers or {}), read_body=read_body,
            target=f"{path}?{text}" if text else path, received_at=asyncio.get_running_loop().time(), user=self._user,
        )  # fmt: skip


class LoopbackStream:
    """A handler's stream, as the client sees one. The next chunk is asked for when the reader wants it."""

    def __init__(self, response: AnyResponse) -> None:
        self._response = response
        self._headers = _answer_headers(response)
        self._reading: asyncio.Task[bytes | None] | None = None
        self._closed = False

    @property
    def status(self) -> int:
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._headers

    async def __aiter__(self) -> AsyncIterator[bytes]:
        response = self._response
        if isinstance(response, Response):
            yield _joined(response)
            return
        try:
            while not self._closed:
                # A task of its own, so that `close` can end the wait for the next chunk from another task.
                self._reading = asyncio.ensure_future(_next_chunk(response.chunks))
                try:
                    chunk = await asyncio.shield(self._reading)
                except asyncio.CancelledError:
                    if self._ended():
                        return
                    self._reading.cancel()
                    raise
                if chunk is None:
                    return
                yield chunk
        finally:
            await self.close()

    def _ended(self) -> bool:
        return self._closed

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        reading = self._reading
        if reading is not None and not reading.done():
            reading.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await reading
        if isinstance(self._response, StreamResponse):
            await self._response.finish()


class LoopbackEvents(LoopbackStream):
    """A watch whose events need not become bytes between two parts of one process."""

    def __init__(self, response: StreamResponse, events: EventSource) -> None:
        super().__init__(response)
        self._events = events

    def shared_events(self) -> AsyncGenerator[list[WatchEvent], None]:
        return self._events.__aiter__()

    async def close(self) -> None:
        self._events.close()
        await super().close()


async def _next_chunk(chunks: AsyncIterator[bytes]) -> bytes | None:
    return await anext(chunks, None)


async def _collect(response: AnyResponse) -> bytes:
    if isinstance(response, Response):
        return _joined(response)
    try:
        return b"".join([chunk async for chunk in response.chunks])
    finally:
        await response.finish()


def _joined(response: Response) -> bytes:
    return response.body if isinstance(response.body, bytes) else b"".join(response.body)


def _answer_headers(response: AnyResponse) -> dict[str, str]:
    headers = {"content-type": response.content_type}
    for name, value in response.headers:
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers
