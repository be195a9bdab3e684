"""Floors: what a bare server of the same library, and a bare database, do on this machine at this moment."""

from __future__ import annotations

import asyncio
import ssl
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import apsw
import uvloop
from aiohttp import web

from benchmarks.load import HEADERS, Figures, configmap, measure, open_session


async def http_floor(certificate: Path, key: Path, count: int) -> dict[str, Figures]:
    """GET and POST of a ConfigMap's bytes against a server process that does nothing else."""
    async with _bare_server(certificate, key) as port:
        url = f"https://127.0.0.1:{port}/"

        async def get(session: aiohttp.ClientSession, number: int) -> int:
            async with session.get(url) as answer:
                await answer.read()
                return answer.status

        async def post(session: aiohttp.ClientSession, number: int) -> int:
            async with session.post(url, data=configmap(f"x{number}"), headers=HEADERS) as answer:
                await answer.read()
                return answer.status

        async with open_session("none") as session:
            return {"get": await measure(session, get, count), "post": await measure(session, post, count)}


@asynccontextmanager
async def _bare_server(certificate: Path, key: Path) -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.floors", str(certificate), str(key), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None, "asked for a pipe"
    try:
        yield int(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()


async def serve_bare(certificate: Path, key: Path) -> None:
    """The bare server: prints its port, answers every request with the same bytes."""
    body = configmap("x")

    async def answer(request: web.BaseRequest) -> web.Response:
        await request.read()
        return web.Response(body=body, content_type="application/json")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


def database_floor(count: int, batch: int = 32) -> Figures:
    """Durable puts a second into one SQLite table, in transactions of `batch`, by a plain loop."""
    value = configmap("x")
    with tempfile.TemporaryDirectory() as folder:
        connection = apsw.Connection(str(Path(folder) / "floor.db"))
        for statement in (
            "PRAGMA journal_mode=WAL",
            "PRAGMA synchronous=FULL",
            "CREATE TABLE kv(k TEXT PRIMARY KEY, v BLOB)",
        ):
            connection.execute(statement)
        started = time.perf_counter()
        for first in range(0, count, batch):
            with connection:
                rows = [(f"k{number}", value) for number in range(first, min(first + batch, count))]
                connection.executemany("INSERT OR REPLACE INTO kv VALUES(?,?)", rows)
        seconds = time.perf_counter() - started
        connection.close()
    return {"per_second": round(count / seconds)}


if __name__ == "__main__":
    uvloop.run(serve_bare(Path(sys.argv[1]), Path(sys.argv[2])))
