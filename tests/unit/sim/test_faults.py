"""Faults: what trouble can be set, and what it does to requests."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from headwater.apiserver.authn.interface import PRIVILEGED_GROUP, UserInfo
from headwater.apiserver.web.types import AnyResponse, Request, Response, StreamResponse, UpgradeResponse
from headwater.base import jsonio
from headwater.base.channel import ByteChannel
from headwater.base.clock import ManualClock
from headwater.base.tasks import TaskGroup
from headwater.machinery.errors import BadRequest, Forbidden, InternalError, MethodNotAllowed, ServiceUnavailable
from headwater.sim.faults import PATH, Faults, FaultSettings, settings_from

ADMIN = UserInfo("admin", groups=(PRIVILEGED_GROUP,))


async def answer(_request: Request) -> AnyResponse:
    return Response(200, b"ok")


def request(path: str = "/api", method: str = "GET", body: bytes = b"", user: UserInfo = ADMIN) -> Request:
    async def read(_limit: int) -> bytes:
        return body

    return Request(method, path, read_body=read, user=user)


@pytest.mark.parametrize(
    ("data", "settings"),
    [
        ({}, FaultSettings()),
        ({"latency_ms": 20, "jitter_ms": 5}, FaultSettings(latency_ms=20, jitter_ms=5)),
        ({"error_share": 0.5, "partition": True}, FaultSettings(error_share=0.5, partition=True)),
        ({"denied_resource": "jobs", "denial": "no"}, FaultSettings(denied_resource="jobs", denial="no")),
    ],
)
def test_settings(data: object, settings: FaultSettings) -> None:
    """What is left out is zero."""
    assert settings_from(data) == settings


@pytest.mark.parametrize(
    "data",
    [
        [],
        {"x": 1},
        {"latency_ms": -1},
        {"latency_ms": "1"},
        {"latency_ms": True},
        {"error_share": 2},
        {"partition": 1},
        {"denial": 1},
    ],
)
def test_settings_that_make_no_sense(data: object) -> None:
    """They are refused."""
    with pytest.raises(BadRequest):
        settings_from(data)


async def test_without_faults_nothing_changes() -> None:
    """The filter is transparent."""
    assert await Faults(clock=ManualClock())(request(), answer) == Response(200, b"ok")


async def test_latency_delays_requests() -> None:
    """By the time that is set, and no longer."""
    clock = ManualClock()
    faults = Faults(clock=clock)
    faults.set(FaultSettings(latency_ms=100))
    async with TaskGroup("test") as group:
        task = group.start(faults(request(), answer))
        while not clock.sleeping:
            await asyncio.sleep(0)
        assert not task.done()
        clock.advance(0.1)
        assert (await task).status == 200


async def test_a_share_of_requests_fails() -> None:
    """As many as the dice say; the fault endpoint never does."""
    faults = Faults(clock=ManualClock(), source=random.Random(1))
    faults.set(FaultSettings(error_share=0.5))
    failed = 0
    for _ in range(100):
        try:
            await faults(request(), answer)
        except InternalError:
            failed += 1
    assert 30 < failed < 70
    faults.set(FaultSettings(error_share=1.0))
    assert (await faults(request(PATH), answer)).status == 200


async def test_lies_about_what_there_is() -> None:
    """Lists are empty, and objects that are asked for by name are there."""

    async def serve(asked: Request) -> AnyResponse:
        if asked.path.endswith("/pods"):
            return Response(200, [b'{"kind":"PodList","items":[', b'{"kind":"Pod"}]}'])
        return Response(200, b'{"kind":"Pod"}' if asked.path.endswith("/one") else b"plain text")

    faults = Faults(clock=ManualClock())
    faults.set(settings_from({"empty_lists": True}))
    listed = await faults(request("/api/v1/pods"), serve)
    assert isinstance(listed, Response)
    assert jsonio.loads(listed.body) == {"kind": "PodList", "items": []}  # type: ignore[arg-type]
    for path, body in (("/api/v1/pods/one", b'{"kind":"Pod"}'), ("/healthz", b"plain text")):
        assert (await faults(request(path), serve)).body == body  # type: ignore[union-attr]


async def test_writes_of_a_resource_are_denied() -> None:
    """Of no other, and nobody is kept from reading."""
    faults = Faults(clock=ManualClock())
    faults.set(FaultSettings(denied_resource="jobs", denial="not on Sundays"))
    jobs = "/apis/batch/v1/namespaces/shop/jobs"
    for method, path in (("POST", jobs), ("PATCH", f"{jobs}/one"), ("DELETE", f"{jobs}/one")):
        with pytest.raises(Forbidden, match="denied the request: not on Sundays"):
            await faults(request(path, method), answer)
    assert (await faults(request(jobs), answer)).status == 200
    assert (await faults(request("/api/v1/namespaces/shop/secrets", "POST"), answer)).status == 200


async def test_a_partition_holds_requests_and_streams() -> None:
    """They go on when it heals, streams without a gap."""
    faults = Faults(clock=ManualClock())

    async def chunks() -> AsyncIterator[bytes]:
        for part in (b"1", b"2", b"3"):
            yield part

    async def stream(_request: Request) -> AnyResponse:
        return StreamResponse(200, "application/json", chunks())

    response = await faults(request(), stream)
    assert isinstance(response, StreamResponse)
    iterator = response.chunks
    assert await anext(iterator) == b"1"
    faults.set(FaultSettings(partition=True))
    async with TaskGroup("test") as group:
        held = group.start(faults(request(), answer))
        silent = group.start(_next(iterator))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not held.done()
        assert not silent.done()
        faults.set(FaultSettings())
        assert (await held).status == 200
        assert await silent == b"2"
    assert [part async for part in iterator] == [b"3"]


async def _next(iterator: AsyncIterator[bytes]) -> bytes:
    return await anext(iterator)


async def test_a_partition_ends_in_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request isn't held for ever."""
    monkeypatch.setattr("headwater.sim.faults._PARTITION_SECONDS", 0.0)
    faults = Faults(clock=ManualClock())
    faults.set(FaultSettings(partition=True))
    with pytest.raises(ServiceUnavailable):
        await faults(request(), answer)


async def test_the_endpoint_reads_and_sets() -> None:
    """For administrators only."""
    faults = Faults(clock=ManualClock())
    await faults.serve(request(PATH, "PUT", b'{"latency_ms": 5}'))
    assert faults.settings == FaultSettings(latency_ms=5)
    shown = await faults.serve(request(PATH))
    assert isinstance(shown.body, bytes)
    assert jsonio.loads(shown.body) == {
        "latency_ms": 5.0, "jitter_ms": 0.0, "error_share": 0.0, "partition": False, "empty_lists": False,
        "denied_resource": "", "denial": "",
    }  # fmt: skip
    with pytest.raises(BadRequest):
        await faults.serve(request(PATH, "PUT", b"{"))
    with pytest.raises(MethodNotAllowed):
        await faults.serve(request(PATH, "DELETE"))
    with pytest.raises(Forbidden):
        await faults.serve(request(PATH, user=UserInfo("someone")))


async def test_upgraded_connections_fall_silent_in_a_partition() -> None:
    """And say what they had to say when it ends."""
    faults = Faults(clock=ManualClock())
    said: list[bytes] = []

    class Channel:
        async def read(self) -> bytes:
            return b"asked"

        async def write(self, data: bytes) -> None:
            said.append(data)

        def close(self, reason: str = "") -> None:
            said.append(b"closed")

    async def serve(channel: ByteChannel) -> None:
        await channel.write(await channel.read())
        channel.close()

    async def upgrade(_request: Request) -> AnyResponse:
        return UpgradeResponse(serve, headers=())

    response = await faults(request(), upgrade)
    assert isinstance(response, UpgradeResponse)
    faults.set(FaultSettings(partition=True))
    async with TaskGroup("test") as group:
        serving = group.start(response.serve(Channel()))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        assert not said
        faults.set(FaultSettings())
        await serving
    assert said == [b"asked", b"closed"]
