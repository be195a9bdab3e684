"""Services, their endpoints and addresses, and Ingresses."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.sim.pclusters import Driver, Obj, is_running, workload

from headwater.machinery.errors import Invalid
from headwater.sim.resources import DEPLOYMENTS, ENDPOINT_SLICES, ENDPOINTS, INGRESSES, PODS, SERVICES


def service(object_name: str = "web", **spec: Any) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": object_name, "namespace": "default"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}], **spec},
    }


def has_address(obj: Obj) -> bool:
    return bool(((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress"))


async def test_endpoints_follow_the_pods(driver: Driver) -> None:
    """All ready pods are behind the Service, in Endpoints and slices; none is when they are gone."""
    await driver.create(SERVICES, service())
    await driver.create(DEPLOYMENTS, workload("Deployment", {"replicas": 2}))
    pods = await driver.until_count(PODS, 2, is_running)
    addresses = {pod["status"]["podIP"] for pod in pods}

    def complete(obj: Obj) -> bool:
        return {a["ip"] for s in obj.get("subsets") or () for a in s.get("addresses") or ()} == addresses

    found = await driver.until(ENDPOINTS, "web", complete)
    assert found["subsets"][0]["ports"] == [{"port": 80, "protocol": "TCP"}]
    slices = await driver.until_count(ENDPOINT_SLICES, 1, lambda obj: len(obj.get("endpoints") or ()) == 2)
    assert all(each["conditions"]["ready"] for each in slices[0]["endpoints"])
    await driver.resource(DEPLOYMENTS).patch("web", {"spec": {"replicas": 0}})
    await driver.until(ENDPOINTS, "web", lambda obj: not obj.get("subsets"))
    await driver.resource(SERVICES).delete("web")
    await driver.until_gone(ENDPOINTS, "web")
    await driver.until_count(ENDPOINT_SLICES, 0, lambda _: True)


async def test_services_get_addresses_of_their_own(driver: Driver) -> None:
    """clusterIP and nodePort are there when the create returns; a taken one is refused."""
    first = await driver.create(SERVICES, service("one", type="NodePort"))
    second = await driver.create(SERVICES, service("two", type="NodePort"))
    assert first["spec"]["clusterIP"] != second["spec"]["clusterIP"]
    assert first["spec"]["clusterIPs"] == [first["spec"]["clusterIP"]]
    assert first["spec"]["ports"][0]["nodePort"] != second["spec"]["ports"][0]["nodePort"]
    with pytest.raises(Invalid, match="already allocated"):
        await driver.create(SERVICES, service("three", clusterIP=first["spec"]["clusterIP"]))
    headless = await driver.create(SERVICES, service("four", clusterIP="None"))
    assert headless["spec"]["clusterIP"] == "None"
    updated = await driver.resource(SERVICES).update(service("one", type="NodePort", sessionAffinity="ClientIP"))
    assert updated["spec"]["clusterIP"] == first["spec"]["clusterIP"]
    assert updated["spec"]["ports"][0]["nodePort"] == first["spec"]["ports"][0]["nodePort"]


async def test_load_balancers_and_ingresses_get_addresses(driver: Driver) -> None:
    """As from a cloud; a Service that is a load balancer no more loses it."""
    await driver.create(SERVICES, service(type="LoadBalancer"))
    balanced = await driver.until(SERVICES, "web", has_address)
    assert balanced["status"]["loadBalancer"]["ingress"][0]["ip"].startswith("198.18.")
    await driver.resource(SERVICES).patch("web", {"spec": {"type": "ClusterIP"}})
    await driver.until(SERVICES, "web", lambda obj: not has_address(obj))
    ingress = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}},
    }
    await driver.create(INGRESSES, ingress)
    await driver.until(INGRESSES, "web", has_address)
