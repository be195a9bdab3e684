"""The syncer's part of traces: from a write upstream to its apply below, and to the status that comes back."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final

from headwater.apis.workload.labels import TRACE_ANNOTATION
from headwater.base.clock import Clock
from headwater.machinery.objects import Object, split_key
from headwater.machinery.objects import annotations as annotations_of
from headwater.syncer.identity import TargetIdentity, parse_item
from headwater.telemetry.tracing import Attributes, Tracing
from headwater.telemetry.writetraces import WriteTraces

_CONTINUED_SECONDS: Final = 30.0
_MOST: Final = 10_000
_NOTHING: AbstractContextManager[None] = nullcontext()


class SyncTraces:
    """Spans `apply` and `status`, which name both sides of an object and nothing that is in it.

    An apply continues the trace of the write that it brings down, for half a minute after the first one that did:
    what repairs a copy later is a trace of its own. A status continues the latest apply for ten minutes.
    """

    def __init__(self, tracing: Tracing, *, identity: TargetIdentity, clock: Clock) -> None:
        self._tracing = tracing
        self._identity = identity
        self._clock = clock
        self._continued: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._applied = WriteTraces(clock)

    def applying(self, item: str, upstream: Object, place: tuple[str, str]) -> AbstractContextManager[None]:
        """Around the request that brings an upstream object down, to a place by namespace and name."""
        return self._applying(item, upstream, place) if self._tracing.enabled else _NOTHING

    @contextmanager
    def _applying(self, item: str, upstream: Object, place: tuple[str, str]) -> Iterator[None]:
        parent = self._to_continue(item, annotations_of(upstream).get(TRACE_ANNOTATION, ""))
        with self._tracing.span("apply", parent=parent, attributes=self._sides(item, place)) as span:
            yield
            self._applied.put(item, span.traceparent)

    def _to_continue(self, item: str, written: str) -> str:
        """The trace of the latest write, unless that was brought down long ago. Our view of an object outlives it."""
        if not written:
            return ""
        now = self._clock.monotonic()
        known, since = self._continued.pop(item, ("", 0.0))
        since = since if known == written else now
        self._continued[item] = (written, since)
        while len(self._continued) > _MOST:
            self._continued.popitem(last=False)
        return written if now - since < _CONTINUED_SECONDS else ""

    def reporting(self, item: str, place: tuple[str, str]) -> AbstractContextManager[object]:
        """Around the request that takes a status up."""
        if not self._tracing.enabled:
            return _NOTHING
        return self._tracing.span("status", parent=self._applied.get(item), attributes=self._sides(item, place))

    def _sides(self, item: str, place: tuple[str, str]) -> Attributes:
        resource, key = parse_item(item)
        cluster, namespace, name = split_key(key)
        return {
            "sync-target": self._identity.name, "workspace": cluster, "namespace": namespace, "name": name,
            "api-group": resource.group, "resource": resource.resource,
            "downstream-namespace": place[0], "downstream-name": place[1],
        }  # fmt: skip
