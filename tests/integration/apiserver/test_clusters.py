"""Logical clusters in one store: isolation, wildcard reads, the cluster annotation."""

from __future__ import annotations

from .conftest import Api
from .test_create_update import config_map

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


async def two(api: Api) -> None:
    for cluster in ("one", "two"):
        await api.create(f"/clusters/{cluster}/api/v1/namespaces", {"metadata": {"name": "default"}})
        obj = config_map("a", where=cluster)
        obj["metadata"]["annotations"] = {"kcp.io/cluster": "forged"}
        await api.create(f"/clusters/{cluster}/api/v1/namespaces/default/configmaps", obj)


async def test_the_same_name_in_two_clusters(clustered: Api) -> None:
    """Objects of one name live side by side, and each says where it lives, whatever a user writes."""
    await two(clustered)
    path = "/clusters/{}/api/v1/namespaces/default/configmaps/a"
    for cluster in ("one", "two"):
        body = (await clustered.get(path.format(cluster))).body
        assert body["data"] == {"where": cluster}
        assert body["metadata"]["annotations"]["kcp.io/cluster"] == cluster
    forged = {"metadata": {"annotations": {"kcp.io/cluster": "two", "x": "y"}}}
    changed = (await clustered.merge(path.format("one"), forged)).body
    assert changed["metadata"]["annotations"] == {"kcp.io/cluster": "one", "x": "y"}
    removed = (await clustered.merge(path.format("one"), {"metadata": {"annotations": None}})).body
    assert removed["metadata"]["annotations"] == {"kcp.io/cluster": "one"}
    assert (await clustered.merge(path.format("one"), {"metadata": {"annotations": [1]}})).status == 422
    await clustered.delete(path.format("one"))
    assert (await clustered.get(path.format("two"))).status == 200


async def test_wildcard_reads(clustered: Api) -> None:
    """The wildcard lists, pages and watches all clusters, and does nothing else."""
    await two(clustered)
    path = "/clusters/*/api/v1/configmaps"
    items = (await clustered.get(path)).body["items"]
    assert [item["metadata"]["annotations"]["kcp.io/cluster"] for item in items] == ["one", "two"]
    first = (await clustered.get(path, limit="1")).body
    rest = await clustered.get(path, **{"continue": first["metadata"]["continue"]})
    assert rest.body["items"][0]["data"] == {"where": "two"}
    events = await clustered.watch(path)
    assert len(events) == 2
    assert (await clustered.get(path, fieldSelector="metadata.name=a")).body["items"] == items
    for method, target in (("POST", path), ("DELETE", path), ("GET", "/clusters/*/api/v1/namespaces/default")):
        reply = await clustered.call(method, target, config_map("x") if method == "POST" else None)
        assert reply.status == 405
        assert "in the `*` logical cluster" in reply.body["message"]
    assert (await clustered.get("/clusters/*/api/v1/namespaces/default/configmaps")).status == 400


async def test_custom_resources_stay_in_their_cluster(clustered: Api) -> None:
    """A CRD serves in its own logical cluster only, in discovery too."""
    from .test_custom_resources import CRDS, crd

    await two(clustered)
    await clustered.create(f"/clusters/one{CRDS}", crd())
    groups = [g["name"] for g in (await clustered.get("/clusters/one/apis")).body["groups"]]
    assert "example.com" in groups
    other = [g["name"] for g in (await clustered.get("/clusters/two/apis")).body["groups"]]
    assert "example.com" not in other
    assert (await clustered.get("/clusters/one/apis/example.com/v1/widgets")).status == 200
    assert (await clustered.get("/clusters/two/apis/example.com/v1/widgets")).status == 404
    index = (await clustered.get("/clusters/one/openapi/v3")).body["paths"]
    assert index["api/v1"]["serverRelativeURL"].startswith("/clusters/one/openapi/v3/api/v1?hash=")


async def test_plain_servers_show_no_cluster(api: Api) -> None:
    """Without logical clusters there is no annotation, and a user's own one is left alone."""
    obj = config_map("a")
    obj["metadata"]["annotations"] = {"kcp.io/cluster": "upstream"}
    made = await api.create("/api/v1/namespaces/default/configmaps", obj)
    assert made["metadata"]["annotations"] == {"kcp.io/cluster": "upstream"}
    other = await api.create("/api/v1/namespaces/default/configmaps", config_map("b"))
    assert "annotations" not in other["metadata"]
