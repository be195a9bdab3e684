"""SIGKILL in mid-work: nothing acknowledged is lost, and nothing is deleted downstream that should stay."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

import pytest
from tests.e2e.harness import PLATFORM, Stack, kubectls, stack, wait_for

pytestmark = pytest.mark.e2e
OBJECTS = 60


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One pcluster, and a workspace whose default namespace runs on it."""
    with stack(tmp_path_factory.mktemp("faults"), kubectls()[0]) as stack_of_module:
        stack_of_module.start_hub()
        stack_of_module.start_sim("east")
        stack_of_module.create_workspaces()
        stack_of_module.register("east")
        stack_of_module.headwater("bind", "compute", PLATFORM, workspace="root:shop")
        stack_of_module.kubectl("create", "configmap", "first")
        wait_for("syncing", lambda: "first" in below(stack_of_module))
        yield stack_of_module


def below(made: Stack) -> dict[str, str]:
    """Name -> uid of the ConfigMaps that came down."""
    home = made.downstream_namespace("east", "default")
    if home is None:
        return {}
    items = made.below_json("east", "-n", home, "get", "configmaps")["items"]
    return {each["metadata"]["name"]: each["metadata"]["uid"] for each in items}


def above(made: Stack) -> set[str]:
    """Names of the ConfigMaps of the workspace."""
    return {each["metadata"]["name"] for each in made.json("get", "configmaps")["items"]}


def manifest(prefix: str, count: int = OBJECTS) -> str:
    """Many ConfigMaps."""
    documents = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"{prefix}-{number}"},
            "data": {"n": str(number)},
        }
        for number in range(count)
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})


@pytest.mark.parametrize("victim", ["hub", "syncer-east", "sim"])
def test_kill_in_mid_work(made: Stack, victim: str) -> None:
    """A program dies while objects go down; it comes back, and every acknowledged object is there, once."""
    before = below(made)
    prefix = f"k-{victim.partition('-')[0]}"
    process = made.command(
        "sh", "-c",
        f"'{made.kubectl_path}' --server https://127.0.0.1:{made.port}/clusters/root:shop create -f - & "
        f"sleep 0.{random.randint(3, 8)}; kill -9 {pid(made, victim)}; wait", stdin=manifest(prefix), check=False,
    )  # fmt: skip
    acknowledged = {
        line.split()[0].removeprefix("configmap/") for line in process.stdout.splitlines() if " created" in line
    }
    program = made.programs[victim]
    assert program.process is not None
    program.process.wait()
    program.start()
    if victim == "hub":
        made.wait_ready(made.kubeconfig, program)
    if victim == "sim":
        made.wait_ready(made.pcluster_kubeconfig("east"), program)
    kept = above(made)
    assert acknowledged <= kept, "an acknowledged write survives"
    wait_for("everything is down", lambda: set(below(made)) >= {each for each in kept if each != "kube-root-ca.crt"})
    after = below(made)
    assert {name: after.get(name) for name in before} == before, "nothing was deleted or made anew"


def pid(made: Stack, name: str) -> int:
    """Process id of a program."""
    process = made.programs[name].process
    assert process is not None
    return process.pid


def test_deletes_while_the_syncer_is_away(made: Stack) -> None:
    """What is deleted upstream meanwhile waits for the syncer, goes down with its return, and nothing else does."""
    made.kubectl("create", "-f", "-", stdin=manifest("away", 10))
    wait_for("down", lambda: sum(name.startswith("away-") for name in below(made)) == 10)
    kept = {name: uid for name, uid in below(made).items() if not name.startswith("away-")}
    made.programs["syncer-east"].kill()
    made.kubectl("delete", "configmap", *(f"away-{number}" for number in range(10)), "--wait=false")
    assert sum(name.startswith("away-") for name in below(made)) == 10
    made.programs["syncer-east"].start()
    wait_for("gone below", lambda: not any(name.startswith("away-") for name in below(made)))
    wait_for("gone above", lambda: not any(name.startswith("away-") for name in above(made)))
    assert {name: uid for name, uid in below(made).items() if name in kept} == kept


def test_all_at_once(made: Stack) -> None:
    """Everything dies in the same moment and comes back in any order."""
    before = below(made)
    for program in made.programs.values():
        program.kill()
    for name in ("syncer-east", "sim", "hub"):
        made.programs[name].start()
    made.wait_ready(made.kubeconfig, made.programs["hub"])
    made.wait_ready(made.pcluster_kubeconfig("east"), made.programs["sim"])
    made.kubectl("create", "configmap", "after-the-storm")
    wait_for("work goes on", lambda: "after-the-storm" in below(made))
    after = below(made)
    assert {name: after.get(name) for name in before} == before
