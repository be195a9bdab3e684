"""Keeps workloads back until the resolver of their workspace can answer their pods."""

from __future__ import annotations

from typing import Final, Protocol

from headwater.base.clock import Clock
from headwater.machinery.objects import Object
from headwater.syncer.mutate.dns import PodDns, address_in, asks_the_cluster

PATIENCE_SECONDS: Final = 30.0
"""A resolver that takes longer to start than this is news."""


class ResolverStates(Protocol):
    """What is known of the resolvers on the pcluster."""

    def address(self, cluster: str) -> str: ...

    def is_ready(self, cluster: str) -> bool: ...


class DnsNotReady(Exception):
    """The workspace has no resolver yet that could be asked. ``lasts`` says that this has been so for a while."""

    def __init__(self, *, lasts: bool) -> None:
        super().__init__("DNSNotReady: the pcluster has no DNS for this workspace yet")
        self.lasts = lasts


class DnsGate:
    """Says by what the pods of an object resolve names; without resolvers all do it by the pcluster's own."""

    def __init__(self, states: ResolverStates | None, *, domain: str, clock: Clock) -> None:
        self._states = states
        self._domain = domain
        self._clock = clock
        self._waiting_since: dict[str, float] = {}

    def dns_for(self, upstream: Object, cluster: str, namespace: str, copy: Object | None) -> PodDns | None:
        """The resolver for an object's pods; None where it has none, or its pods choose another. Raises DnsNotReady.

        One that has a ``copy`` needs no more than an address: its pods run, and a resolver that is down for a moment
        must not keep it from being scaled or repaired. The pods of a Job are as they are from its creation on.
        """
        if not asks_the_cluster(upstream):
            return None
        if copy is not None and upstream["kind"] == "Job":
            kept = address_in(copy)
            return PodDns(kept, namespace, self._domain) if kept else None
        if self._states is None:
            return None
        address = self._states.address(cluster)
        if not address or not (copy is not None or self._states.is_ready(cluster)):
            now = self._clock.monotonic()
            raise DnsNotReady(lasts=now - self._waiting_since.setdefault(cluster, now) >= PATIENCE_SECONDS)
        self._waiting_since.pop(cluster, None)
        return PodDns(address, namespace, self._domain)
