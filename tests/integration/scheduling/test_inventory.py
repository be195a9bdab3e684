"""What is known of workloads right after a start, when some resources are listed and others not yet."""

from __future__ import annotations

from tests.integration.scheduling.ground import CONFIG_MAPS, DEPLOYMENTS, Ground, config_map, deployment, eventually

from headwater.base.tasks import TaskGroup
from headwater.client.informer import InformerFactory
from headwater.machinery.gvk import GroupVersionResource
from headwater.reconcilers.fleet import Fleet
from headwater.reconcilers.scheduling.inventory import Inventory, plain


async def test_an_unlisted_workload_may_run_anywhere(ground: Ground) -> None:
    """Before Deployments are listed a namespace counts as running on its targets; afterwards the objects decide."""
    space = await ground.workspace("west")
    key = await space.target("one")
    await space.place()
    await space.namespace("empty")
    await space.resource(DEPLOYMENTS, "default").create(deployment("web"))
    await space.holds(DEPLOYMENTS, "web", {key: "Sync"})
    informers = InformerFactory(ground.client, clock=ground.clock)
    fleet = await Fleet.open(ground.client, informers, ground.clock)
    inventory = Inventory(fleet, ground.client, ground.clock)
    full, empty = f"{space.cluster}|default", f"{space.cluster}|empty"
    async with TaskGroup("informers") as group:
        group.start(informers.run(), name="fleet")
        await fleet.wait_synced()
        assert not inventory.settled(space.cluster)
        assert inventory.runs_on(empty, key)
        group.start(inventory.factory.run(), name="inventory")

        async def settled() -> bool:
            return inventory.settled(space.cluster)

        await eventually(settled, bool)
        assert inventory.runs_on(full, key)
        assert not inventory.runs_on(empty, key)
        assert not inventory.runs_on(full, "another-key")
        group.cancel()


async def test_resources_come_with_bindings(ground: Ground) -> None:
    """Secrets, ConfigMaps and accounts are known at once, without their data; the rest with the first bindings."""
    space = await ground.workspace("west")
    await space.resource(CONFIG_MAPS, "default").create(config_map("settings"))
    informers = InformerFactory(ground.client, clock=ground.clock)
    fleet = await Fleet.open(ground.client, informers, ground.clock)
    inventory = Inventory(fleet, ground.client, ground.clock)
    heard: list[GroupVersionResource] = []
    inventory.add_listener(lambda gvr, _: heard.append(gvr))
    assert {plain(gvr) for gvr in heard} == {("", each) for each in ("configmaps", "secrets", "serviceaccounts")}
    async with TaskGroup("informers") as group:
        group.start(informers.run(), name="fleet")
        group.start(inventory.factory.run(), name="inventory")
        await fleet.wait_synced()
        known = {plain(gvr): gvr for gvr in heard}
        assert {("apps", "deployments"), ("", "services"), ("", "pods")} <= set(known)
        assert inventory.placed(known["apps", "deployments"])
        assert not inventory.placed(known["", "pods"])

        async def settings() -> list[str]:
            return [key for gvr, key in inventory.in_namespace(f"{space.cluster}|default") if gvr == CONFIG_MAPS]

        name = f"{space.cluster}|default/settings"
        await eventually(settings, lambda keys: name in keys)
        stored = inventory.informers()[CONFIG_MAPS].get(name)
        assert stored is not None
        assert set(stored) == {"apiVersion", "kind", "metadata"}
        group.cancel()
