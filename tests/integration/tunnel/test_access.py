"""What users do with their pods through the tunnel."""

from __future__ import annotations

import asyncio

import pytest
from tests.integration.tunnel.callers import admin
from tests.integration.tunnel.ground import Ground

pytestmark = pytest.mark.asyncio(loop_scope="module")
POD = "/api/v1/namespaces/default/pods/web"


async def test_a_log(shared: Ground) -> None:
    answer = await shared.line.workspace.raw("GET", f"{POD}/log", query=[("tailLines", "1"), ("container", "main")])
    assert answer.status == 200
    assert b"simulated container main started" in answer.body


async def test_a_log_is_followed(shared: Ground) -> None:
    """Lines come as they are written, and the client ends it."""
    transport = shared.line.workspace._transport
    path = f"/clusters/{shared.line.cluster}{POD}/log"
    stream = await transport.stream("GET", path, query=[("follow", "true"), ("tailLines", "0")])
    async with admin(shared).exec("sh", "-c", "echo written later > /proc/1/fd/1") as command:
        await command.rest()
    found = b""
    async with asyncio.timeout(60):
        async for chunk in stream:
            found += chunk
            if b"written later\n" in found:
                break
    await stream.close()


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ([("container", "nothing")], 400, "container nothing is not valid for pod web"),
        ([("sinceSeconds", "1"), ("insecureSkipTLSVerifyBackend", "true")], 200, ""),
    ],
)
async def test_a_kubelets_refusal_comes_up(
    shared: Ground, query: list[tuple[str, str]], status: int, message: str
) -> None:
    """In its own words, without the names that the pcluster has for things."""
    answer = await shared.line.workspace.raw("GET", f"{POD}/log", query=query)
    assert answer.status == status
    assert message.encode() in answer.body
    assert shared.space.encode() not in answer.body


@pytest.mark.parametrize(
    ("command", "typed", "output", "errors", "code"),
    [
        (("echo", "hello", "there"), b"", b"hello there\n", b"", 0),
        (("cat",), b"typed\n", b"typed\n", b"", 0),
        (("sh", "-c", "echo out; echo no >/dev/stderr; exit 7"), b"", b"out\n", b"no\n", 7),
        (("sh", "-c", "seq 3 | tail -c+3 | wc -c && echo $COLOR"), b"", b"4\ngreen\n", b"", 0),
        (("nothing",), b"", b"", b'exec: "nothing": executable file not found in $PATH\n', 127),
    ],
)
async def test_a_command(
    shared: Ground, command: tuple[str, ...], typed: bytes, output: bytes, errors: bytes, code: int
) -> None:
    async with admin(shared).exec(*command) as running:
        if typed:
            await running.type(typed)
        await running.end_input()
        await running.rest()
    assert (running.output.get(1, b""), running.output.get(2, b""), running.code) == (output, errors, code)


async def test_a_terminal_session(shared: Ground) -> None:
    """What is typed is shown, corrected, run, and ends with the shell's code."""
    async with admin(shared).exec("sh", tty="true") as shell:
        await shell.read_until(b"# ")
        await shell.type(b"echo heloo\x7f\x7flo\r")
        await shell.read_until(b"\r\nhello\n")
        await shell.type(b"exit 3\r")
        await shell.rest()
    assert shell.code == 3


async def test_many_at_once(shared: Ground) -> None:
    """Fifty commands, each with its own input and output."""

    async def once(number: int) -> None:
        async with admin(shared).exec("cat") as command:
            await command.type(f"number {number}\n".encode() * 100)
            await command.end_input()
            await command.rest()
            assert command.output[1] == f"number {number}\n".encode() * 100

    await asyncio.gather(*(once(number) for number in range(50)))


async def test_a_slow_reader_holds_up_nobody_and_fills_nothing(shared: Ground) -> None:
    """A command that could write for ever has sent what fits into the buffers between, and others go on."""
    metrics = shared.line.control_plane.metrics

    def received() -> float:
        lines = metrics.render().decode().splitlines()
        line = next(each for each in lines if each.startswith('headwater_tunnel_bytes_total{direction="received"}'))
        return float(line.split()[1])

    before = received()
    async with admin(shared).exec("head", "-c", "2000000000", "/dev/zero") as slow:
        last = float("-inf")
        while received() - last > 16 * 1024:  # The quick ones are counted, too.
            last = received()
            for _ in range(5):
                async with admin(shared).exec("echo", "quick") as quick:
                    await quick.rest()
        assert quick.output[1] == b"quick\n"
        assert received() - before < 32 * 1024 * 1024
        await slow.socket.close()


@pytest.mark.parametrize("subresource", ["exec", "attach", "portforward"])
async def test_a_connection_has_to_ask_for_one(shared: Ground, subresource: str) -> None:
    path = f"{POD}/{subresource}?command=ls&stdout=true"
    for headers in ({}, {"upgrade": "websocket"}, {"connection": "Upgrade", "upgrade": "h2c"}):
        status, body = await admin(shared).status_of("POST", path, **headers)
        assert (status, body["message"]) == (400, "Upgrade request required")


@pytest.mark.parametrize("subresource", ["proxy", "ephemeralcontainers", "nothing"])
async def test_what_is_not_served(shared: Ground, subresource: str) -> None:
    answer = await shared.line.workspace.raw("GET", f"{POD}/{subresource}")
    assert answer.status == 404


async def test_a_protocol_that_the_pcluster_does_not_speak(shared: Ground) -> None:
    status, body = await admin(shared).handshake(f"{POD}/exec?command=ls&stdout=true", protocol="v9.channel.k8s.io")
    assert status == 400
    assert "unsupported protocols" in body["message"]
