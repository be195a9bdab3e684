"""A syncer on a real Kubernetes API server, with Kubernetes' own controllers behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.e2e.harness import PLATFORM, Stack, kubectls, stack, wait_for
from tests.e2e.kubernetes.cluster import kubernetes
from tests.e2e.scheduling.api import Api, Object, path_of

pytestmark = pytest.mark.e2e
EXPORT = "root:compute:older"
_NEWER = ("horizontalpodautoscalers", "cronjobs", "endpointslices", "poddisruptionbudgets")
"""Served by Kubernetes 1.20 in versions that have ended since."""
KINDS = ("deployments", "statefulsets", "daemonsets", "jobs", "services", "ingresses", "configmaps", "secrets")


def template(name: str) -> Object:
    containers = [{"name": "main", "image": "nginx:1", "env": [{"name": "A", "value": "1"}]}]
    return {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}}


def workload(kind: str, name: str, **spec: object) -> Object:
    selected = {"selector": {"matchLabels": {"app": name}}, "template": template(name)}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": {**selected, **spec}}


def job() -> Object:
    pods = template("once")
    pods["spec"]["restartPolicy"] = "Never"
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"}, "spec": {"template": pods}}


def others() -> list[Object]:
    note = {"experimental.workload.kcp.io/upsync-derived-resources": "endpoints"}
    backend = {"service": {"name": "front", "port": {"number": 80}}}
    rule = {"host": "a.example", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    return [
        {
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "front", "annotations": note},
            "spec": {"selector": {"app": "front"}, "ports": [{"port": 80}]},
        },
        {
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "front"},
            "spec": {"rules": [rule]},
        },
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "1"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": {"k": "v"}},
    ]  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """The control plane, the cluster, and the name there of the workspace's namespace."""

    made: Stack
    below: Api
    space: str

    def ready(self, resource: str, name: str, field: str, count: int) -> None:
        """Wait until the workspace sees a status."""
        wait_for(
            f"{resource}/{name}: {field}",
            lambda: self.made.json("-n", "web", "get", resource, name)["status"].get(field) == count,
        )

    def copies(self) -> dict[str, tuple[str, str]]:
        """UID and resourceVersion of everything that the syncer has applied."""
        return {
            f"{kind}/{each['metadata']['name']}": (each["metadata"]["uid"], each["metadata"]["resourceVersion"])
            for kind in KINDS
            for each in self.below.list(kind, self.space)
            if "internal.workload.kcp.io/applied-hash" in (each["metadata"].get("annotations") or {})
        }


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The cluster registered, and one of everything in a workspace, running."""
    folder = tmp_path_factory.mktemp("kubernetes")
    (folder / "pclusters").mkdir()
    (folder / "cluster").mkdir()
    with (
        stack(folder, kubectls()[0]) as made,
        kubernetes(folder / "cluster", made.pcluster_kubeconfig("real")) as below,
    ):
        made.start_hub()
        made.create_workspaces()
        export = made.json("get", "apiexports.v1alpha1.apis.kcp.io", "kubernetes", workspace="root:compute")
        schemas = [each for each in export["spec"]["latestResourceSchemas"] if not any(new in each for new in _NEWER)]
        notes = {"extra.apis.kcp.io/compute.workload.kcp.io": "true"}
        export["metadata"] = {"name": "older", "annotations": notes}
        export["spec"] = {"latestResourceSchemas": schemas}
        export.pop("status", None)
        made.kubectl("create", "-f", "-", stdin=json.dumps(export), workspace="root:compute")
        made.register("real", f"--apiexports={EXPORT}")
        made.kubectl("wait", "synctarget/real", "--for=condition=Ready", "--timeout=90s", workspace=PLATFORM)
        made.headwater("bind", "compute", PLATFORM, f"--apiexports={EXPORT}", workspace="root:shop")
        made.kubectl("create", "namespace", "web")
        workloads = [
            workload("Deployment", "front", replicas=2),
            workload("StatefulSet", "db", replicas=1, serviceName="db"),
            workload("DaemonSet", "each"),
            job(),
        ]
        for each in (*workloads, *others()):
            made.kubectl("-n", "web", "create", "-f", "-", stdin=json.dumps(each))
        space = wait_for("namespace", lambda: made.downstream_namespace("real", "web"))
        yield Scene(made, below, space)


def test_all_kinds_run_and_report(scene: Scene) -> None:
    """The API server takes each apply, its controllers make pods, and status and pods come up."""
    scene.ready("deployment", "front", "readyReplicas", 2)
    scene.ready("statefulset", "db", "readyReplicas", 1)
    scene.ready("daemonset", "each", "numberReady", 1)
    scene.ready("job", "once", "active", 1)
    wait_for("pods", lambda: len(scene.made.json("-n", "web", "get", "pods")["items"]) == 5)
    wait_for("endpoints", lambda: "front" in scene.made.kubectl("-n", "web", "get", "endpoints", "-o", "name"))
    wait_for("all", lambda: {each.partition("/")[0] for each in scene.copies()} == set(KINDS))
    events = scene.made.kubectl("-n", "web", "get", "events")
    assert "SyncFailed" not in events
    assert "SuccessfulCreate" in events


def test_a_restart_writes_nothing(scene: Scene) -> None:
    test_all_kinds_run_and_report(scene)
    before, syncer = scene.copies(), scene.made.programs["syncer-real"]
    syncer.kill()
    syncer.start()
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "after"}}
    scene.made.kubectl("-n", "web", "create", "-f", "-", stdin=json.dumps(config_map))
    wait_for("it works again", lambda: scene.below.find("configmaps", "after", scene.space))
    scene.made.kubectl("-n", "web", "delete", "configmap", "after")
    wait_for("and deletes", lambda: scene.below.find("configmaps", "after", scene.space) is None)
    assert scene.copies() == before


def test_changes_by_hand_are_put_back(scene: Scene) -> None:
    def images() -> list[str]:
        found = scene.below.find("statefulsets", "db", scene.space)
        return [each["image"] for each in (found or {})["spec"]["template"]["spec"]["containers"]]

    scene.made.below("real", "-n", scene.space, "set", "image", "statefulset/db", "main=other:1")
    wait_for("the image is put back", lambda: images() == ["nginx:1"])
    old = scene.copies()["daemonsets/each"]
    scene.below.request("DELETE", path_of("daemonsets", "each", scene.space))
    wait_for("it is made again", lambda: scene.copies().get("daemonsets/each", old)[0] != old[0])


def test_what_goes_upstream_goes_below(scene: Scene) -> None:
    scene.made.kubectl("-n", "web", "scale", "deployment", "front", "--replicas=3")
    scene.ready("deployment", "front", "readyReplicas", 3)
    scene.made.kubectl("-n", "web", "delete", "statefulset", "db", "--timeout=60s")
    assert scene.below.find("statefulsets", "db", scene.space) is None
    scene.made.kubectl("delete", "namespace", "web", "--timeout=90s")
    wait_for("the namespace goes", lambda: scene.below.find("namespaces", scene.space) is None)
