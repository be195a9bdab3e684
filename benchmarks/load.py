"""A load of requests from one client process: how many a second, and how long they take."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import orjson

DATA = {f"k{number}": "x" * 100 for number in range(10)}
CONNECTIONS = 32
HEADERS = {"Content-Type": "application/json"}
Figures = dict[str, Any]
Call = Callable[[aiohttp.ClientSession, int], Awaitable[int]]


async def measure(session: aiohttp.ClientSession, call: Call, count: int) -> Figures:
    """Run `count` calls over all connections at once. Every answer must be a success."""
    latencies: list[float] = []
    errors = 0
    numbers = iter(range(count))

    async def worker() -> None:
        nonlocal errors
        for number in numbers:
            started = time.perf_counter()
            errors += await call(session, number) >= 300
            latencies.append(time.perf_counter() - started)

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(CONNECTIONS)))
    seconds = time.perf_counter() - started
    latencies.sort()
    return {
        "per_second": round(count / seconds),
        "p50_ms": round(latencies[len(latencies) // 2] * 1e3, 2),
        "p99_ms": round(latencies[int(len(latencies) * 0.99)] * 1e3, 2),
        "errors": errors,
    }


def configmap(name: str) -> bytes:
    """A ConfigMap of 1.2 KB."""
    return orjson.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": DATA})


def open_session(token: str) -> aiohttp.ClientSession:
    """A client session over TLS that trusts any certificate: what is measured is on this machine."""
    connector = aiohttp.TCPConnector(limit=CONNECTIONS, ssl=_unverified())
    return aiohttp.ClientSession(connector=connector, headers={"Authorization": f"Bearer {token}"})


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def api_figures(server: str, token: str, count: int) -> dict[str, Figures]:
    """create, get, merge patch, apply and delete of ConfigMaps in namespace default."""
    collection = f"{server}/api/v1/namespaces/default/configmaps"
    run = f"b{int(time.time())}"

    async def create(session: aiohttp.ClientSession, number: int) -> int:
        async with session.post(collection, data=configmap(f"{run}-{number}"), headers=HEADERS) as answer:
            await answer.read()
            return answer.status

    async def get(session: aiohttp.ClientSession, number: int) -> int:
        async with session.get(f"{collection}/{run}-{number}") as answer:
            await answer.read()
            return answer.status

    async def patch(session: aiohttp.ClientSession, number: int) -> int:
        headers = {"Content-Type": "application/merge-patch+json"}
        body = b'{"metadata":{"labels":{"a":"b"}}}'
        async with session.patch(f"{collection}/{run}-{number}", data=body, headers=headers) as answer:
            await answer.read()
            return answer.status

    async def apply(session: aiohttp.ClientSession, number: int) -> int:
        headers = {"Content-Type": "application/apply-patch+yaml"}
        url = f"{collection}/{run}-a{number}?fieldManager=bench"
        async with session.patch(url, data=configmap(f"{run}-a{number}"), headers=headers) as answer:
            await answer.read()
            return answer.status

    async def delete(session: aiohttp.ClientSession, number: int) -> int:
        async with session.delete(f"{collection}/{run}-{number}") as answer:
            await answer.read()
            return answer.status

    calls = {"create": create, "get": get, "merge_patch": patch, "apply": apply, "delete": delete}
    async with open_session(token) as session:
        return {name: await measure(session, call, count) for name, call in calls.items()}
