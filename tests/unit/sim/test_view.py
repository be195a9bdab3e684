"""Views: an informer's copy with our own writes over it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.integration.servers import InProcessServer

from headwater.base.clock import ManualClock
from headwater.base.tasks import TaskGroup
from headwater.client.dynamic import ClusterClient
from headwater.client.informer import Informer
from headwater.machinery.gvk import GroupVersionResource
from headwater.sim.view import View

CONFIG_MAPS = GroupVersionResource("", "v1", "configmaps")
BY_COLOUR = "colour"


def by_colour(obj: dict[str, Any]) -> tuple[str, ...]:
    colour = (obj.get("data") or {}).get("colour")
    return (colour,) if colour else ()


def config_map(name: str, colour: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"colour": colour}}


class Fixture:
    """A view whose informer is only run when a test says so: until then it is as late as can be."""

    def __init__(self, client: ClusterClient) -> None:
        self.clock = ManualClock()
        self.resource = client.cluster("").resource(CONFIG_MAPS, "default")
        self.informer = Informer(self.resource, name="test", clustered=False)
        self.view = View(self.informer, clock=self.clock)
        self.view.add_index(BY_COLOUR, by_colour)

    def names(self, colour: str) -> list[str]:
        return sorted(obj["metadata"]["name"] for obj in self.view.by_index(BY_COLOUR, colour))


@pytest.fixture
async def world() -> AsyncIterator[Fixture]:
    server = await InProcessServer.start()
    client = ClusterClient(server.transport)
    namespaces = client.cluster("").resource(GroupVersionResource("", "v1", "namespaces"))
    await namespaces.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}})
    yield Fixture(client)
    await server.stop()


async def test_writes_are_seen_before_the_informer_hears_of_them(world: Fixture) -> None:
    """By key, in lists and in indexes; a changed object moves in the index."""
    created = await world.resource.create(config_map("a", "red"))
    assert world.view.get("default/a") is None
    world.view.wrote(created)
    assert world.view.get("default/a") == created
    assert world.view.list() == [created]
    assert world.names("red") == ["a"]
    world.view.wrote(await world.resource.update(config_map("a", "blue")))
    assert (world.names("red"), world.names("blue")) == ([], ["a"])
    world.view.deleted(created)
    assert world.view.get("default/a") is None
    assert world.view.list() == []


async def test_the_informer_overtakes_writes(world: Fixture) -> None:
    """Once it has seen them, it alone counts: what others do is seen, and what is gone is gone."""
    world.view.wrote(await world.resource.create(config_map("a", "red")))
    removed = await world.resource.create(config_map("b", "red"))
    async with TaskGroup("test") as group:
        group.start(world.informer.run())
        await world.informer.wait_synced()
        assert world.names("red") == ["a", "b"]
        await world.resource.delete("b")
        world.view.deleted(removed)
        assert world.names("red") == ["a"]
        again = await world.resource.create(config_map("b", "blue"))
        world.view.wrote(again)
        assert world.names("blue") == ["b"]
        world.view.deleted(removed)
        assert world.view.get("default/b") in (again, None)
        group.cancel()


async def test_a_write_older_than_what_is_known_is_ignored(world: Fixture) -> None:
    """Answers can arrive after the events of later writes."""
    late = await world.resource.create(config_map("a", "red"))
    await world.resource.update(config_map("a", "blue"))
    async with TaskGroup("test") as group:
        group.start(world.informer.run())
        await world.informer.wait_synced()
        world.view.wrote(late)
        assert world.names("blue") == ["a"]
        group.cancel()


async def test_writes_are_forgotten_after_a_while(world: Fixture) -> None:
    """If the informer never confirms one, it didn't last."""
    world.view.wrote(await world.resource.create(config_map("a", "red")))
    world.clock.advance(11)
    assert world.names("red") == []
    assert world.view.get("default/a") is None
