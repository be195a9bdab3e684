"""Workloads on a simulated pcluster come up, change and go as they do on a real one."""

from __future__ import annotations

from tests.integration.sim.pclusters import Driver, Obj, condition, is_running, workload

from headwater.machinery.gvk import GroupVersionResource
from headwater.sim.resources import (
    CLAIMS,
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    NODES,
    PODS,
    REPLICA_SETS,
    STATEFUL_SETS,
    VOLUMES,
)

NAMESPACES = GroupVersionResource("", "v1", "namespaces")


def rolled_out(replicas: int) -> object:
    def check(obj: Obj) -> bool:
        status = obj.get("status") or {}
        counts = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")]
        observed = status.get("observedGeneration") == obj["metadata"]["generation"]
        return observed and counts == [replicas] * 3

    return check


async def test_a_deployment_rolls_out_scales_and_goes(driver: Driver) -> None:
    """Pods run, a new template replaces them all, and deletion takes everything along."""
    await driver.create(DEPLOYMENTS, workload("Deployment", {"replicas": 3}))
    done = await driver.until(DEPLOYMENTS, "web", rolled_out(3))
    assert condition(done, "Progressing")["reason"] == "NewReplicaSetAvailable"
    deployments = driver.resource(DEPLOYMENTS)
    containers = [{"name": "main", "image": "nginx:2"}]
    await deployments.patch("web", {"spec": {"template": {"spec": {"containers": containers}}, "replicas": 5}})
    await driver.until(DEPLOYMENTS, "web", rolled_out(5))
    pods = await driver.until_count(PODS, 5, is_running)
    assert {pod["spec"]["containers"][0]["image"] for pod in pods} == {"nginx:2"}
    assert len({pod["status"]["podIP"] for pod in pods}) == 5
    assert len((await driver.resource(REPLICA_SETS).list())["items"]) == 2
    await deployments.delete("web", propagation_policy="Background")
    await driver.until_count(PODS, 0, lambda _: True)
    await driver.until_count(REPLICA_SETS, 0, lambda _: True)


async def test_a_broken_image_stops_the_rollout(driver: Driver) -> None:
    """The old pods stay while the new ones don't get ready."""
    await driver.create(DEPLOYMENTS, workload("Deployment", {"replicas": 2}))
    await driver.until(DEPLOYMENTS, "web", rolled_out(2))
    containers = [{"name": "main", "image": "fail/crash"}]
    await driver.resource(DEPLOYMENTS).patch("web", {"spec": {"template": {"spec": {"containers": containers}}}})
    await driver.until_count(PODS, 1, lambda pod: (pod["status"].get("containerStatuses") or [{}])[0].get("lastState"))
    stuck = await driver.until(DEPLOYMENTS, "web", lambda obj: obj["status"].get("updatedReplicas") == 1)
    assert stuck["status"]["availableReplicas"] == 2
    assert len(await driver.until_count(PODS, 2, is_running)) == 2


async def test_a_stateful_set_comes_up_in_order_with_its_claims(driver: Driver) -> None:
    """Each pod gets a claim of its own, which is bound to a volume."""
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    spec = {"replicas": 3, "serviceName": "web", "volumeClaimTemplates": [claim]}
    await driver.create(STATEFUL_SETS, workload("StatefulSet", spec))
    await driver.until(STATEFUL_SETS, "web", lambda obj: (obj.get("status") or {}).get("readyReplicas") == 3)
    pods = sorted(await driver.until_count(PODS, 3, is_running), key=lambda pod: pod["metadata"]["name"])
    assert [pod["metadata"]["name"] for pod in pods] == ["web-0", "web-1", "web-2"]
    claims = await driver.until_count(CLAIMS, 3, lambda obj: (obj.get("status") or {}).get("phase") == "Bound")
    assert {obj["metadata"]["name"] for obj in claims} == {"data-web-0", "data-web-1", "data-web-2"}
    await driver.resource(STATEFUL_SETS).delete("web", propagation_policy="Background")
    await driver.until_count(PODS, 0, lambda _: True)
    await driver.resource(CLAIMS).delete_collection()
    await driver.until_count(VOLUMES, 0, lambda _: True, space="")


async def test_a_daemon_set_follows_the_nodes(driver: Driver) -> None:
    """One pod on each node; those of a node that goes are gone with it."""
    await driver.create(DAEMON_SETS, workload("DaemonSet", {}))
    pods = await driver.until_count(PODS, 3, is_running)
    assert {pod["spec"]["nodeName"] for pod in pods} == {"east-node-1", "east-node-2", "east-node-3"}
    await driver.resource(NODES, "").delete("east-node-2")
    await driver.until_count(PODS, 2, is_running)
    await driver.until(DAEMON_SETS, "web", lambda obj: obj["status"].get("desiredNumberScheduled") == 2)


async def test_jobs_complete_or_fail(driver: Driver) -> None:
    """Pods that may end do, and a Job counts them."""
    await driver.create(JOBS, workload("Job", {"completions": 3, "parallelism": 2}, restartPolicy="Never"))
    done = await driver.until(JOBS, "web", lambda obj: condition(obj, "Complete").get("status") == "True")
    assert done["status"]["succeeded"] == 3
    broken = workload("Job", {"backoffLimit": 1}, object_name="no", image="fail/x", restartPolicy="Never")
    await driver.create(JOBS, broken)
    failed = await driver.until(JOBS, "no", lambda obj: condition(obj, "Failed").get("status") == "True")
    assert condition(failed, "Failed")["reason"] == "BackoffLimitExceeded"
    assert failed["status"]["failed"] == 2


async def test_a_namespace_takes_its_content_along(driver: Driver) -> None:
    """Deployments, pods and all end with it."""
    await driver.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    made = workload("Deployment", {"replicas": 2})
    made["metadata"]["namespace"] = "shop"
    await driver.create(DEPLOYMENTS, made)
    await driver.until_count(PODS, 2, is_running, space="shop")
    await driver.resource(NAMESPACES, "").delete("shop")
    await driver.until_gone(NAMESPACES, "shop", space="")
    assert (await driver.resource(PODS, "").list())["items"] == []


async def test_applying_again_changes_nothing(driver: Driver) -> None:
    """Not even where the server adds defaults to a list that is owned as one."""
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    wanted = workload("StatefulSet", {"replicas": 0, "serviceName": "web", "volumeClaimTemplates": [claim]})
    resource = driver.resource(STATEFUL_SETS)
    await resource.apply(wanted, field_manager="tester")
    settled = await driver.until(STATEFUL_SETS, "web", lambda obj: obj.get("status"))
    again = await resource.apply(wanted, field_manager="tester")
    assert again["metadata"]["resourceVersion"] == settled["metadata"]["resourceVersion"]
