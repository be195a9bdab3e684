"""Requests over the network. With `websocket` the door to aiohttp's client, loaded with the first connection only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

from headwater.base.clock import Clock, SystemClock
from headwater.client.answers import put_off_seconds
from headwater.client.connection import ConfigError, ConnectionSettings
from headwater.client.credentials import Authorization, tls_context
from headwater.client.interface import Query, RawResponse, RequestTimeout, Stream, TransportError
from headwater.client.probes import probed_socket
from headwater.client.upgrade import Upgraded, open_upgrade
from headwater.client.websocket import WebSocketConnection
from headwater.machinery.errors import from_code

if TYPE_CHECKING:
    import aiohttp
    import yarl

DEFAULT_TIMEOUT_SECONDS: Final = 60.0
MAX_REQUEST_CONNECTIONS: Final = 64
MAX_STREAMS: Final = 2048
_MAX_BODY_BYTES: Final = 512 * 1024 * 1024
_MAX_REFUSALS: Final = 5
_MAX_RETRY_AFTER_SECONDS: Final = 10.0
_CONNECT_SECONDS: Final = 15.0
_GOODBYE_SECONDS: Final = 2.0
_READ_BUFFER_BYTES: Final = 256 * 1024


class NetworkTransport:
    """Carries requests to one API server over pooled HTTP/1.1 connections.

    Requests that the server put off (429, or 503 with Retry-After) are sent again, at most five times and ten seconds
    apart; requests that can't have arrived are sent again once. Watches have connections of their own, so that they
    never use up those of requests.
    """

    def __init__(self, settings: ConnectionSettings, *, clock: Clock | None = None) -> None:
        parts = urlsplit(settings.server)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ConfigError(f"server {settings.server!r} is not an http or https URL")
        self._settings = settings
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._base_path = parts.path.rstrip("/")
        self._clock = clock or SystemClock()
        self._authorization = Authorization(settings)
        self._requests: aiohttp.ClientSession | None = None
        self._streams: aiohttp.ClientSession | None = None
        self._closed = False

    @property
    def server(self) -> str:
        """URL of the server."""
        return self._settings.server

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> RawResponse:
        """Send a request and read its answer; see `Transport.request`."""
        refusals = 0
        resent = False
        while True:
            try:
                response = await self._once(method, path, query, headers, body, timeout)
            except TransportError as error:
                if error.sent or resent or self._closed:
                    raise
                resent = True
                continue
            wait = put_off_seconds(response)
            if wait is None or refusals >= _MAX_REFUSALS:
                return response
            refusals += 1
            await self._clock.sleep(min(wait, _MAX_RETRY_AFTER_SECONDS))

    async def stream(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> Stream:
        """Open a streamed answer; see `Transport.stream`."""
        import aiohttp

        session = self._stream_session()
        limits = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS)
        try:
            async with asyncio.timeout(timeout or DEFAULT_TIMEOUT_SECONDS):
                response = await session.request(
                    method,
                    self._url(path, query),
                    headers=self._headers(headers),
                    data=body or None,
                    timeout=limits,
                    proxy=self._settings.proxy_url or None,
                    allow_redirects=False,
                    server_hostname=self._settings.tls_server_name or None,
                )
        except Exception as error:
            raise self._translated(error, method, path) from error
        self._note_refusal(response.status)
        return _NetworkStream(response, self._settings.server)

    def authorization(self) -> str:
        """The Authorization header that requests carry now; it changes when a token file does. Raises ConfigError."""
        return self._authorization.header()

    async def websocket(
        self, path: str, *, query: Query = (), protocol: str, max_message_bytes: int
    ) -> WebSocketConnection:
        """Open a WebSocket that speaks `protocol`. Raises TransportError, and StatusError for a refusal."""
        import aiohttp

        session = self._stream_session()
        try:
            async with asyncio.timeout(DEFAULT_TIMEOUT_SECONDS):
                made = await session.ws_connect(
                    self._url(path, query),
                    headers=self._headers(None),
                    protocols=(protocol,),
                    max_msg_size=max_message_bytes,
                    proxy=self._settings.proxy_url or None,
                    server_hostname=self._settings.tls_server_name or None,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_GOODBYE_SECONDS),
                )
        except aiohttp.WSServerHandshakeError as error:
            self._note_refusal(error.status)
            raise from_code(error.status, f"can't open {path}: {error.message or error.status}") from error
        except Exception as error:
            raise self._translated(error, "GET", path) from error
        if made.protocol != protocol:
            await made.close()
            raise TransportError(f"{self._settings.server} does not speak {protocol}")
        return WebSocketConnection(made, self._settings.server)

    async def upgrade(
        self, method: str, path: str, *, query: Query = (), headers: Iterable[tuple[str, str]]
    ) -> Upgraded:
        """Take a connection out of HTTP; see `upgrade.open_upgrade`. No proxy is used. Raises TransportError."""
        settings = self._settings
        answer = await open_upgrade(
            str(self._url(path, query)),
            method=method,
            headers=[*headers, *self._headers(None).items()],
            context=tls_context(settings),
            server_name=settings.tls_server_name,
        )
        self._note_refusal(answer.status)
        return answer

    async def close(self) -> None:
        """Close all connections."""
        self._closed = True
        sessions, self._requests, self._streams = (self._requests, self._streams), None, None
        for session in sessions:
            if session is not None:
                await session.close()

    async def _once(
        self,
        method: str,
        path: str,
        query: Query,
        headers: Mapping[str, str] | None,
        body: bytes,
        timeout: float | None,  # noqa: ASYNC109
    ) -> RawResponse:
        import aiohttp

        session = self._request_session()
        limits = aiohttp.ClientTimeout(total=timeout or DEFAULT_TIMEOUT_SECONDS, sock_connect=_CONNECT_SECONDS)
        try:
            async with session.request(
                method,
                self._url(path, query),
                headers=self._headers(headers),
                data=body or None,
                timeout=limits,
                proxy=self._settings.proxy_url or None,
                allow_redirects=False,
                server_hostname=self._settings.tls_server_name or None,
            ) as response:
                content = await _read(response)
                names = {name.lower(): value for name, value in response.headers.items()}
                self._note_refusal(response.status)
                return RawResponse(response.status, names, content)
        except Exception as error:
            raise self._translated(error, method, path) from error

    def _note_refusal(self, status: int) -> None:
        if status == 401:
            self._authorization.forget()

    def _headers(self, headers: Mapping[str, str] | None) -> dict[str, str]:
        out = dict(headers or {})
        authorization = self._authorization.header()
        if authorization:
            out["authorization"] = authorization
        return out

    def _url(self, path: str, query: Query) -> yarl.URL:
        import yarl

        text = f"{self._origin}{self._base_path}{path}"
        if query:
            text += f"?{urlencode(query)}"
        return yarl.URL(text, encoded=True)

    def _request_session(self) -> aiohttp.ClientSession:
        if self._requests is None:
            self._requests = self._session(MAX_REQUEST_CONNECTIONS)
        return self._requests

    def _stream_session(self) -> aiohttp.ClientSession:
        if self._streams is None:
            self._streams = self._session(MAX_STREAMS)
        return self._streams

    def _session(self, connections: int) -> aiohttp.ClientSession:
        import aiohttp

        if self._closed:
            raise TransportError(f"connection to {self._settings.server} was closed", sent=False)
        context = tls_context(self._settings)
        connector = aiohttp.TCPConnector(
            limit=connections,
            ssl=context if context is not None else True,
            enable_cleanup_closed=False,
            keepalive_timeout=60,
            socket_factory=probed_socket,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=True,
            read_bufsize=_READ_BUFFER_BYTES,
        )

    def _translated(self, error: Exception, method: str, path: str) -> Exception:
        import aiohttp

        what = f"{method} {self._settings.server}{path}"
        if isinstance(error, TransportError | ConfigError):
            return error
        if isinstance(error, TimeoutError):
            return RequestTimeout(f"{what}: no answer in time")
        if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientProxyConnectionError):
            return TransportError(f"can't connect to {self._settings.server}: {error}", sent=False)
        if isinstance(error, aiohttp.ClientError | OSError):
            return TransportError(f"{what}: {error or type(error).__name__}")
        return error


class _NetworkStream:
    """One streamed answer over the network."""

    def __init__(self, response: aiohttp.ClientResponse, server: str) -> None:
        self._response = response
        self._server = server
        self._closed = False
        self.status = response.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}

    async def __aiter__(self) -> AsyncIterator[bytes]:
        import aiohttp

        try:
            async for chunk in self._response.content.iter_any():
                yield chunk
        except (aiohttp.ClientError, OSError) as error:
            if not self._closed:
                raise TransportError(f"stream from {self._server} broke: {error or type(error).__name__}") from error

    async def close(self) -> None:
        self._closed = True
        self._response.close()


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The whole body; refuses one that is larger than any Kubernetes answer should be."""
    if (response.content_length or 0) > _MAX_BODY_BYTES:
        raise TransportError(f"answer of {response.content_length} bytes is too large")
    return await response.read()
