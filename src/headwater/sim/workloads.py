"""Wires the stages of workload kinds, Services, Ingresses and claims to the objects that they depend on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from headwater.controller import Controller
from headwater.machinery.objects import Object, labels, name, namespace, uid
from headwater.sim.changes import Plan
from headwater.sim.resources import (
    CLAIMS,
    DAEMON_SETS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    ENDPOINTS,
    INGRESSES,
    JOBS,
    NODES,
    PODS,
    REPLICA_SETS,
    SERVICES,
    STATEFUL_SETS,
    VOLUMES,
)
from headwater.sim.stage import Stage, Workbench
from headwater.sim.stages import addresses, daemonset, deployment, endpoints, job, replicaset, statefulset, volumes
from headwater.sim.stages.ownership import BY_OWNER

_BY_SERVICE = "service"
_BY_NAMESPACE = "sim-namespace"
_WORKERS = 8


def workload_stages(bench: Workbench) -> list[Controller]:
    """Controllers of all kinds that own pods."""
    pods = bench.owned_view(PODS)
    replica_sets = bench.owned_view(REPLICA_SETS)
    nodes = bench.view(NODES)

    def pods_of(owner: Object) -> list[Object]:
        return list(pods.by_index(BY_OWNER, uid(owner)))

    def plan_deployment(obj: Object, now: datetime) -> Plan:
        return deployment.plan(obj, replica_sets.by_index(BY_OWNER, uid(obj)), now)

    def plan_daemon_set(obj: Object, now: datetime) -> Plan:
        return daemonset.plan(obj, pods_of(obj), nodes.list(), now)

    stages = {
        "Deployment": Stage(bench, DEPLOYMENTS, plan_deployment, workers=_WORKERS),
        "ReplicaSet": Stage(bench, REPLICA_SETS, lambda o, now: replicaset.plan(o, pods_of(o), now), workers=_WORKERS),
        "StatefulSet": Stage(bench, STATEFUL_SETS, lambda o, now: statefulset.plan(o, pods_of(o), now)),
        "DaemonSet": Stage(bench, DAEMON_SETS, plan_daemon_set),
        "Job": Stage(bench, JOBS, lambda o, now: job.plan(o, pods_of(o), now)),
    }
    for kind, stage in stages.items():
        stage.enqueue_owners(REPLICA_SETS if kind == "Deployment" else PODS, kind)
    daemon_sets = stages["DaemonSet"].view
    stages["DaemonSet"].enqueue_mapped(NODES, lambda _: daemon_sets.informer.keys())
    return [stage.controller for stage in stages.values()]


def network_stages(bench: Workbench, *, network: int) -> list[Controller]:
    """Controllers of Services, their endpoints, and Ingresses; `network` numbers the pcluster's address range."""
    services, pods = bench.view(SERVICES), bench.view(PODS)
    endpoint_objects, slices = bench.view(ENDPOINTS), bench.view(ENDPOINT_SLICES)
    services.add_index(_BY_NAMESPACE, _by_namespace)
    pods.add_index(_BY_NAMESPACE, _by_namespace)
    slices.add_index(_BY_SERVICE, _service_of_slice)

    def plan_endpoints(service: Object, _now: datetime) -> Plan:
        there = pods.by_index(_BY_NAMESPACE, namespace(service))
        key = _key(service)
        return endpoints.plan(service, there, endpoint_objects.get(key), slices.by_index(_BY_SERVICE, key))

    def services_of(pod: Object) -> Iterable[str]:
        for service in services.by_index(_BY_NAMESPACE, namespace(pod)):
            selector = (service.get("spec") or {}).get("selector")
            if selector and selector.items() <= labels(pod).items():
                yield _key(service)

    def plan_address(service: Object, _now: datetime) -> Plan:
        taken = {address for other in services.list() for address in addresses.addresses_of(other)}
        return addresses.plan_service(service, taken, network)

    endpoint_stage = Stage(bench, SERVICES, plan_endpoints, name="endpoints", workers=4)
    endpoint_stage.enqueue_mapped(PODS, services_of)
    endpoint_stage.enqueue_mapped(ENDPOINTS, lambda obj: [_key(obj)])
    endpoint_stage.enqueue_mapped(ENDPOINT_SLICES, _service_of_slice)
    # One worker, so that no address is given twice.
    load_balancers = Stage(bench, SERVICES, plan_address, name="loadbalancers", workers=1)
    ingresses = Stage(bench, INGRESSES, lambda obj, _: addresses.plan_ingress(obj, network))
    return [endpoint_stage.controller, load_balancers.controller, ingresses.controller]


def storage_stages(bench: Workbench) -> list[Controller]:
    """Controllers of claims and of the volumes made for them."""
    claims, persistent = bench.view(CLAIMS), bench.view(VOLUMES)

    def plan_claim(claim: Object, _now: datetime) -> Plan:
        return volumes.plan(claim, persistent.get(f"pvc-{uid(claim)}"))

    def plan_volume(volume: Object, _now: datetime) -> Plan:
        return volumes.plan_volume(volume, claims.get(_claim_key(volume)))

    claim_stage = Stage(bench, CLAIMS, plan_claim)
    volume_stage = Stage(bench, VOLUMES, plan_volume)
    volume_stage.enqueue_mapped(CLAIMS, lambda claim: [f"pvc-{uid(claim)}"])
    return [claim_stage.controller, volume_stage.controller]


def _by_namespace(obj: Object) -> Iterable[str]:
    return (namespace(obj),)


def _service_of_slice(obj: Object) -> Iterable[str]:
    service = labels(obj).get(endpoints.SERVICE_LABEL)
    managed = labels(obj).get(endpoints.MANAGED_BY_LABEL) == endpoints.MANAGER
    return (f"{namespace(obj)}/{service}",) if service and managed else ()


def _claim_key(volume: Object) -> str:
    reference = (volume.get("spec") or {}).get("claimRef") or {}
    return f"{reference.get('namespace', '')}/{reference.get('name', '')}"


def _key(obj: Object) -> str:
    return f"{namespace(obj)}/{name(obj)}"
