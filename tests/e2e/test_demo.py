"""The demo does what it promises, with kubectl and without."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from tests.e2e.harness import HEADWATER, kubectls, wait_for

pytestmark = pytest.mark.e2e


def demo(folder: Path, path: str, *flags: str) -> subprocess.CompletedProcess[str]:
    """Run the demo with this PATH."""
    env = {**os.environ, "PATH": path, "KEEP": ""}
    command = [HEADWATER, "demo", "--root-directory", str(folder / "demo"), *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, env=env, check=False)


@pytest.mark.parametrize("with_kubectl", [True, False], ids=["kubectl", "own-client"])
def test_demo_tells_the_whole_story(tmp_path: Path, with_kubectl: bool) -> None:
    """Registered, applied, ready on both, moved by a drain without a dip, stopped."""
    done = demo(tmp_path, str(Path(kubectls()[0]).parent) if with_kubectl else str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert ("kubectl apply -f" in done.stdout) is with_kubectl
    rows = {
        line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if line.startswith(("backend/", "web/"))
    }
    assert rows["web/storefront"][0] == "3/3"
    assert sorted(rows["backend/cart"][1:]) == ["-", "2/2"]
    assert "never had fewer than 2 ready pods" in done.stdout
    assert "Everything is stopped" in done.stdout


def test_keep_leaves_it_running_and_says_how_to_stop(tmp_path: Path) -> None:
    done = demo(tmp_path, os.environ["PATH"], "--keep")
    assert done.returncode == 0, done.stdout + done.stderr
    stop = next(line for line in done.stdout.splitlines() if line.startswith("To stop:"))
    pids = [int(word) for word in stop.split() if word.isdigit()]
    assert len(pids) == 4
    assert all(Path(f"/proc/{pid}").exists() for pid in pids)
    for pid in pids:
        os.kill(pid, 15)
    wait_for("stopped", lambda: not any(running(pid) for pid in pids))


def running(pid: int) -> bool:
    """Whether a process is there and not only waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
