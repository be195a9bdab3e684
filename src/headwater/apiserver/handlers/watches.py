"""Watch: events as lines, bookmarks, and the end after a while."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from headwater.apiserver import negotiation
from headwater.apiserver.handlers.environment import Environment, accepted
from headwater.apiserver.handlers.parameters import watch_options
from headwater.apiserver.handlers.representation import AsObject, Renderer, renderer
from headwater.apiserver.handlers.requestscope import Scope
from headwater.apiserver.registry.options import WatchOptions
from headwater.apiserver.registry.watching import WatchClosed, WatchItem, WatchSession
from headwater.apiserver.web.types import AnyResponse, Request, StreamResponse
from headwater.base import jsonio
from headwater.machinery.errors import StatusError
from headwater.machinery.objects import Object
from headwater.machinery.watch import ADDED, BOOKMARK, ERROR

_INITIAL_CHUNK = 200
_FINAL_BOOKMARK_SECONDS = 2.0


async def watch(environment: Environment, request: Request, scope: Scope) -> AnyResponse:
    """A stream of events. An expired resourceVersion is an ERROR event in the stream, as Kubernetes sends it."""
    form = accepted(request)
    if form.kind == negotiation.PARTIAL_LIST:
        form = negotiation.Accepted(form.media_type, negotiation.PARTIAL, form.version)
    include = request.query.get("includeObject")
    render = renderer(scope.info, form, include=include, now=environment.clock.now().timestamp(), single=True)
    options = watch_options(request.query)
    try:
        session = await environment.store.watch(scope.info, scope.cluster, scope.namespace, options)
    except StatusError as error:
        if error.code != 410:
            raise
        return StreamResponse(200, negotiation.JSON, _only_error(error))
    stream = EventStream(environment, session, render, options, shared=isinstance(render, AsObject), scope=scope)
    response = StreamResponse(200, negotiation.JSON, stream.chunks(), events=stream)
    response.on_finish.append(session.close)
    return response


async def _only_error(error: StatusError) -> AsyncIterator[bytes]:
    yield _line(ERROR, jsonio.dumps(error.to_status()))


def _line(kind: str, obj: bytes) -> bytes:
    return b'{"type":"%b","object":%b}\n' % (kind.encode(), obj)


class EventStream:
    """Turns a watch session into chunks of event lines, or into events for a reader in this process."""

    def __init__(
        self,
        environment: Environment,
        session: WatchSession,
        render: Renderer,
        options: WatchOptions,
        *,
        shared: bool,
        scope: Scope,
    ) -> None:
        self._environment = environment
        self._session = session
        self._render = render
        self._options = options
        # The encoded event that all watchers share is right only where objects leave as they are stored.
        self._shared = shared and scope.info.served_as_stored

    async def chunks(self) -> AsyncIterator[bytes]:
        """Chunks of whole lines, until the timeout, an error, or the end of the server."""
        try:
            async for group in self._changes():
                if isinstance(group, bytes):
                    yield _line(BOOKMARK, group)
                else:
                    yield b"".join([self._line_of(item) for item in group])
        except WatchClosed:
            return
        except StatusError as error:
            yield _line(ERROR, jsonio.dumps(error.to_status()))
        finally:
            self._session.close()

    async def __aiter__(self) -> AsyncGenerator[list[tuple[str, Object]], None]:
        """The events themselves; raises StatusError where the chunks have an ERROR event."""
        decoded = self._render.decoded
        try:
            async for group in self._changes():
                if isinstance(group, bytes):
                    yield [(BOOKMARK, jsonio.loads(group))]
                else:
                    yield [(kind, decoded(obj)) for kind, obj, _ in group]
        except WatchClosed:
            return
        finally:
            self._session.close()

    def close(self) -> None:
        """End the stream for whoever reads it."""
        self._session.close()

    async def _changes(self) -> AsyncIterator[Sequence[WatchItem] | bytes]:
        """The initial state and then the changes, in groups, and between them bookmarks, as bytes."""
        state = self._session.initial
        for start in range(0, len(state), _INITIAL_CHUNK):
            yield [WatchItem(ADDED, item) for item in state[start : start + _INITIAL_CHUNK]]
        self._session.initial = ()
        if self._options.send_initial_events and self._options.allow_bookmarks:
            yield self._render.bookmark(self._session.start, initial_end=True)
        clock, session = self._environment.clock, self._session
        timeout = self._options.timeout_seconds
        if timeout is None:
            # Spread over time, so that clients which came together don't come back together.
            timeout = self._environment.watch_seconds * random.uniform(1.0, 2.0)  # noqa: S311
        deadline = clock.monotonic() + timeout
        bookmarks = self._options.allow_bookmarks
        every = self._environment.bookmark_seconds
        last_mark = max(deadline - _FINAL_BOOKMARK_SECONDS, clock.monotonic() + timeout / 2)
        next_mark = min(clock.monotonic() + every, last_mark)
        while True:
            now = clock.monotonic()
            if now >= deadline:
                return
            items = await session.next((min(next_mark, deadline) if bookmarks else deadline) - now)
            if items:
                yield items
            if bookmarks and clock.monotonic() >= next_mark:
                yield self._render.bookmark(session.revision, initial_end=False)
                now = clock.monotonic()
                next_mark = min(now + every, last_mark) if now < last_mark else deadline + every

    def _line_of(self, item: WatchItem) -> bytes:
        kind, obj, event = item
        if self._shared and event is not None:
            return event.encoded
        return _line(kind, self._render.event(obj))
