"""Starting, stopping, and refusing to start: one line that says what to do."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import urllib.request
from pathlib import Path

import pytest
from tests.e2e.harness import HEADWATER, Stack, kubectls, stack
from tests.ports import free_port

pytestmark = pytest.mark.e2e


def refused(*arguments: str) -> str:
    """The one line of a start that fails."""
    done = subprocess.run([HEADWATER, "start", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode not in (0, -9), done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("headwater: ")]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    return lines[0]


def test_start_restart_and_stop(tmp_path: Path) -> None:
    """State survives a restart, tokens and keys are private, and SIGTERM ends with exit code 0."""
    with stack(tmp_path, kubectls()[0]) as made:
        made.start_hub()
        made.kubectl("create", "configmap", "kept", "--from-literal=a=b", workspace="root")
        for path in (tmp_path / "hub").rglob("*"):
            if path.is_file() and ("key" in path.name or "kubeconfig" in path.name or "token" in path.name):
                assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        assert made.programs["hub"].stop() == 0
        made.start_hub()
        assert made.json("get", "configmap", "kept", workspace="root")["data"] == {"a": "b"}
        assert made.programs["hub"].stop() == 0


def test_contexts_of_the_admin_kubeconfig(tmp_path: Path) -> None:
    with stack(tmp_path, kubectls()[0]) as made:
        made.start_hub()
        contexts = made.command(made.kubectl_path, "config", "get-contexts", "-o", "name").stdout.split()
        assert set(contexts) >= {"root", "base", "system:admin", "shard-base"}
        assert made.command(made.kubectl_path, "config", "current-context").stdout.strip() == "root"
        version = json.loads(made.command(made.kubectl_path, "version", "-o", "json").stdout)
        assert "headwater" in version["serverVersion"]["gitVersion"]


def test_probes_are_open_and_metrics_are_not(tmp_path: Path) -> None:
    with stack(tmp_path, kubectls()[0]) as made:
        made.start_hub()
        import ssl

        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        base = f"https://127.0.0.1:{made.port}"
        for path in ("/livez", "/readyz", "/healthz"):
            with urllib.request.urlopen(base + path, context=context) as answer:
                assert answer.status == 200
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(base + "/metrics", context=context)
        assert refusal.value.code in (401, 403)
        metrics = made.command(made.kubectl_path, "--context", "base", "get", "--raw", "/metrics").stdout
        assert "apiserver_request_total" in metrics


def _second_start(made: Stack) -> str:
    return refused("--root-directory", str(made.root / "hub"), "--secure-port", str(free_port()))


def test_second_start_on_the_same_directory(tmp_path: Path) -> None:
    with stack(tmp_path, kubectls()[0]) as made:
        made.start_hub()
        line = _second_start(made)
        assert str(made.programs["hub"].process.pid if made.programs["hub"].process else "") in line
        made.programs["hub"].check()


def test_busy_port(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        line = refused("--root-directory", str(tmp_path / "hub"), "--bind-address", "127.0.0.1", "--secure-port", port)
    assert port in line
    assert "--secure-port" in line


def test_unwritable_directory(tmp_path: Path) -> None:
    """A file stands where the directory should be: not even root can write there."""
    (tmp_path / "file").write_text("")
    line = refused("--root-directory", str(tmp_path / "file" / "hub"), "--secure-port", str(free_port()))
    assert "--root-directory" in line


@pytest.mark.parametrize("flag", ["--audit-log-path", "--client-ca-file", "--token-auth-file"])
def test_file_that_cannot_be_used(tmp_path: Path, flag: str) -> None:
    """A server that can't keep its audit log, or know its users, does not start without."""
    (tmp_path / "file").write_text("no certificate, and no token")
    for path in (tmp_path / "file" / "below", tmp_path if flag == "--audit-log-path" else tmp_path / "file"):
        port = str(free_port())
        line = refused("--root-directory", str(tmp_path / "hub"), "--secure-port", port, flag, str(path))
        assert flag in line
        assert str(path) in line


def test_damaged_database(tmp_path: Path) -> None:
    with stack(tmp_path, kubectls()[0]) as made:
        made.start_hub()
        assert made.programs["hub"].stop() == 0
        database = max((made.root / "hub").rglob("*.db"), key=lambda path: path.stat().st_size)
        for leftover in database.parent.glob(f"{database.name}-*"):
            leftover.unlink()
        size = database.stat().st_size
        with database.open("r+b") as file:
            file.write(os.urandom(min(size, 64 * 1024)))
        line = _second_start(made)
        assert str(database) in line
