"""URL paths and query parameters of Kubernetes API requests, with kcp's `/clusters/<name>` prefix."""

from __future__ import annotations

from urllib.parse import quote

from headwater.machinery.gvk import GroupVersionResource

WILDCARD = "*"
"""Cluster name that means all logical clusters; only lists and watches answer to it."""

MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

_SAFE = ":~!$&'()*+,;=@"


def cluster_prefix(base_path: str, cluster: str) -> str:
    """Path of one logical cluster below a base path; an empty cluster is a server without logical clusters."""
    base = base_path.rstrip("/")
    return f"{base}/clusters/{quote(cluster, safe=_SAFE)}" if cluster else base


def collection_path(prefix: str, gvr: GroupVersionResource, namespace: str = "") -> str:
    """Path of a collection; with an empty namespace that of a cluster-scoped resource or of all namespaces."""
    group = f"/apis/{gvr.group}/{gvr.version}" if gvr.group else f"/api/{gvr.version}"
    inside = f"/namespaces/{quote(namespace, safe=_SAFE)}" if namespace else ""
    return f"{prefix}{group}{inside}/{gvr.resource}"


def object_path(collection: str, name: str, subresource: str = "") -> str:
    """Path of one object of a collection. Raises ValueError for an empty name, which would address the collection."""
    if not name:
        raise ValueError("resource name may not be empty")
    path = f"{collection}/{quote(name, safe=_SAFE)}"
    return f"{path}/{subresource}" if subresource else path


def query_of(**parameters: str | int | bool | None) -> list[tuple[str, str]]:
    """Query parameters from keywords in snake_case; empty, zero, False and None ones are left out."""
    query = []
    for name, value in parameters.items():
        if not value:
            continue
        first, *rest = name.split("_")
        wire = first + "".join(part.capitalize() for part in rest)
        query.append((wire, "true" if value is True else str(value)))
    return query
