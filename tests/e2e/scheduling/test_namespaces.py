"""What namespaces and APIs that come and go mean to what runs in them (S6 to S8, S15)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from tests.e2e.harness import PLATFORM, wait_for
from tests.e2e.scheduling import manifests
from tests.e2e.scheduling.stage import Stage, condition, notes_of, states

pytestmark = pytest.mark.e2e
KEY = "internal.workload.kcp.io/key"


def test_copied_up_pods_outlive_silence_but_not_their_target(stage: Stage) -> None:
    """S6: Pods that were copied up stay while their pcluster is silent, and go when that is unregistered."""
    own = stage.tenant("s6", compute=False)
    syncer = stage.stack.register("outpost", workspace=own.path, pcluster="north", heartbeat_seconds=1)
    own.headwater("bind", "compute", own.path)
    key = own.judged("synctargets", "outpost", "Ready", "True", namespace="")["metadata"]["labels"][KEY]
    own.apply(manifests.deployment("web", 1))

    def shown() -> dict[str, dict[str, str]]:
        return {pod["metadata"]["uid"]: states(pod) for pod in own.api.list("pods", "default")}

    def running() -> bool:
        return [(pod.get("status") or {}).get("phase") for pod in own.api.list("pods", "default")] == ["Running"]

    wait_for("the pod is shown", running)
    before = shown()
    assert list(before.values()) == [{key: "Upsync"}]
    syncer.kill()
    silent = own.judged("synctargets", "outpost", "HeartbeatHealthy", "False", namespace="")
    assert condition(silent, "HeartbeatHealthy")["reason"] == "ErrorHeartbeat"
    assert shown() == before
    syncer.start()
    own.judged("synctargets", "outpost", "HeartbeatHealthy", "True", namespace="")
    own.kubectl("scale", "deployment", "web", "--replicas=2")
    wait_for("the syncer works again", lambda: len(shown()) == 2)
    assert before.items() <= shown().items()
    own.kubectl("delete", "synctarget", "outpost", "--timeout=60s")
    wait_for("the pods go", lambda: shown() == {})
    syncer.stop()


def test_a_namespace_is_scheduled_and_evicted(stage: Stage) -> None:
    """S7: unschedulable without pclusters, scheduled with the first one, unschedulable again after its eviction."""
    own = stage.tenant("s7", compute=False)
    own.kubectl("create", "namespace", "web")
    waiting = own.judged("namespaces", "web", "NamespaceScheduled", "False", namespace="")
    assert condition(waiting, "NamespaceScheduled")["reason"] == "Unschedulable"
    syncer = stage.stack.register("own", workspace=own.path, pcluster="west", heartbeat_seconds=1)
    own.headwater("bind", "compute", own.path)
    scheduled = own.judged("namespaces", "web", "NamespaceScheduled", "True", namespace="")
    key = (own.api.find("synctargets", "own") or {})["metadata"]["labels"][KEY]
    assert states(scheduled) == {key: "Sync"}
    assert "scheduling.kcp.io/placement" in notes_of(scheduled)
    an_hour_ago = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    change = json.dumps({"spec": {"evictAfter": an_hour_ago}})
    own.kubectl("patch", "synctarget", "own", "--type=merge", "-p", change)
    evicted = own.judged("namespaces", "web", "NamespaceScheduled", "False", namespace="")
    assert condition(evicted, "NamespaceScheduled")["reason"] == "Unschedulable"
    own.until("namespaces", "web", lambda obj: states(obj) == {}, namespace="")
    syncer.stop()


def test_an_api_goes_and_comes_back(stage: Stage) -> None:
    """S8: a new object of an API that was taken away and brought back is placed like the first one.

    In kcp the API is a CRD in the tenant's workspace. Here only what a compute export brings runs on pclusters, so
    the binding goes and comes back; a kind of the tenant's own stays in the workspace.
    """
    tenant = stage.tenant("s8", compute=False)
    tenant.place("all", "east")
    tenant.bind(PLATFORM, "wildwest")
    tenant.apply(manifests.cowboy("timothy"))
    tenant.holds("cowboys", "timothy", "east")
    tenant.comes_down("east", "cowboys", "timothy")
    tenant.kubectl("delete", "cowboy", "timothy", "--timeout=60s")
    tenant.kubectl("delete", "apibinding", "wildwest", "--timeout=60s")
    wait_for("no longer served", lambda: "cowboys" not in tenant.kubectl("api-resources", "-o", "name"))
    tenant.kubectl("create", "namespace", "again")
    tenant.bind(PLATFORM, "wildwest")
    tenant.apply(manifests.cowboy("wyatt", "again"))
    tenant.holds("cowboys", "wyatt", "east", namespace="again")
    tenant.comes_down("east", "cowboys", "wyatt", "again")


def test_an_api_of_the_tenants_own_stays_upstream(stage: Stage) -> None:
    """S8, the other half: an object of a CRD in the workspace is served there and never placed."""
    tenant = stage.tenant("s8-own", compute=False)
    tenant.place("all", "east")
    tenant.apply(manifests.cowboy_definition())
    tenant.kubectl("wait", "--for=condition=Established", f"crd/cowboys.{manifests.GROUP}", "--timeout=60s")
    tenant.apply(manifests.cowboy("hermit"), manifests.config_map("neighbour"))
    tenant.comes_down("east", "configmaps", "neighbour")
    assert states(tenant.api.find("cowboys", "hermit", "default")) == {}
    assert tenant.below("east", "cowboys", "hermit") is None


def test_what_the_owner_of_the_compute_apis_keeps_to_itself(stage: Stage) -> None:
    """S15: the export protects pods, which only pclusters make: binding it gives its consumers no right to write them.

    The refusal names the export, also to the workspace's administrator.
    """
    tenant = stage.tenant("s15")
    said = tenant.kubectl("run", "lonely", "--image=nginx", check=False)
    assert "maximal permission policy of APIExport root:compute:kubernetes" in said
    assert tenant.kubectl("get", "pods", "-o", "name") == ""
