"""Pods that ask the resolver of their workspace, where they would have asked the pcluster's (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from headwater.machinery.objects import Object, nested
from headwater.syncer.mutate.pods import POD_SPEC_PATHS

_CLUSTER_FIRST: Final = "ClusterFirst"
_MOST_SERVERS: Final = 3
_MOST_SEARCHES: Final = 32
_OPTIONS: Final = ({"name": "ndots", "value": "5"},)


@dataclass(frozen=True, slots=True)
class PodDns:
    """The address of a workspace's resolver, the upstream namespace that the pods are in, and the cluster's domain."""

    address: str
    namespace: str
    domain: str


def asks_the_cluster(body: Object) -> bool:
    """Whether an object makes pods that resolve names by their cluster.

    Pods of the host's network have its resolver unless they say otherwise, and a policy for pods would not let them
    ask ours; ``Default`` and ``None`` are the owner's own choice.
    """
    spec = _pod_spec(body)
    return spec is not None and not spec.get("hostNetwork") and spec.get("dnsPolicy", _CLUSTER_FIRST) == _CLUSTER_FIRST


def with_workspace_dns(body: Object, dns: PodDns) -> None:
    """Have pods ask the workspace's resolver, in their upstream namespace first, as a cluster would do it for them.

    What their own dnsConfig adds is added behind, and its options win.
    """
    spec = _pod_spec(body)
    if spec is None or not asks_the_cluster(body):
        return
    own: Object = spec.get("dnsConfig") or {}
    services = f"svc.{dns.domain}"
    searches = (f"{dns.namespace}.{services}", services, dns.domain)
    chosen = {option.get("name") for option in own.get("options") or ()}
    spec["dnsPolicy"] = "None"
    spec["dnsConfig"] = {
        "nameservers": _joined((dns.address,), own.get("nameservers"), _MOST_SERVERS),
        "searches": _joined(searches, own.get("searches"), _MOST_SEARCHES),
        "options": [*(each for each in _OPTIONS if each["name"] not in chosen), *(own.get("options") or ())],
    }


def address_in(copy: Object) -> str:
    """The resolver that a downstream copy's pods ask; "" when it is not ours."""
    spec = _pod_spec(copy) or {}
    servers = nested(spec, "dnsConfig", "nameservers", default=()) if spec.get("dnsPolicy") == "None" else ()
    return str(servers[0]) if servers else ""


def _pod_spec(body: Object) -> Object | None:
    path = POD_SPEC_PATHS.get((body["apiVersion"], body["kind"]))
    spec = nested(body, *path) if path else None
    return spec if isinstance(spec, dict) else None


def _joined(ours: tuple[str, ...], theirs: Any, most: int) -> list[str]:
    """Both without repetitions, as many as a pod may have."""
    return list(dict.fromkeys([*ours, *(theirs or ())]))[:most]
