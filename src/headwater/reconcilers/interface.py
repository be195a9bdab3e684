"""What a controller is given by the composition root, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from headwater.base.clock import Clock, SystemClock
from headwater.client.dynamic import Client, ClusterClient
from headwater.client.informer import InformerFactory
from headwater.client.resource import ResourceClient
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import split_key
from headwater.telemetry.metrics import Registry


class Runnable(Protocol):
    """Anything that runs until it is cancelled."""

    async def run(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerContext:
    """Everything that a controller may use.

    ``informers.scope`` says what it works on: WILDCARD for all logical clusters of a control plane, "" for a plain
    server. ``options`` holds what only some controllers need, by name; each controller documents its own.
    """

    cluster_client: ClusterClient
    informers: InformerFactory
    clock: Clock = field(default_factory=SystemClock)
    registry: Registry = field(default_factory=Registry)
    options: Mapping[str, Any] = field(default_factory=dict)

    def client(self, cluster: str) -> Client:
        """Client of the logical cluster of an object; "" on a plain server."""
        return self.cluster_client.cluster(cluster)

    def resource(self, gvr: GroupVersionResource, key: str) -> ResourceClient:
        """Client of a resource in the cluster and namespace of an object's key."""
        cluster, namespace, _ = split_key(key)
        return self.client(cluster).resource(gvr, namespace)


ControllerFactory = Callable[[ControllerContext], Runnable]
"""Wires a controller to informers; nothing runs before its `run` is called."""
