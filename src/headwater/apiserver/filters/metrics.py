"""Counts and times every request under Kubernetes' metric names, with few series whatever clients send."""

from __future__ import annotations

from typing import Final

from headwater.apiserver.web.types import AnyResponse, Handler, Request, StreamResponse
from headwater.base.clock import Clock
from headwater.telemetry.metrics import CounterChild, HistogramChild, Registry

_VERBS: Final = {
    "get": "GET", "list": "LIST", "watch": "WATCH", "create": "POST", "update": "PUT", "patch": "PATCH",
    "delete": "DELETE", "deletecollection": "DELETECOLLECTION", "post": "POST", "put": "PUT", "head": "GET",
}  # fmt: skip
_MAX_KEYS: Final = 2000
# What a stranger can cause for any name that comes to mind must not make a series.
_UNSURE: Final = frozenset({400, 401, 403, 404, 405})

_Key = tuple[str, str, str, str, int]


class MetricsFilter:
    """Feeds `apiserver_request_total` and `apiserver_request_duration_seconds`. A watch is counted when it ends.

    A group and resource become labels once a request for them was served, so guessing names makes no series.
    """

    def __init__(self, metrics: Registry, *, clock: Clock) -> None:
        self._clock = clock
        self._total = metrics.counter(
            "apiserver_request_total", "Requests by verb, resource and status code.",
            ("verb", "group", "resource", "subresource", "code"),
        )  # fmt: skip
        self._duration = metrics.histogram(
            "apiserver_request_duration_seconds", "Time from the request's head to the answer.",
            ("verb", "group", "resource", "subresource"),
        )  # fmt: skip
        self._children: dict[_Key, tuple[CounterChild, HistogramChild]] = {}
        self._served: set[tuple[str, str, str]] = set()

    async def __call__(self, request: Request, following: Handler) -> AnyResponse:
        start = self._clock.monotonic()
        code = 499
        try:
            response = await following(request)
            code = response.status
            if isinstance(response, StreamResponse):
                status = code
                code = 0
                response.on_finish.append(lambda: self._record(request, status, start))
            return response
        finally:
            if code:
                self._record(request, code, start)

    def _record(self, request: Request, code: int, start: float) -> None:
        info = request.info
        key = (info.verb, info.group, info.resource, info.subresource, code)
        children = self._children.get(key)
        if children is None:
            children = self._children_for(key)
        children[0].inc()
        children[1].observe(self._clock.monotonic() - start)

    def _children_for(self, key: _Key) -> tuple[CounterChild, HistogramChild]:
        verb, group, resource, subresource, code = key
        named = (group, resource, subresource)
        if code not in _UNSURE:
            self._served.add(named)
        known = named in self._served
        if not known:
            group = resource = subresource = ""
        name = _VERBS.get(verb, "OTHER")
        children = (
            self._total.labels(name, group, resource, subresource, str(code)),
            self._duration.labels(name, group, resource, subresource),
        )
        if known and len(self._children) < _MAX_KEYS:
            self._children[key] = children
        return children
