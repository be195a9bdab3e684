"""The network policy that keeps the namespaces of one tenant apart from those of all others (pure)."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from headwater.apis.workload.labels import ISOLATION_LABEL, ISOLATION_POLICY, TENANT_LABEL
from headwater.machinery.objects import Object

_EVERYWHERE: Final = {4: "0.0.0.0/0", 6: "::/0"}


def isolation_policy(namespace: str, *, tenant: str, key: str, pod_cidrs: Sequence[str] = ()) -> Object:
    """Traffic with the tenant's own namespaces and with those that are no tenant's: the pcluster's own services.

    What is outside of the pcluster can be told from pods by ``pod_cidrs`` alone, all ranges that pods and Services
    have; without them there is no traffic with it but through the pcluster's own namespaces.
    """
    peers: list[Object] = [
        {"namespaceSelector": {"matchLabels": {TENANT_LABEL: tenant}}},
        {"namespaceSelector": {"matchExpressions": [{"key": TENANT_LABEL, "operator": "DoesNotExist"}]}},
        *_outside(pod_cidrs),
    ]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": ISOLATION_POLICY, "namespace": namespace, "labels": {ISOLATION_LABEL: key}},
        "spec": {
            "podSelector": {},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": peers}],
            "egress": [{"to": peers}],
        },
    }


def normal_cidr(text: str) -> str:
    """A range of addresses as API servers write it. Raises ValueError."""
    return str(ipaddress.ip_network(text.strip(), strict=False))


def _outside(pod_cidrs: Sequence[str]) -> list[Object]:
    """Every family of which pod addresses are known, without them."""
    found: list[Object] = []
    for version, everywhere in _EVERYWHERE.items():
        pods = sorted({each for each in pod_cidrs if ipaddress.ip_network(each).version == version})
        if pods:
            found.append({"ipBlock": {"cidr": everywhere, "except": pods}})
    return found
