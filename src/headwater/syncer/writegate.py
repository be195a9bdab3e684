"""What all requests of the syncer go through: writes only while it leads and as fast as agreed, all of it counted and
in the trace that it is part of."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from headwater.base.clock import Clock
from headwater.client.interface import Query, RawResponse, Stream, Transport, TransportError
from headwater.syncer.tokenbucket import TokenBucket
from headwater.telemetry.metrics import Registry
from headwater.telemetry.tracing import with_trace

_READS = frozenset({"GET", "HEAD"})


class NotLeading(TransportError):
    """The write was not sent, since another syncer may lead by now."""


class WriteGate:
    """A transport in front of another one. ``may_write`` is asked in the moment before a write is sent."""

    def __init__(
        self,
        inner: Transport,
        *,
        side: str,
        may_write: Callable[[], bool],
        bucket: TokenBucket,
        clock: Clock,
        registry: Registry,
    ) -> None:
        self._inner = inner
        self._side = side
        self._may_write = may_write
        self._bucket = bucket
        self._clock = clock
        self._count = registry.counter(
            "syncer_requests_total", "Requests by side, verb and status; 0 for no answer.", ["side", "verb", "code"]
        )
        self._seconds = registry.histogram(
            "syncer_request_duration_seconds", "Seconds until the whole answer was there.", ["side", "verb"]
        )
        self._waited = registry.counter(
            "syncer_throttled_seconds_total", "Seconds that writes waited for --qps.", ["side"]
        ).labels(side)

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
        """See `Transport.request`. Raises NotLeading."""
        if method not in _READS:
            await self._pass()
        started, code = self._clock.monotonic(), 0
        try:
            traced = with_trace(headers)
            answer = await self._inner.request(method, path, query=query, headers=traced, body=body, timeout=timeout)
            code = answer.status
            return answer
        finally:
            self._count.labels(self._side, method, code).inc()
            self._seconds.labels(self._side, method).observe(self._clock.monotonic() - started)

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
        """See `Transport.stream`. Raises NotLeading."""
        if method not in _READS:
            await self._pass()
        code = 0
        try:
            stream = await self._inner.stream(method, path, query=query, headers=headers, body=body, timeout=timeout)
            code = stream.status
            return stream
        finally:
            self._count.labels(self._side, "WATCH" if method == "GET" else method, code).inc()

    async def close(self) -> None:
        """Close the transport behind."""
        await self._inner.close()

    async def _pass(self) -> None:
        seconds = self._bucket.reserve()
        if seconds > 0:
            self._waited.inc(seconds)
            await self._clock.sleep(seconds)
        if not self._may_write():
            raise NotLeading("this syncer doesn't lead (any more), so it doesn't write", sent=False)
