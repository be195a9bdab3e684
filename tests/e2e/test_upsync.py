"""What kubectl shows in a workspace of what runs on a pcluster."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.e2e.harness import PLATFORM, Stack, kubectls, stack, wait_for

pytestmark = pytest.mark.e2e
DERIVED = "experimental.workload.kcp.io/upsync-derived-resources"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A control plane, one registered pcluster, and a Deployment that runs there."""
    with stack(tmp_path_factory.mktemp("upsync"), kubectls()[0]) as stack_of_module:
        stack_of_module.start_hub()
        stack_of_module.start_sim("east")
        stack_of_module.create_workspaces()
        stack_of_module.register("east")
        stack_of_module.headwater("bind", "compute", PLATFORM, workspace="root:shop")
        stack_of_module.kubectl("create", "namespace", "web")
        stack_of_module.kubectl("-n", "web", "create", "deployment", "front", "--image=nginx", "--replicas=2")
        wait_for("both pods run", lambda: running(stack_of_module) == 2)
        yield stack_of_module


def running(made: Stack) -> int:
    """How many pods the workspace shows as running."""
    return made.kubectl("-n", "web", "get", "pods", "--no-headers").count("Running")


def home(made: Stack) -> str:
    """The downstream namespace."""
    found = made.downstream_namespace("east", "web")
    assert found
    return found


def test_pods_are_shown(made: Stack) -> None:
    """As a table with readiness and node, by label, to wait for, and scaled down gone."""
    lines = made.kubectl("-n", "web", "get", "pods", "-l", "app=front", "-o", "wide", "--no-headers").splitlines()
    assert len(lines) == 2
    assert all(" 1/1 " in line and "Running" in line for line in lines)
    made.kubectl("-n", "web", "wait", "--for=condition=Ready", "pod", "-l", "app=front", "--timeout=60s")
    local = {each["metadata"]["name"] for each in made.below_json("east", "-n", home(made), "get", "pods")["items"]}
    assert {line.split()[0] for line in lines} == local
    described = made.kubectl("-n", "web", "describe", "pod", sorted(local)[0])
    assert "nginx" in described
    made.kubectl("-n", "web", "scale", "deployment", "front", "--replicas=1")
    wait_for("one is gone", lambda: len(made.json("-n", "web", "get", "pods")["items"]) == 1)
    made.kubectl("-n", "web", "scale", "deployment", "front", "--replicas=2")
    wait_for("two again", lambda: running(made) == 2)


def test_pods_are_not_for_tenants_to_make(made: Stack) -> None:
    """Somebody with all rights in the workspace, who is nobody to the control plane itself."""
    made.kubectl("create", "clusterrolebinding", "user-1", "--clusterrole=cluster-admin", "--user=user-1")
    acting = ("--as", "user-1", "--as-group", "system:authenticated", "-n", "web")
    refused = made.kubectl(*acting, "run", "bare", "--image=nginx", "--restart=Never", check=False)
    assert 'pods is forbidden: User "user-1" cannot create resource "pods" in API group ""' in refused
    assert made.kubectl(*acting, "get", "pods", "--no-headers").count("\n") == 2


def test_events_are_shown(made: Stack) -> None:
    """An event of a kubelet is listed, and stands in the description of the pod."""
    pod = made.below_json("east", "-n", home(made), "get", "pods")["items"][0]["metadata"]
    event = {
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "backoff", "namespace": home(made)},
        "involvedObject": {
            "apiVersion": "v1", "kind": "Pod", "name": pod["name"], "namespace": home(made), "uid": pod["uid"],
        },
        "reason": "BackOff", "message": "Back-off pulling image", "type": "Warning", "count": 4,
        "source": {"component": "kubelet", "host": "east-0"},
    }  # fmt: skip
    made.below("east", "create", "-f", write(made, event))
    wait_for("event", lambda: "Back-off pulling image" in made.kubectl("-n", "web", "get", "events"))
    assert "BackOff" in made.kubectl("-n", "web", "describe", "pod", pod["name"])


def write(made: Stack, obj: dict[str, object]) -> str:
    path = made.root / "event.json"
    path.write_text(json.dumps(obj))
    return str(path)


def test_endpoints_come_up_where_a_service_asks(made: Stack) -> None:
    """Y5: two Services and two Endpoints below, and upstream those of the one that asks."""
    for name in ("with-endpoints-upsync", "without-endpoints-upsync"):
        made.kubectl("-n", "web", "create", "service", "clusterip", name, "--tcp=80:80")
    made.kubectl("-n", "web", "annotate", "service", "with-endpoints-upsync", f"{DERIVED}=endpoints")

    def below() -> bool:
        found = made.below_json("east", "-n", home(made), "get", "endpoints")["items"]
        return len([each for each in found if "endpoints-upsync" in each["metadata"]["name"]]) == 2

    wait_for("endpoints below", below)
    found = wait_for("endpoints", lambda: made.json("-n", "web", "get", "endpoints")["items"])
    assert [each["metadata"]["name"] for each in found] == ["with-endpoints-upsync"]


def test_a_deleted_namespace_takes_all_along(made: Stack) -> None:
    """Nothing that came up holds it."""
    made.kubectl("create", "namespace", "short")
    made.kubectl("-n", "short", "create", "deployment", "brief", "--image=nginx")
    wait_for("pod", lambda: made.json("-n", "short", "get", "pods")["items"])
    made.kubectl("delete", "namespace", "short", "--timeout=90s")
