"""Kubernetes' client for Node: list, watch, informer and patches. Collected only where it is installed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client
from tests.e2e.clients.access import config_map, kubeconfig_file
from tests.e2e.harness import ROOT, Stack, wait_for

pytestmark = pytest.mark.e2e


class Node:
    """A Node process that runs one command after the other."""

    def __init__(self, hub: Stack) -> None:
        modules = ROOT / ".venv" / "nodeclient" / "node_modules"
        env = {**os.environ, "NODE_PATH": str(modules), "KUBECONFIG": str(kubeconfig_file(hub, "node"))}
        self.log = hub.root / "node.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["node", str(Path(__file__).parent / "informer.cjs")],
                env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        assert self._answer() == "ready"

    def __call__(self, *command: str) -> Any:
        assert self.process.stdin is not None
        print(*command, file=self.process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.log.read_text()
        return json.loads(line)

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def node(hub: Stack) -> Iterator[Node]:
    """The client, which `make setup` installed."""
    made = Node(hub)
    yield made
    made.close()


def test_objects(node: Node, core: client.CoreV1Api) -> None:
    """What it creates, applies, patches and deletes is what others see; its errors carry the Status."""
    for name in ("a", "b", "c"):
        assert node("create", name) == core.read_namespaced_config_map(name, "default").metadata.uid
    assert node("list") == ["a", "b", "c"]
    refused = node("create", "a")
    assert (refused["code"], json.loads(refused["body"])["reason"]) == (409, "AlreadyExists")
    assert node("apply", "a", "one") == {"made": "yes", "applied": "one"}
    assert node("merge", "a", "two") == {"made": "yes", "applied": "one", "merged": "two"}
    assert node("apply", "new", "x") == {"applied": "x"}
    managers = {
        (each.manager, each.operation)
        for each in core.read_namespaced_config_map("a", "default").metadata.managed_fields
    }
    assert ("node", "Apply") in managers
    assert node("watch", "watched") == ["ADDED", "watched"]
    for name in ("a", "b", "c", "new", "watched"):
        assert node("remove", name) == "Success"
    assert node("list") == []


def test_informer(hub: Stack, node: Node, core: client.CoreV1Api) -> None:
    """The informer ends with the server's state, after churn and a kill -9."""

    def truth() -> dict[str, str]:
        items = core.list_namespaced_config_map("default", label_selector="by=node").items
        return {each.metadata.name: each.metadata.resource_version for each in items}

    def write(start: int) -> None:
        for number in range(start, start + 5):
            core.create_namespaced_config_map("default", config_map(f"n-{number}", labels={"by": "node"}))
        core.patch_namespaced_config_map(f"n-{start + 1}", "default", {"data": {"a": "b"}})
        core.delete_namespaced_config_map(f"n-{start}", "default")

    write(0)
    wait_for("the informer", lambda: node("state") == truth())
    program = hub.programs["hub"]
    program.kill()
    program.start()
    hub.wait_ready(hub.kubeconfig, program)
    write(10)
    wait_for("the informer after the restart", lambda: node("state") == truth())
    assert len(truth()) == 8
