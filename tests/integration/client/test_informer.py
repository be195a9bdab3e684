"""Informers against a real API server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.integration.servers import config_map, eventually, namespace

from headwater.base.backoff import Backoff
from headwater.base.tasks import TaskGroup
from headwater.client.discovery import discover
from headwater.client.dynamic import ClusterClient
from headwater.client.informer import Informer, InformerFactory, ResourceSet
from headwater.client.informer.indexes import BY_CLUSTER, BY_NAMESPACE, by_cluster, by_namespace
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, name

CONFIG_MAPS = GroupVersionResource("", "v1", "configmaps")
NAMESPACES = GroupVersionResource("", "v1", "namespaces")


@asynccontextmanager
async def running(*runnables: Informer | InformerFactory | ResourceSet) -> AsyncIterator[None]:
    """Run informers for the length of a block."""
    async with TaskGroup("test") as group:
        for runnable in runnables:
            group.start(runnable.run())
        yield
        group.cancel()


@pytest.fixture
async def two_clusters(control_plane: ClusterClient) -> ClusterClient:
    """A namespace `a` in each of two logical clusters."""
    for cluster in ("red", "blue"):
        await control_plane.cluster(cluster).resource(NAMESPACES).create(namespace("a"))
    return control_plane


async def test_it_follows_all_clusters(two_clusters: ClusterClient) -> None:
    """One wildcard informer sees every logical cluster, by keys that name the cluster."""
    informer = InformerFactory(two_clusters).informer(CONFIG_MAPS)
    informer.add_index(BY_CLUSTER, by_cluster)
    informer.add_index(BY_NAMESPACE, by_namespace)
    seen: list[tuple[str, str]] = []
    informer.add_handler(lambda kind, old, new: seen.append((kind, name(new or old or {}))))
    red = two_clusters.cluster("red").resource(CONFIG_MAPS, "a")
    await red.create(config_map("before"))
    async with running(informer):
        await informer.wait_synced()
        assert set(informer.keys()) == {"red|a/before"}
        await two_clusters.cluster("blue").resource(CONFIG_MAPS, "a").create(config_map("after"))
        await red.patch("before", {"data": {"x": "1"}})
        await red.delete("before")
        await eventually(lambda: as_coroutine("red|a/before" not in informer and "blue|a/after" in informer))
    assert seen == [("ADDED", "before"), ("ADDED", "after"), ("MODIFIED", "before"), ("DELETED", "before")]
    assert [name(obj) for obj in informer.by_index(BY_CLUSTER, "blue")] == ["after"]
    assert [name(obj) for obj in informer.by_index(BY_NAMESPACE, "blue|a")] == ["after"]
    assert informer.by_index(BY_CLUSTER, "red") == []


async def as_coroutine(value: object) -> object:
    return value


async def test_plain_keys_ignore_the_cluster_annotation(plain: ClusterClient) -> None:
    """On a server without logical clusters nobody can pose as another cluster by an annotation."""
    client = plain.cluster("")
    await client.resource(NAMESPACES).create(namespace("a"))
    forged = config_map("one")
    forged["metadata"]["annotations"] = {"kcp.io/cluster": "root"}
    await client.resource(CONFIG_MAPS, "a").create(forged)
    informer = InformerFactory(plain, scope="").informer(CONFIG_MAPS)
    async with running(informer):
        await informer.wait_synced()
        assert list(informer.keys()) == ["a/one"]


async def test_late_handlers_hear_of_what_is_there_and_broken_ones_harm_nobody(plain: ClusterClient) -> None:
    client = plain.cluster("")
    await client.resource(NAMESPACES).create(namespace("a"))
    informer = InformerFactory(plain, scope="").informer(NAMESPACES)

    def broken(kind: str, old: Object | None, new: Object | None) -> None:
        raise RuntimeError("bug")

    informer.add_handler(broken)
    async with running(informer):
        await informer.wait_synced()
        seen: list[str] = []
        handler = lambda kind, old, new: seen.append(kind)  # noqa: E731
        informer.add_handler(handler)
        assert seen == ["ADDED"]
        informer.remove_handler(handler)
        await client.resource(NAMESPACES).create(namespace("b"))
        await eventually(lambda: as_coroutine("b" in informer))
        assert seen == ["ADDED"]


async def test_it_lists_again_when_its_position_is_lost(plain: ClusterClient) -> None:
    """After 410 the copy is made right by a complete list, deletions included."""
    client = plain.cluster("")
    await client.resource(NAMESPACES).create(namespace("a"))
    maps = client.resource(CONFIG_MAPS, "a")
    await maps.create(config_map("stays"))
    await maps.create(config_map("goes"))
    informer = Informer(client.resource(CONFIG_MAPS), name="test", clustered=False, backoff=Backoff(0.01, 2, 0.1, 0.0))
    async with running(informer):
        await informer.wait_synced()
    await maps.delete("goes")
    await maps.create(config_map("new"))
    informer._position = "999999"
    async with running(informer):
        await eventually(lambda: as_coroutine(set(informer.keys()) == {"a/stays", "a/new"}))


async def test_no_more_of_a_list_is_kept_than_the_transform_leaves(plain: ClusterClient) -> None:
    """Each page is reduced before the next one is read, and watched objects are reduced as well."""
    maps = plain.cluster("").resource(CONFIG_MAPS, "default")
    for number in range(5):
        await maps.create(config_map(f"m{number}", {"large": "x"}))

    def without_data(obj: Object) -> Object:
        return {key: value for key, value in obj.items() if key != "data"}

    items, _ = await maps.list_all(page_size=2, transform=without_data)
    assert [name(each) for each in items] == [f"m{number}" for number in range(5)]
    informer = Informer(maps, name="maps", clustered=False, transform=without_data)
    async with running(informer):
        await informer.wait_synced()
        await maps.create(config_map("later", {"large": "x"}))
        await eventually(lambda: as_coroutine("default/later" in informer))
    assert len(informer) == 6
    assert not any("data" in each for each in (*items, *informer.list()))


async def test_factory_shares_informers_and_starts_late_ones(plain: ClusterClient) -> None:
    factory = InformerFactory(plain, scope="")
    first = factory.informer(NAMESPACES)
    assert factory.informer(NAMESPACES) is first
    assert factory.informer(NAMESPACES, label_selector="a=b") is not first
    async with running(factory):
        await factory.wait_synced()
        late = factory.informer(CONFIG_MAPS)
        await asyncio.wait_for(late.wait_synced(), 30)
    assert len(factory.informers()) == 3


async def test_resource_set_follows_what_is_served(plain: ClusterClient) -> None:
    """Metadata of every resource is there; a resource that is served no more is let go."""
    client = plain.cluster("")
    await client.resource(NAMESPACES).create(namespace("a"))
    await client.resource(CONFIG_MAPS, "a").create(config_map("one", {"x": "secret"}))
    served = (await discover(client)).preferred()
    resources = ResourceSet(plain, scope="")
    heard: list[str] = []

    class Listener:
        def resource_added(self, resource: object, informer: Informer) -> None:
            heard.append(f"+{informer.name}")

        def resource_removed(self, resource: object, informer: Informer) -> None:
            heard.append(f"-{informer.name}")

    resources.sync(served)
    resources.add_listener(Listener())
    async with running(resources):
        await resources.wait_synced()
        assert resources.has_synced
        _, informer = resources.resources[CONFIG_MAPS]
        (obj,) = informer.list()
        assert set(obj) == {"apiVersion", "kind", "metadata"}
        assert [each.gvr for each in resources.by_kind("", "ConfigMap")] == [CONFIG_MAPS]
        resources.sync([each for each in served if each.gvr == NAMESPACES])
        assert list(resources.resources) == [NAMESPACES]
        resources.sync(served)
        await resources.wait_synced()
    assert heard.count("+metadata of configmaps.v1") == 2
    assert heard.count("-metadata of configmaps.v1") == 1
