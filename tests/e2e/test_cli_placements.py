"""`headwater bind` and `headwater placements`, as the owner of an application uses them."""

from __future__ import annotations

import json
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
        started.start_hub("--sync-target-heartbeat-threshold", "6")
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


def listen_to_interrupts() -> None:
    """In a new process: who is started in the background of a script inherits that SIGINT is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def watching(made: Stack, output: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`placements -w` into a file, until the context ends."""
    with output.open("wb") as file:
        # The token of this context is the one that stays the same over restarts.
        where = ("--kubeconfig", str(made.kubeconfig), "--context", "shard-base", "--workspace", SHOP)
        command = [HEADWATER, "placements", "-w", *where]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            command, stdout=file, stderr=file, env=environment, preexec_fn=listen_to_interrupts
        )  # fmt: skip
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


def test_explain_names_every_pcluster(made: Stack) -> None:
    """In one sentence where it runs; for the others why not; as JSON the document of the API."""
    first = home(made)
    second = {"east": "west", "west": "east"}[first]
    made.headwater("sync-target", "cordon", second, workspace=PLATFORM)

    def said() -> str:
        return made.headwater("explain", "deploy/web", workspace=SHOP)

    wait_for("cordon is seen", lambda: "cordoned" in said())
    text = said()
    assert text.startswith(f"deployments/web is placed on {first} (")
    assert "by Placement all." in text
    assert "uncordon it" in text
    assert "Before:" in text
    document = json.loads(made.headwater("explain", "deployment", "web", "-o", "json", workspace=SHOP))
    assert {each["name"]: each["decision"] for each in document["status"]["targets"]} == {
        first: "Kept", second: "Rejected",
    }  # fmt: skip
    assert first in made.headwater("explain", "placement/all", workspace=SHOP)
    mixed = made.command(
        HEADWATER, "explain", "deploy/nope", "deploy/web", "--workspace", SHOP, check=False
    )  # fmt: skip
    assert mixed.returncode == 1
    assert "deployments/web is placed on" in mixed.stdout
    assert 'deployments.apps "nope" not found in namespace "default"' in mixed.stderr
    made.headwater("sync-target", "uncordon", second, workspace=PLATFORM)


def test_explain_says_why_nothing_runs_and_that_is_no_failure(made: Stack) -> None:
    made.kubectl("create", "deployment", "lonely", "--image=nginx:1", "-n", "default")
    made.kubectl("label", "deployment", "lonely", "app-")
    made.kubectl("delete", "placement", "all")
    wait_for("gone", lambda: "runs nowhere" in made.headwater("explain", "deploy/lonely", workspace=SHOP))
    assert "bind compute" in made.headwater("explain", "deploy/lonely", workspace=SHOP)
    made.kubectl("delete", "deployment", "lonely")
    bind(made)
    wait_for("web runs", lambda: "3/3" in row(made, "default/deployment/web"))


def test_plans_say_what_would_move_and_change_nothing(made: Stack, tmp_path: Path) -> None:
    first = home(made)
    second = {"east": "west", "west": "east"}[first]
    text = made.headwater("plan", "drain", first, workspace=PLATFORM)
    assert text.startswith("1 of 1 workloads would move; none would have fewer ready replicas")
    assert f"{first}:3   {second}:3" in text
    assert made.headwater("sync-target", "drain", first, "--dry-run", workspace=PLATFORM) == text
    where = ("--workspace", PLATFORM)
    failing = made.command(HEADWATER, "plan", "fail", first, "--exit-code", *where, check=False)
    assert failing.returncode == 2
    assert made.command(HEADWATER, "plan", "drain", first, "--exit-code", *where).returncode == 0
    unknown = made.command(HEADWATER, "plan", "drain", "nowhere", *where, check=False)
    assert unknown.returncode == 1
    assert "headwater sync-target list" in unknown.stderr
    wanted = tmp_path / "placement.yaml"
    flags = ("--name", "all", "--sync-target-selector", f"region={second}", "--dry-run")
    wanted.write_text(made.headwater("bind", "compute", PLATFORM, *flags, workspace=SHOP))
    assert f"{second}:3" in made.headwater("plan", "apply", "-f", str(wanted), workspace=SHOP)
    assert home(made) == first


def test_plans_on_a_file_agree_with_those_on_the_live_state(made: Stack, tmp_path: Path) -> None:
    first = home(made)
    fleet = tmp_path / "fleet.json"
    items: list[object] = []
    for workspace, kinds in (
        (PLATFORM, "synctargets,locations"),
        (SHOP, "namespaces,placements,apibindings,deployments"),
    ):
        items += made.json("get", kinds, "-A", workspace=workspace)["items"]
    fleet.write_text(json.dumps({"kind": "List", "apiVersion": "v1", "items": items}))
    live = json.loads(made.headwater("plan", "drain", first, "-o", "json", workspace=PLATFORM))["status"]
    filed = json.loads(made.command(HEADWATER, "plan", "drain", first, "--on", str(fleet), "-o", "json").stdout)[
        "status"
    ]
    assert [(each["before"], each["after"]) for each in filed["moves"]] == [
        (each["before"], each["after"]) for each in live["moves"]
    ]
    assert filed["summary"] == live["summary"]


def test_what_an_unreachable_pcluster_runs_is_unknown(made: Stack) -> None:
    """Never the last number that it reported; and known again once it is heard again."""
    first = home(made)
    made.programs[f"syncer-{first}"].kill()
    wait_for("unknown", lambda: f"{first} Unknown/3" in row(made, "default/deployment/web"))
    assert "Unknown/3" in row(made, "default/deployment/web").split()
    text = made.headwater("explain", "deploy/web", workspace=SHOP)
    assert "?/3 ready" in text
    assert "unreachable" in text
    made.programs[f"syncer-{first}"].start()
    wait_for("known again", lambda: f"{first} 3/3" in row(made, "default/deployment/web"))
