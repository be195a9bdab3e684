"""One syncer that follows two control planes, as the shards of one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.e2e.harness import PLATFORM, SHOP, Stack, kubectls, stack, wait_for

pytestmark = pytest.mark.e2e
QUIET = ("--sync-target-heartbeat-threshold", "3600")


@dataclass(frozen=True)
class Shards:
    """The first shard with the pcluster and its syncer, and the second one."""

    first: Stack
    second: Stack


def accepted(hub: Stack) -> bool:
    """Whether the syncer has judged all resources of the SyncTarget."""
    found = hub.json("get", "synctarget", "east", workspace=PLATFORM)["status"].get("syncedResources") or []
    return bool(found) and all(each.get("state") == "Accepted" for each in found)


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shards]:
    """The second shard begins as a copy of the first: so it knows the SyncTarget by its UID and takes its credential.

    Shards have no store in common yet that would tell one of the other's SyncTargets; heartbeats reach the first only.
    """
    folder, path = tmp_path_factory.mktemp("shards"), kubectls()[0]
    (folder / "second").mkdir()
    with stack(folder, path) as first, stack(folder / "second", path) as second:
        hub = first.start_hub(*QUIET)
        first.start_sim("east")
        first.headwater("workspace", "create", "platform", workspace="root")
        first.register("east")
        first.kubectl("wait", "synctarget/east", "--for=condition=Ready", "--timeout=90s", workspace=PLATFORM)
        wait_for("the pcluster's resources", lambda: accepted(first))
        assert hub.stop() == 0
        shutil.copytree(folder / "hub", folder / "second" / "hub")
        hub.start()
        first.wait_ready(first.kubeconfig, hub)
        second.start_hub(*QUIET)
        shard = {
            "apiVersion": "core.kcp.io/v1alpha1",
            "kind": "Shard",
            "metadata": {"name": "second"},
            "spec": {"baseURL": f"https://127.0.0.1:{second.port}"},
        }
        first.kubectl("create", "-f", "-", workspace="root", stdin=json.dumps(shard))
        yield Shards(first, second)


def test_workloads_of_both_shards_run_and_report(shards: Shards) -> None:
    """Y8: a workspace on each, one pcluster: both Deployments come down, and each shard sees the status of its own."""
    placed = {"one": (shards.first, 2), "two": (shards.second, 3)}
    for namespace, (hub, replicas) in placed.items():
        hub.headwater("workspace", "create", "shop", workspace="root")
        hub.headwater("bind", "compute", PLATFORM, workspace=SHOP)
        hub.kubectl("create", "namespace", namespace)
        image = ("--image=nginx", f"--replicas={replicas}")
        hub.kubectl("-n", namespace, "create", "deployment", "web", *image)
    for namespace, (hub, replicas) in placed.items():
        wait_for(namespace, lambda: shards.first.ready_below("east", namespace, "web") == replicas)  # noqa: B023
        hub.kubectl("-n", namespace, "rollout", "status", "deployment/web", "--timeout=60s")
        assert hub.json("-n", namespace, "get", "deployment", "web")["status"]["readyReplicas"] == replicas
        wait_for("pods", lambda: len(hub.json("-n", namespace, "get", "pods")["items"]) == replicas)  # noqa: B023
    for (namespace, (hub, _)), other in zip(placed.items(), ("two", "one"), strict=True):
        assert "not found" in hub.kubectl("get", "namespace", other, check=False)
        hub.kubectl("-n", namespace, "scale", "deployment", "web", "--replicas=1")
        wait_for("scaled", lambda: shards.first.ready_below("east", namespace, "web") == 1)  # noqa: B023


def test_a_deletion_on_one_shard_is_that_of_its_own_copy(shards: Shards) -> None:
    """The other's copy stays, and the shard lets go of its object."""
    shards.second.kubectl("-n", "two", "delete", "deployment", "web", "--timeout=60s")
    wait_for("gone below", lambda: shards.first.ready_below("east", "two", "web") is None)
    assert shards.first.ready_below("east", "one", "web") == 1
