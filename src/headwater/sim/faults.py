"""Settable trouble of a simulated pcluster: latency, refused requests, a partition, lies, and writes that are denied.

`GET` and `PUT /sim/faults` read and set it as JSON, for members of system:masters; what is below `/sim` has no trouble.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import asdict, dataclass
from typing import Any, cast

from headwater.apiserver.authn.interface import PRIVILEGED_GROUP
from headwater.apiserver.requestinfo import parse
from headwater.apiserver.web.types import AnyResponse, Handler, Request, Response, StreamResponse, UpgradeResponse
from headwater.base import jsonio
from headwater.base.channel import ByteChannel
from headwater.base.clock import Clock
from headwater.machinery.errors import BadRequest, Forbidden, InternalError, MethodNotAllowed, ServiceUnavailable

_OWN_PATHS = "/sim/"
PATH = f"{_OWN_PATHS}faults"
_BODY_LIMIT = 4096
_MAXIMUM_LATENCY_MS = 60_000
_PARTITION_SECONDS = 60.0
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class FaultSettings:
    """Latency in milliseconds (plus or minus half of `jitter_ms`), the share of requests that fail (0 to 1), and
    whether the pcluster can't be reached at all. With `empty_lists` it says of every collection that it is empty.
    Writes of `denied_resource`, a plural, are denied as by a webhook that says `denial`."""

    latency_ms: float = 0.0
    jitter_ms: float = 0.0
    error_share: float = 0.0
    partition: bool = False
    empty_lists: bool = False
    denied_resource: str = ""
    denial: str = ""


_NO_FAULTS = FaultSettings()


def settings_from(data: Any) -> FaultSettings:
    """Settings from decoded JSON; absent fields are zero. Raises BadRequest."""
    if not isinstance(data, dict) or data.keys() - asdict(FaultSettings()).keys():
        raise BadRequest(f"faults must be an object with {', '.join(asdict(FaultSettings()))}")
    partition, empty_lists = _switch(data, "partition"), _switch(data, "empty_lists")
    latency = _number(data, "latency_ms", _MAXIMUM_LATENCY_MS)
    jitter = _number(data, "jitter_ms", _MAXIMUM_LATENCY_MS)
    denied, denial = _text(data, "denied_resource"), _text(data, "denial")
    share = _number(data, "error_share", 1.0)
    return FaultSettings(latency, jitter, share, partition, empty_lists, denied, denial)


def _switch(data: dict[str, Any], key: str) -> bool:
    value = data.get(key, False)
    if not isinstance(value, bool):
        raise BadRequest(f"{key} must be true or false")
    return value


def _text(data: dict[str, Any], key: str) -> str:
    value = data.get(key, "")
    if not isinstance(value, str):
        raise BadRequest(f"{key} must be text")
    return value


def _number(data: dict[str, Any], key: str, maximum: float) -> float:
    value = data.get(key, 0.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= maximum:
        raise BadRequest(f"{key} must be a number from 0 to {maximum:g}")
    return float(value)


def _empty(response: Response) -> None:
    """Take the items out of a list; whatever else it is stays."""
    body = response.body if isinstance(response.body, bytes) else b"".join(response.body)
    try:
        found = jsonio.loads(body)
    except jsonio.DecodeError:
        return
    if isinstance(found, dict) and isinstance(found.get("items"), list):
        response.body = jsonio.dumps({**found, "items": []})


class _Reached:
    """An upgraded connection on which nothing passes while the pcluster can't be reached."""

    def __init__(self, channel: ByteChannel, reachable: asyncio.Event) -> None:
        self._channel = channel
        self._reachable = reachable

    async def read(self) -> bytes:
        data = await self._channel.read()
        await self._reachable.wait()
        return data

    async def write(self, data: bytes) -> None:
        await self._reachable.wait()
        await self._channel.write(data)

    def close(self, reason: str = "") -> None:
        self._channel.close(reason)


class Faults:
    """A filter that stands where the network would be: outside of authentication and of everything else.

    A partition holds requests until it ends, as lost packets would, and open streams fall silent.
    """

    def __init__(self, *, clock: Clock, source: random.Random | None = None) -> None:
        self.settings = FaultSettings()
        self._clock = clock
        self._random = source or random.Random()  # noqa: S311 - decides about simulated trouble only
        self._reachable = asyncio.Event()
        self._reachable.set()

    def set(self, settings: FaultSettings) -> None:
        """Change the trouble from now on; requests on their way finish as they began."""
        self.settings = settings
        if settings.partition:
            self._reachable.clear()
        else:
            self._reachable.set()

    async def __call__(self, request: Request, handler: Handler) -> AnyResponse:
        if request.path.startswith(_OWN_PATHS) or self.settings == _NO_FAULTS:
            return self._watched(await handler(request))
        await self._pass()
        self._deny(request)
        response = await handler(request)
        if self.settings.empty_lists and request.method == "GET" and isinstance(response, Response):
            _empty(response)
        return self._watched(response)

    async def _pass(self) -> None:
        settings = self.settings
        if settings.partition:
            try:
                async with asyncio.timeout(_PARTITION_SECONDS):
                    await self._reachable.wait()
            except TimeoutError:
                raise ServiceUnavailable("this simulated pcluster is partitioned from the network") from None
        if settings.latency_ms or settings.jitter_ms:
            jitter = (self._random.random() - 0.5) * settings.jitter_ms
            await self._clock.sleep(max(settings.latency_ms + jitter, 0.0) / 1000)
        if settings.error_share and self._random.random() < settings.error_share:
            raise InternalError("this simulated pcluster was told to fail")

    def _deny(self, request: Request) -> None:
        denied = self.settings.denied_resource
        if not denied or request.method not in _WRITES:
            return
        if parse(request.method, request.path, request.query).resource == denied:
            raise Forbidden(f'admission webhook "deny.sim.example" denied the request: {self.settings.denial}')

    def _watched(self, response: AnyResponse) -> AnyResponse:
        if isinstance(response, UpgradeResponse):
            serve = response.serve
            response.serve = lambda channel: serve(_Reached(channel, self._reachable))
        elif isinstance(response, StreamResponse):
            response.chunks = self._through(response.chunks)
        return response

    async def _through(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async with aclosing(cast("AsyncGenerator[bytes, None]", chunks)):
            async for chunk in chunks:
                await self._reachable.wait()
                if self.settings.latency_ms:
                    await self._clock.sleep(self.settings.latency_ms / 1000)
                yield chunk

    async def serve(self, request: Request) -> Response:
        """Answer the endpoint, behind authentication."""
        if PRIVILEGED_GROUP not in request.user.groups:
            raise Forbidden(f'User "{request.user.name}" cannot change the faults of this simulated pcluster')
        if request.method == "PUT":
            body = await request.body(_BODY_LIMIT)
            try:
                data = jsonio.loads(body)
            except jsonio.DecodeError as error:
                raise BadRequest(f"faults must be JSON: {error}") from None
            self.set(settings_from(data))
        elif request.method != "GET":
            raise MethodNotAllowed("faults are read with GET and set with PUT")
        return Response(body=jsonio.dumps(asdict(self.settings)))
