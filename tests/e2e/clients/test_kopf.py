"""An operator written with kopf, in a process of its own, over a custom kind of a workspace."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client
from tests.e2e.clients.access import kubeconfig_file
from tests.e2e.harness import Stack, wait_for

pytestmark = pytest.mark.e2e
BOATS = {"group": "fleet.example.com", "version": "v1", "namespace": "default", "plural": "boats"}
HERE = Path(__file__).parent
MANY = 200


@pytest.fixture(scope="module")
def operator(hub: Stack) -> Iterator[subprocess.Popen[bytes]]:
    """`kopf run`, with nothing but a kubeconfig."""
    hub.kubectl("apply", "-f", str(HERE / "boats.yaml"))
    hub.kubectl("wait", "--for=condition=Established", "crd/boats.fleet.example.com", "--timeout=60s")
    env = {**os.environ, "KUBECONFIG": str(kubeconfig_file(hub, "kopf"))}
    command = [sys.executable, "-m", "kopf", "run", "-n", "default", "--standalone"]
    with (hub.root / "kopf.log").open("ab") as log:
        process = subprocess.Popen([*command, str(HERE / "operator_of_boats.py")], env=env, stdout=log, stderr=log)
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def custom(api: client.ApiClient, operator: subprocess.Popen[bytes]) -> client.CustomObjectsApi:
    return client.CustomObjectsApi(api)


def boat(name: str, crew: int = 1, **labels: str) -> dict[str, Any]:
    return {
        "apiVersion": "fleet.example.com/v1",
        "kind": "Boat",
        "metadata": {"name": name, "labels": labels},
        "spec": {"crew": crew},
    }


def boats(custom: client.CustomObjectsApi) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in custom.list_namespaced_custom_object(**BOATS)["items"]}


def crews(core: client.CoreV1Api) -> dict[str, str]:
    """What the operator keeps: name -> crew."""
    items = core.list_namespaced_config_map("default").items
    return {each.metadata.name: each.data["crew"] for each in items if "crew" in (each.data or {})}


def set_crew(custom: client.CustomObjectsApi, name: str, crew: int) -> None:
    custom.patch_namespaced_custom_object(
        **BOATS, name=name, body={"spec": {"crew": crew}}, _content_type="application/merge-patch+json"
    )


def remove(custom: client.CustomObjectsApi, core: client.CoreV1Api, name: str) -> None:
    custom.delete_namespaced_custom_object(**BOATS, name=name)
    wait_for("the boat to go", lambda: name not in boats(custom) and name not in crews(core))


def test_life_of_an_object(custom: client.CustomObjectsApi, core: client.CoreV1Api) -> None:
    """Created, changed and deleted: each handler ran, wrote its status, posted its event, and let go at the end."""
    custom.create_namespaced_custom_object(**BOATS, body=boat("dora"))
    wait_for("the status", lambda: boats(custom)["dora"].get("status", {}).get("ready") == 1)
    found = boats(custom)["dora"]
    assert found["metadata"]["finalizers"] == ["kopf.zalando.org/KopfFinalizerMarker"]
    assert found["status"]["create"] == {"crew": 1}
    kept = core.read_namespaced_config_map("dora", "default")
    assert kept.metadata.owner_references[0].uid == found["metadata"]["uid"]

    def posted() -> bool:
        events = core.list_namespaced_event("default", field_selector="involvedObject.name=dora").items
        return {"Launched", "Logging"} <= {each.reason for each in events}

    wait_for("events", posted)
    set_crew(custom, "dora", 5)
    wait_for("the change", lambda: (crews(core)["dora"], boats(custom)["dora"]["status"]["ready"]) == ("5", 5))
    remove(custom, core, "dora")


def test_timer(custom: client.CustomObjectsApi, core: client.CoreV1Api) -> None:
    custom.create_namespaced_custom_object(**BOATS, body=boat("eve", watched="yes"))
    wait_for("ticks", lambda: boats(custom)["eve"].get("status", {}).get("ticks", 0) >= 3)
    remove(custom, core, "eve")


def test_restart_of_the_control_plane(
    hub: Stack, custom: client.CustomObjectsApi, core: client.CoreV1Api, operator: subprocess.Popen[bytes]
) -> None:
    """The operator lives through a kill -9 of its API server, and goes on with what it had and what is new."""
    custom.create_namespaced_custom_object(**BOATS, body=boat("fay"))
    wait_for("the boat", lambda: "fay" in crews(core))
    program = hub.programs["hub"]
    program.kill()
    program.start()
    hub.wait_ready(hub.kubeconfig, program)
    set_crew(custom, "fay", 3)
    custom.create_namespaced_custom_object(**BOATS, body=boat("gil", 4))
    wait_for("the operator", lambda: {"fay": "3", "gil": "4"}.items() <= crews(core).items())
    assert operator.poll() is None
    for name in ("fay", "gil"):
        remove(custom, core, name)


def test_many_objects(custom: client.CustomObjectsApi, core: client.CoreV1Api) -> None:
    """200 objects at once are all handled, and all go."""
    for number in range(MANY):
        custom.create_namespaced_custom_object(**BOATS, body=boat(f"many-{number}", 1 + number))
    expected = {f"many-{number}": str(1 + number) for number in range(MANY)}
    wait_for("all to be handled", lambda: expected.items() <= crews(core).items())
    wait_for("all to be ready", lambda: all("ready" in each.get("status", {}) for each in boats(custom).values()))
    assert {name: each["status"]["ready"] for name, each in boats(custom).items()} == {
        name: int(crew) for name, crew in expected.items()
    }
    custom.delete_collection_namespaced_custom_object(**BOATS)
    wait_for("all to go", lambda: not boats(custom) and not expected.keys() & crews(core).keys())
