"""What tenants get on the pcluster besides their objects: a resolver for a workspace, a policy for a namespace.

What they got by a choice that was taken back goes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from headwater.base.tasks import TaskGroup
from headwater.machinery.objects import Object
from headwater.syncer.dns.controller import Resolvers, ResolverSettings
from headwater.syncer.leftovers import Leftovers
from headwater.syncer.namespaces.isolation import TenantIsolation
from headwater.syncer.options import SyncerOptions
from headwater.syncer.sides import Sides
from headwater.telemetry.health import HealthChecks


class Tenants:
    """Both are there as the options ask for them; ``resolvers`` is None when pods keep the pcluster's DNS."""

    def __init__(self, sides: Sides, options: SyncerOptions) -> None:
        self.resolvers: Resolvers | None = None
        self._isolation: TenantIsolation | None = None
        self._leftovers: Leftovers | None = None
        if options.dns_image:
            settings = ResolverSettings(
                image=options.dns_image, namespace=options.own_namespace, domain=options.cluster_domain
            )
            self.resolvers = Resolvers(sides, settings)
        if options.isolate_tenants:
            self._isolation = TenantIsolation(
                identity=sides.identity,
                downstream=sides.downstream,
                namespaces=sides.namespaces,
                pod_cidrs=options.pod_cidrs,
                clock=sides.clock,
                registry=sides.registry,
            )
        if options.dns_image == "" or options.isolate_tenants is False:
            self._leftovers = Leftovers(
                policies=options.isolate_tenants is False,
                resolvers_in=options.own_namespace if options.dns_image == "" else "",
                identity=sides.identity,
                downstream=sides.downstream,
                clock=sides.clock,
            )

    def namespace_changed(self, old: Object | None, new: Object | None) -> None:
        """Hear of a change of a downstream namespace."""
        for each in (self.resolvers, self._isolation):
            if each is not None:
                each.namespace_changed(old, new)

    def start(
        self, group: TaskGroup, health: HealthChecks, changed: Callable[[str], None], *, allowed: asyncio.Event
    ) -> None:
        """Run in a group, once ``allowed``.

        ``changed`` hears of workspaces whose pods can resolve names from now on, or elsewhere.
        """
        if self.resolvers is not None:
            self.resolvers.changed = changed
            health.add("resolvers", self.resolvers.problem)
            group.start(_after(allowed, self.resolvers.run), name="resolvers")
        if self._isolation is not None:
            health.add("isolation", self._isolation.problem)
            group.start(_after(allowed, self._isolation.run), name="isolation")
        if self._leftovers is not None:
            group.start(_after(allowed, self._leftovers.run), name="leftovers")


async def _after(allowed: asyncio.Event, run: Callable[[], Awaitable[None]]) -> None:
    await allowed.wait()
    await run()
