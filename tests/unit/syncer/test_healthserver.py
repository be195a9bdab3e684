"""The health endpoint and the settings."""

from __future__ import annotations

import asyncio

import pytest

from headwater.syncer.healthserver import HealthServer
from headwater.syncer.options import OptionsError, SyncerOptions
from headwater.syncer.spec.brake import BrakeSettings
from headwater.telemetry.health import HealthChecks
from headwater.telemetry.metrics import Registry


async def ask(port: int, text: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text.encode())
    answer = await reader.read()
    writer.close()
    return answer.decode()


async def test_it_tells_health_and_metrics() -> None:
    health, registry = HealthChecks(), Registry()
    health.add("upstream", lambda: "no connection")
    registry.counter("syncer_test_total", "Test.").inc()
    server = HealthServer("127.0.0.1:0", health=health, registry=registry)
    await server.listen()
    running = asyncio.ensure_future(server.run())
    assert "200 OK" in await ask(server.port, "GET /livez HTTP/1.1\r\n\r\n")
    ready = await ask(server.port, "GET /readyz?verbose HTTP/1.1\r\n\r\n")
    assert "503" in ready
    assert "[-]upstream failed" in ready
    assert "no connection" not in ready
    assert "syncer_test_total 1" in await ask(server.port, "GET /metrics HTTP/1.1\r\n\r\n")
    assert "404" in await ask(server.port, "GET /secrets HTTP/1.1\r\n\r\n")
    assert "405" in await ask(server.port, "POST /livez HTTP/1.1\r\n\r\n")
    assert await ask(server.port, "x" * 10_000) == ""
    with pytest.raises(OptionsError, match="can't listen"):
        await HealthServer(f"127.0.0.1:{server.port}", health=health, registry=registry).listen()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:²"])
def test_addresses_without_a_port(address: str) -> None:
    with pytest.raises(OptionsError, match="host:port"):
        HealthServer(address, health=HealthChecks(), registry=Registry())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sync_target_name": ""}, "--sync-target-name is required"),
        ({"sync_target_uid": ""}, "--sync-target-uid is required"),
        ({"heartbeat_seconds": 0}, "--heartbeat-interval must be 1 to 600 seconds"),
        ({"heartbeat_seconds": 601}, "--heartbeat-interval"),
        ({"heartbeat_seconds": float("nan")}, "--heartbeat-interval"),
        ({"namespace_clean_delay_seconds": -1}, "clean-delay"),
        ({"namespace_clean_delay_seconds": float("nan")}, "clean-delay must be a finite number"),
        ({"brake": BrakeSettings(window_seconds=float("nan"))}, "--deletion-brake-window must be a finite number"),
        ({"brake": BrakeSettings(window_seconds=float("inf"))}, "--deletion-brake-window must be a finite number"),
        ({"qps": float("nan")}, "--qps must be a finite number"),
        ({"credentials_secret": "a/b/c"}, r"--credentials-secret 'a/b/c' is not \[NAMESPACE/\]NAME"),
        ({"credentials_secret": "../b"}, "--credentials-secret"),
        ({"lease_namespace": "Bad_NS"}, "--lease-namespace"),
        ({"workers": 0}, "--workers"),
    ],
)
def test_options_that_can_not_work(change: dict[str, object], message: str) -> None:
    settings = {"sync_target_name": "a", "sync_target_uid": "b", "from_kubeconfig": "x", **change}
    with pytest.raises(OptionsError, match=message):
        SyncerOptions(**settings).check()  # type: ignore[arg-type]
