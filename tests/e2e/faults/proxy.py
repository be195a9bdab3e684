"""A proxy that can cut, delay and silence connections: what a network does to programs that can't tell why.

It speaks HTTP CONNECT, so that a kubeconfig's `proxy-url` leads everything through it, whatever server it is for.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Literal

Mode = Literal["pass", "cut", "silent", "deaf"]
"""`cut` ends and refuses connections, `silent` holds everything back as lost packets do, and `deaf` holds back only
what servers answer: their clients' writes arrive, and they never hear of it."""

_CHUNK = 2**16


class FaultyProxy:
    """A proxy in a thread of its own, on a free port of the loopback interface."""

    def __init__(self) -> None:
        self._mode: Mode = "pass"
        self._delay_seconds = 0.0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="faulty-proxy", daemon=True)
        self._ready = threading.Event()
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    @property
    def url(self) -> str:
        """For `proxy-url`."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> FaultyProxy:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def set(self, mode: Mode, delay_seconds: float = 0.0) -> None:
        """Change what happens, to connections that are open too."""
        self._in_loop(lambda: self._set(mode, delay_seconds))

    def _in_loop(self, change: Callable[[], None]) -> None:
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (change(), done.set()))
        assert done.wait(10)

    def _set(self, mode: Mode, delay_seconds: float) -> None:
        self._mode, self._delay_seconds = mode, delay_seconds
        self._changed.set()
        self._changed = asyncio.Event()
        if mode == "cut":
            for writer in self._open:
                writer.transport.abort()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stop, self._changed = asyncio.Event(), asyncio.Event()
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        self._set("cut", 0.0)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far: asyncio.StreamWriter | None = None
        self._open.add(writer)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            host, _, port = head.split()[1].decode().rpartition(":")
            if self._mode == "cut":
                return
            answers, far = await asyncio.open_connection(host, int(port))
            self._open.add(far)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(self._carry(reader, far, {"silent"}), self._carry(answers, writer, {"silent", "deaf"}))
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # One of both sides is gone, or the proxy ends; who is left shall see it.
        finally:
            for each in (writer, far):
                if each is not None:
                    self._open.discard(each)
                    each.transport.abort()

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, holding: set[str]) -> None:
        while data := await source.read(_CHUNK):
            if self._delay_seconds:
                await asyncio.sleep(self._delay_seconds)
            while self._mode in holding:
                await self._changed.wait()
            sink.write(data)
            await sink.drain()
        with contextlib.suppress(OSError):
            sink.write_eof()
