"""`headwater bind` and `headwater placements`, as the owner of an application uses them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.e2e.harness import HEADWATER, PLATFORM, SHOP, Stack, kubectls, stack, wait_for

pytestmark = pytest.mark.e2e
APPLICATION = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1"}]}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A control plane with two pclusters, and an application on one of them."""
    with stack(tmp_path_factory.mktemp("placements"), kubectls()[0]) as started:
        started.start_hub()
        started.start_sim("east", "west")
        started.create_workspaces()
        for name in ("east", "west"):
            started.register(name, "--labels", f"region={name}", "--cells", name)
        bind(started)
        started.kubectl("apply", "-f", "-", stdin=APPLICATION)
        wait_for("web runs", lambda: "2/2" in row(started, "default/deployment/web"))
        yield started


def bind(made: Stack, *flags: str, check: bool = True) -> str:
    return made.headwater("bind", "compute", PLATFORM, "--name", "all", *flags, workspace=SHOP, check=check)


def row(made: Stack, name: str) -> str:
    """The row of a Placement or workload, as it is printed."""
    lines = made.headwater("placements", workspace=SHOP).splitlines()
    return next((line for line in lines if line.split()[:1] == [name]), "")


def home(made: Stack) -> str:
    text = row(made, "all")
    return "east" if "east" in text else "west"


@contextmanager
def watching(made: Stack, output: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`placements -w` into a file, until the context ends."""
    with output.open("wb") as file:
        # The token of this context is the one that stays the same over restarts.
        where = ("--kubeconfig", str(made.kubeconfig), "--context", "shard-base", "--workspace", SHOP)
        command = [HEADWATER, "placements", "-w", *where]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(command, stdout=file, stderr=file, env=environment)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def test_binding_again_changes_nothing_and_says_what_differs(made: Stack) -> None:
    assert "placement all already exists." in bind(made)
    refused = bind(made, "--max-targets", "2", check=False)
    assert "placement all already exists and differs in targets" in refused
    assert "changed: targets, replicas." in bind(
        made, "--max-targets", "2", "--replicas-mode", "divided", "--overwrite"
    )
    wait_for("on both", lambda: "east 1/1, west 1/1" in row(made, "default/deployment/web"))
    assert "changed" in bind(made, "--overwrite")
    wait_for("on one again", lambda: "2/2" in row(made, "default/deployment/web") and "," not in row(made, "all"))


def test_formats(made: Stack) -> None:
    assert made.headwater("placements", "-o", "name", workspace=SHOP) == "placements.placement.kcp.io/all\n"
    assert '"kind": "List"' in made.headwater("placements", "-o", "json", workspace=SHOP)
    assert made.headwater("placements", "all", "-o", "yaml", workspace=SHOP).startswith("apiVersion: placement.kcp.io/")
    assert PLATFORM in made.headwater("placements", "-o", "wide", workspace=SHOP)
    assert "not found" in made.headwater("placements", "nope", workspace=SHOP, check=False)
    assert made.headwater("placements", workspace="root") == "No resources found\n"


def test_watch_prints_what_changes_and_outlives_the_control_plane(made: Stack, tmp_path: Path) -> None:
    """A drain is seen; a restart of the control plane is told, and what comes after it is seen again."""
    output = tmp_path / "watch"
    first = home(made)
    second = {"east": "west", "west": "east"}[first]
    with watching(made, output) as process:
        wait_for("first table", lambda: "default/deployment/web" in output.read_text())
        made.headwater("sync-target", "drain", first, "--wait", workspace=PLATFORM)
        wait_for("arrived", lambda: f"{second} 2/2\n" in output.read_text().replace("  ", ""))
        made.headwater("sync-target", "uncordon", first, workspace=PLATFORM)
        made.programs["hub"].kill()
        wait_for("loss is told", lambda: "connection lost, trying again" in output.read_text())
        made.programs["hub"].start()
        wait_for("return is told", lambda: "connected again" in output.read_text())
        made.kubectl("scale", "deployment", "web", "--replicas=3")
        wait_for("seen again", lambda: f"{second} 3/3" in output.read_text())
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    titles = [line for line in output.read_text().splitlines() if line.startswith("NAME")]
    assert len(titles) == 1
