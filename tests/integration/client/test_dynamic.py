"""The dynamic client against a real API server."""

from __future__ import annotations

import pytest
from tests.integration.servers import config_map, namespace

from headwater.client.discovery import discover
from headwater.client.dynamic import ClusterClient
from headwater.client.paths import JSON_PATCH
from headwater.machinery.errors import AlreadyExists, Conflict, NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import cluster_name, name, resource_version, uid

CONFIG_MAPS = GroupVersionResource("", "v1", "configmaps")
NAMESPACES = GroupVersionResource("", "v1", "namespaces")
DEPLOYMENTS = GroupVersionResource("apps", "v1", "deployments")


async def test_every_verb(plain: ClusterClient) -> None:
    """Create, get, update, patches, apply, list and delete do what they say."""
    client = plain.cluster("")
    await client.resource(NAMESPACES).create(namespace("a"))
    maps = client.resource(CONFIG_MAPS, "a")
    created = await maps.create(config_map("one", {"x": "1"}))
    with pytest.raises(AlreadyExists):
        await maps.create(config_map("one"))
    assert (await maps.get("one")) == created
    created["data"]["x"] = "2"
    updated = await maps.update(created)
    with pytest.raises(Conflict):
        await maps.update(created)
    merged = await maps.patch("one", {"data": {"y": "3"}})
    assert merged["data"] == {"x": "2", "y": "3"}
    patched = await maps.patch("one", [{"op": "remove", "path": "/data/x"}], patch_type=JSON_PATCH)
    assert patched["data"] == {"y": "3"}
    applied = await maps.apply(config_map("two", {"z": "1"}), field_manager="test", force=True)
    assert applied["data"] == {"z": "1"}
    assert await maps.create(config_map("three"), dry_run=True)
    items, version = await maps.list_all(page_size=1)
    assert sorted(map(name, items)) == ["one", "two"]
    assert int(version) >= int(resource_version(updated))
    with pytest.raises(Conflict):
        await maps.delete("one", uid="another")
    await maps.delete("one", uid=uid(created))
    with pytest.raises(NotFound):
        await maps.get("one")
    await maps.delete_collection(label_selector="")
    assert (await maps.list_all())[0] == []


async def test_status_subresource(plain: ClusterClient) -> None:
    client = plain.cluster("")
    await client.resource(NAMESPACES).create(namespace("a"))
    deployments = client.resource(DEPLOYMENTS, "a")
    pod = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    await deployments.create(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "d"},
            "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": pod},
        }
    )
    changed = await deployments.patch_status("d", {"status": {"replicas": 3}, "spec": {"replicas": 9}})
    assert (changed["status"]["replicas"], changed["spec"]["replicas"]) == (3, 1)
    changed["status"]["replicas"] = 4
    assert (await deployments.update_status(changed))["status"]["replicas"] == 4


async def test_items_of_lists_have_their_type(plain: ClusterClient) -> None:
    """Controllers need apiVersion and kind of listed objects, which Kubernetes leaves out of lists."""
    maps = plain.cluster("").resource(CONFIG_MAPS, "default")
    await plain.cluster("").resource(NAMESPACES).create(namespace("default"))
    await maps.create(config_map("one"))
    items, _ = await maps.list_all()
    assert [(item["apiVersion"], item["kind"]) for item in items] == [("v1", "ConfigMap")]


async def test_logical_clusters_are_apart_and_the_wildcard_sees_all(control_plane: ClusterClient) -> None:
    for cluster in ("red", "blue"):
        client = control_plane.cluster(cluster)
        await client.resource(NAMESPACES).create(namespace("a"))
        await client.resource(CONFIG_MAPS, "a").create(config_map(f"in-{cluster}"))
    items, _ = await control_plane.cluster("red").resource(CONFIG_MAPS).list_all()
    assert [name(item) for item in items] == ["in-red"]
    items, _ = await control_plane.cluster("*").resource(CONFIG_MAPS).list_all()
    assert {(cluster_name(item), name(item)) for item in items} == {("red", "in-red"), ("blue", "in-blue")}


async def test_watch_from_a_position(plain: ClusterClient) -> None:
    """A watch gives everything after its resourceVersion, in order, and ends when it is closed."""
    client = plain.cluster("")
    await client.resource(NAMESPACES).create(namespace("a"))
    maps = client.resource(CONFIG_MAPS, "a")
    _, position = await maps.list_all()
    await maps.create(config_map("one"))
    await maps.patch("one", {"data": {"x": "1"}})
    await maps.delete("one")
    seen = []
    async with client.resource(CONFIG_MAPS).watch(resource_version=position) as watch:
        async for kind, obj in watch:
            seen.append((kind, name(obj)))
            if len(seen) == 3:
                break
    assert seen == [("ADDED", "one"), ("MODIFIED", "one"), ("DELETED", "one")]


async def test_discovery(plain: ClusterClient) -> None:
    served = await discover(plain.cluster(""))
    deployments = served.get(DEPLOYMENTS)
    assert deployments is not None
    assert deployments.namespaced
    assert deployments.kind == "Deployment"
    assert {"status", "scale"} <= deployments.subresources
    assert deployments.supports("list", "watch", "patch")
    assert served.versions("apps", "deployments") == ["v1"]
    assert served.failed == ()
    assert [each.gvr for each in served.preferred()].count(DEPLOYMENTS) == 1


async def test_raw(plain: ClusterClient) -> None:
    response = await plain.cluster("").raw("GET", "/api/v1")
    assert response.status == 200
