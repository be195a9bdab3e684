"""Addresses from outside: what a cloud would give to load balancer Services and to Ingresses."""

from __future__ import annotations

from collections.abc import Collection

from headwater.machinery.objects import Object, deletion_timestamp
from headwater.sim.changes import Plan, status_change
from headwater.sim.resources import INGRESSES, SERVICES

_PER_NETWORK = 250


def plan_service(service: Object, taken: Collection[str], network: int) -> Plan:
    """Give a load balancer Service an address of its own, and take it away when it is one no more."""
    if deletion_timestamp(service):
        return Plan()
    status = dict(service.get("status") or {})
    current = addresses_of(service)
    spec = service.get("spec") or {}
    if spec.get("type") == "LoadBalancer" and not spec.get("loadBalancerClass"):
        if current:
            return Plan()
        address = spec.get("loadBalancerIP") or free_address(taken, network)
        status["loadBalancer"] = {"ingress": [{"ip": address, "ipMode": "VIP"}]}
    elif current:
        status["loadBalancer"] = {}
    else:
        return Plan()
    return Plan(status_change(SERVICES, service, status))


def plan_ingress(ingress: Object, network: int) -> Plan:
    """All Ingresses of a pcluster share the address of its one ingress controller."""
    if deletion_timestamp(ingress) or addresses_of(ingress):
        return Plan()
    status = {**(ingress.get("status") or {}), "loadBalancer": {"ingress": [{"ip": _address(network, 1)}]}}
    return Plan(status_change(INGRESSES, ingress, status))


def addresses_of(obj: Object) -> list[str]:
    """The addresses in a load balancer status."""
    entries = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    return [str(entry["ip"]) for entry in entries if entry.get("ip")]


def free_address(taken: Collection[str], network: int) -> str:
    """The first address of the pcluster's range that no Service has; the last one is shared when all are taken."""
    for number in range(2, _PER_NETWORK):
        address = _address(network, number)
        if address not in taken:
            return address
    return _address(network, _PER_NETWORK)


def _address(network: int, number: int) -> str:
    """Addresses of 198.18.0.0/15, which is set aside for tests of networks (RFC 2544)."""
    return f"198.18.{network}.{number}"
