"""The life of the process: ready, restarted with all its state, stopped, and refusals in one line."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path

import pytest
from tests.ports import free_port

from headwater.base import jsonio
from headwater.client.dynamic import ClusterClient
from headwater.client.kubeconfig import load_file
from headwater.client.transport import NetworkTransport
from headwater.machinery.gvk import GroupVersionResource
from headwater.server.options import AuthenticationOptions, ControllerOptions, Options, ServingOptions
from headwater.server.process import ControlPlaneProcess
from headwater.server.run import run

CONFIG_MAPS = GroupVersionResource("", "v1", "configmaps")


def options(directory: Path, *, port: int = 0, **rest: object) -> Options:
    serving = ServingOptions(secure_port=port, shutdown_grace_seconds=0.2)
    return Options(root_directory=directory, serving=serving, **rest)


def client(kubeconfig: Path, context: str = "") -> ClusterClient:
    return ClusterClient(NetworkTransport(load_file(kubeconfig).settings(context)))


async def ready(kubeconfig: Path) -> None:
    written = kubeconfig.exists
    async with asyncio.timeout(30):
        while not written():
            await asyncio.sleep(0.01)


async def test_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    """SIGTERM ends the server with exit code 0; the kubeconfig works and is for its owner only."""
    served = asyncio.create_task(run(options(tmp_path)))
    kubeconfig = tmp_path / "admin.kubeconfig"
    await ready(kubeconfig)
    config = load_file(kubeconfig)
    assert set(config.contexts) == {"root", "base", "system:admin", "shard-base"}
    assert config.current_context == "root"
    assert config.settings("root").server.endswith("/clusters/root")
    for path in (kubeconfig, tmp_path / ".admin-token-store", tmp_path / "pki" / "ca.key"):
        assert path.stat().st_mode & 0o077 == 0, path
    admin = client(kubeconfig)
    try:
        verbose = await admin.cluster("").raw("GET", "/version")
        assert verbose.status == 200
    finally:
        await admin.close()
    os.kill(os.getpid(), signal.SIGTERM)
    assert await served == 0


async def test_restart_keeps_all_state(tmp_path: Path) -> None:
    """What was acknowledged is there after a restart; only the administrator's own token is new."""
    first = ControlPlaneProcess(options(tmp_path))
    await first.start()
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept"}}
    await first.client.cluster("root").resource(CONFIG_MAPS, "default").create(body)
    users = load_file(tmp_path / "admin.kubeconfig").users
    await first.stop()
    second = ControlPlaneProcess(options(tmp_path))
    await second.start()
    try:
        assert await second.client.cluster("root").resource(CONFIG_MAPS, "default").get("kept")
        again = load_file(tmp_path / "admin.kubeconfig").users
        assert again["shard-admin"] == users["shard-admin"]
        assert again["kcp-admin"] != users["kcp-admin"]
    finally:
        await second.stop()


async def test_a_restart_writes_nothing(tmp_path: Path) -> None:
    """The second start on the same address finds everything as it wants it."""
    port = free_port()
    quiet = ControllerOptions(run_controllers=False)
    revisions = []
    for _ in range(3):
        process = ControlPlaneProcess(options(tmp_path, port=port, controllers=quiet))
        await process.start()
        revisions.append(process.api.store.backend.revision())
        await process.stop()
    assert revisions[0] == revisions[1] == revisions[2]


async def refusal(options: Options, capsys: pytest.CaptureFixture[str]) -> str:
    """The line that a start ends with; the exit code must be 1."""
    assert await run(options) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("headwater: ")]
    assert len(lines) == 1
    return lines[0]


async def test_a_second_start_on_the_same_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The store is in use: say so, and leave the first server alone."""
    first = ControlPlaneProcess(options(tmp_path))
    await first.start()
    try:
        assert "is in use by process" in await refusal(options(tmp_path), capsys)
        assert first.health.readyz()
        assert await first.client.cluster("root").resource(CONFIG_MAPS).list()
    finally:
        await first.stop()


async def test_a_taken_port(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is written when the port is taken, and the advice names the flag."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        line = await refusal(options(tmp_path, port=taken.getsockname()[1]), capsys)
    assert "the port is in use; stop what uses it or pass --secure-port" in line
    assert not (tmp_path / "store.db").exists()


async def test_an_unusable_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.touch()
    assert "pass another --root-directory" in await refusal(options(file / "below"), capsys)


async def test_a_damaged_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is no database is not touched, and a person is told what to do."""
    damaged = tmp_path / "store.db"
    damaged.write_bytes(b"this is not a database" * 500)
    line = await refusal(options(tmp_path), capsys)
    assert "restore a backup" in line
    assert damaged.read_bytes().startswith(b"this is not")


@pytest.mark.parametrize(
    ("rest", "advice"),
    [
        ({"store": "etcd://x"}, "not a store"),
        ({"authentication": AuthenticationOptions(token_auth_file=Path("/none/tokens.csv"))}, "token file"),
    ],
    ids=["store", "token file"],
)
async def test_wrong_options(tmp_path: Path, capsys: pytest.CaptureFixture[str], rest: dict, advice: str) -> None:
    assert advice in await refusal(options(tmp_path, **rest), capsys)


async def test_tokens_of_a_file_log_in(tmp_path: Path) -> None:
    """A token file adds users; they are nobody's administrators."""
    tokens = tmp_path / "tokens.csv"
    tokens.write_text('secret-token,carol,1,"team"\n')
    process = ControlPlaneProcess(options(tmp_path, authentication=AuthenticationOptions(token_auth_file=tokens)))
    await process.start()
    try:
        user = await process.authentication.tokens.authenticate_token("secret-token")
        assert user is not None
        assert (user.name, user.groups) == ("carol", ("team",))
    finally:
        await process.stop()


async def test_the_audit_log_is_complete(tmp_path: Path) -> None:
    """Every request is on file when the server has stopped; for its owner only."""
    log = tmp_path / "audit.log"
    process = ControlPlaneProcess(
        options(tmp_path, audit_log=log, controllers=ControllerOptions(run_controllers=False))
    )
    await process.start()
    await process.client.cluster("root").resource(CONFIG_MAPS).list()
    await process.stop()
    events = [jsonio.loads(line) for line in log.read_bytes().splitlines()]
    assert [event["objectRef"]["resource"] for event in events] == ["configmaps"]
    assert events[0]["annotations"]["kcp.io/cluster"] == events[0]["annotations"]["kcp.io/path"] == "root"
    assert log.stat().st_mode & 0o077 == 0
