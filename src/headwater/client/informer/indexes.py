"""Indexes that many controllers share; as functions of one identity, so that an informer keeps each only once."""

from __future__ import annotations

from typing import Final

from headwater.machinery.objects import Object, cluster_name, namespace

BY_CLUSTER: Final = "cluster"
BY_NAMESPACE: Final = "namespace"


def by_cluster(obj: Object) -> tuple[str, ...]:
    """The logical cluster; "" on a plain server."""
    return (cluster_name(obj),)


def by_namespace(obj: Object) -> tuple[str, ...]:
    """`cluster|namespace` of a namespaced object, as `namespace_index_value` builds it."""
    return (namespace_index_value(cluster_name(obj), namespace(obj)),)


def namespace_index_value(cluster: str, space: str) -> str:
    """Value under which `by_namespace` files the objects of one namespace."""
    return f"{cluster}|{space}"
