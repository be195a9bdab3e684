"""The forms of answers: Tables, PartialObjectMetadata, YAML, pretty JSON; discovery and OpenAPI."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from headwater.base import yamlio

from .conftest import CONFIG_MAPS, Api
from .test_create_update import DEPLOYMENTS, config_map, deployment

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList,application/json"


async def test_tables(api: Api) -> None:
    """A list as a Table has rows with metadata, or with whole objects, or with nothing."""
    await api.create(CONFIG_MAPS, config_map("a", k="v"))
    table = (await api.get(CONFIG_MAPS, accept=f"{TABLE},application/json", limit="1")).body
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Data", "Age"]
    (row,) = table["rows"]
    assert row["cells"][:2] == ["a", 1]
    assert row["object"]["kind"] == "PartialObjectMetadata"
    whole = (await api.get(CONFIG_MAPS, accept=TABLE, includeObject="Object")).body
    assert whole["rows"][0]["object"]["data"] == {"k": "v"}
    none = (await api.get(CONFIG_MAPS, accept=TABLE, includeObject="None")).body
    assert "object" not in none["rows"][0]
    one = (await api.get(f"{CONFIG_MAPS}/a", accept=TABLE.replace("v=v1", "v=v1beta1"))).body
    assert (one["apiVersion"], len(one["rows"])) == ("meta.k8s.io/v1beta1", 1)


async def test_metadata_only(api: Api) -> None:
    """Objects and lists as PartialObjectMetadata; each form only where it fits."""
    await api.create(CONFIG_MAPS, config_map("a", k="v"))
    one = (await api.get(f"{CONFIG_MAPS}/a", accept=PARTIAL)).body
    assert (one["kind"], one["metadata"]["name"], "data" in one) == ("PartialObjectMetadata", "a", False)
    many = (await api.get(CONFIG_MAPS, accept=PARTIAL_LIST)).body
    assert (many["kind"], many["items"][0]) == ("PartialObjectMetadataList", one)
    assert (await api.get(CONFIG_MAPS, accept=PARTIAL)).status == 406
    assert (await api.get(f"{CONFIG_MAPS}/a", accept=PARTIAL_LIST)).status == 406


async def test_yaml_and_pretty(api: Api) -> None:
    """YAML on demand, indentation for people's tools."""
    await api.create(CONFIG_MAPS, config_map("a", k="v"))
    reply = await api.get(f"{CONFIG_MAPS}/a", accept="application/yaml")
    assert reply.headers["content-type"] == "application/yaml"
    assert b"apiVersion: v1\nkind: ConfigMap\n" in reply.raw
    assert b'\n  "kind"' in (await api.get(f"{CONFIG_MAPS}/a", pretty="true")).raw


async def test_large_yaml_keeps_nobody_waiting(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read in a thread, by create and apply, and written as what is YAML as well: JSON."""
    threads = []
    load_all = yamlio.load_all

    def recorded(text: str | bytes) -> list[Any]:
        threads.append(threading.current_thread())
        return load_all(text)

    monkeypatch.setattr(yamlio, "load_all", recorded)
    data = "".join(f"  k{number}: {'v' * 90}\n" for number in range(1000))
    body = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: big}}\ndata:\n{data}".encode()
    assert (await api.post(CONFIG_MAPS, body, content="application/yaml")).status == 201
    assert (await api.apply(f"{CONFIG_MAPS}/big", body, force="true")).status == 200
    assert len(threads) == 2
    assert threading.main_thread() not in threads
    reply = await api.get(f"{CONFIG_MAPS}/big", accept="application/yaml")
    assert reply.headers["content-type"] == "application/yaml"
    assert load_all(reply.raw)[0]["data"]["k999"] == "v" * 90


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("*/*", 200),
        ("", 200),
        ("application/vnd.kubernetes.protobuf", 200),
        ("application/vnd.kubernetes.protobuf,application/json;q=0.5", 200),
        ("text/html", 406),
        ("application/json;q=0", 406),
        ("application/json;as=Nothing;v=v1;g=meta.k8s.io", 406),
        ("application/json;as=Nothing;v=v1;g=meta.k8s.io, application/json", 200),
    ],
)
async def test_accept(api: Api, accept: str, status: int) -> None:
    """JSON stands in for protobuf; what can't be served is 406."""
    assert (await api.get(CONFIG_MAPS, accept=accept)).status == status


async def test_paths_that_name_nothing(api: Api) -> None:
    """Unknown groups, resources, subresources and scopes are 404; wrong verbs are 405."""
    for path in (
        "/apis/nope/v1/things",
        "/api/v1/things",
        "/api/v2/configmaps",
        f"{CONFIG_MAPS}/a/nope",
        "/api/v1/configmaps/a",
        "/api/v1/namespaces/default/nodes",
        "/apis/nope",
        "/apis/apps/v9",
        "/nope",
    ):
        assert (await api.get(path)).status == 404, path
    assert (await api.put(CONFIG_MAPS, config_map("a"))).status == 405
    assert (await api.post(f"{CONFIG_MAPS}/a", config_map("a"))).status == 405
    assert (await api.post("/api/v1/configmaps", config_map("a"))).status == 400
    assert (await api.post("/apis", {})).status == 405


async def test_legacy_discovery(api: Api) -> None:
    """/api, /apis, groups and versions."""
    assert (await api.get("/api")).body["versions"] == ["v1"]
    groups = {group["name"]: group for group in (await api.get("/apis")).body["groups"]}
    assert groups["apps"]["preferredVersion"] == {"groupVersion": "apps/v1", "version": "v1"}
    assert (await api.get("/apis/apps")).body["kind"] == "APIGroup"
    resources = {entry["name"]: entry for entry in (await api.get("/apis/apps/v1")).body["resources"]}
    assert resources["deployments"]["shortNames"] == ["deploy"]
    assert resources["deployments"]["categories"] == ["all"]
    assert resources["deployments/scale"] | {"verbs": []} == {
        "name": "deployments/scale",
        "singularName": "",
        "namespaced": True,
        "group": "autoscaling",
        "version": "v1",
        "kind": "Scale",
        "verbs": [],
    }
    core = {entry["name"] for entry in (await api.get("/api/v1")).body["resources"]}
    assert {"namespaces", "namespaces/status", "namespaces/finalize", "pods/binding", "pods/eviction"} <= core


@pytest.mark.parametrize("version", ["v2", "v2beta1"])
async def test_aggregated_discovery(api: Api, version: str) -> None:
    """Both versions of the aggregated form, complete for /api and /apis, with an ETag that answers 304."""
    accept = AGGREGATED.format(version)
    apis = await api.get("/apis", accept=accept)
    assert (
        apis.headers["content-type"] == f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
    )
    assert apis.body["apiVersion"] == f"apidiscovery.k8s.io/{version}"
    apps = next(item for item in apis.body["items"] if item["metadata"]["name"] == "apps")
    deployments = next(r for r in apps["versions"][0]["resources"] if r["resource"] == "deployments")
    assert deployments["responseKind"] == {"group": "apps", "version": "v1", "kind": "Deployment"}
    assert {sub["subresource"] for sub in deployments["subresources"]} == {"status", "scale"}
    (core,) = (await api.get("/api", accept=accept)).body["items"]
    assert core["versions"][0]["version"] == "v1"
    headers = {"accept": accept, "if-none-match": apis.headers["etag"]}
    assert (await api.transport.request("GET", "/apis", headers=headers)).status == 304


async def test_openapi(api: Api) -> None:
    """The v3 index names documents by content, and v2 comes as JSON and protobuf."""
    index = (await api.get("/openapi/v3")).body["paths"]
    url = index["apis/apps/v1"]["serverRelativeURL"]
    path, _, content = url.partition("?hash=")
    document = await api.get(path, hash=content)
    assert document.headers["cache-control"] == "public, immutable"
    assert "io.k8s.api.apps.v1.Deployment" in document.body["components"]["schemas"]
    assert (await api.get("/openapi/v3/apis/nope/v1")).status == 404
    assert (await api.get("/openapi/v9")).status == 404
    assert (await api.get("/openapi/v2")).body["swagger"] == "2.0"
    protobuf = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
    assert "protobuf" in (await api.get("/openapi/v2", accept=protobuf)).headers["content-type"]
    assert (await api.post("/openapi/v2", {})).status == 405


async def test_deployment_row(api: Api) -> None:
    """Kubernetes' own columns, wide ones with priority."""
    await api.create(DEPLOYMENTS, deployment("d", replicas=3))
    table: Any = (await api.get(DEPLOYMENTS, accept=TABLE)).body
    assert [(column["name"], column["priority"]) for column in table["columnDefinitions"]] == [
        ("Name", 0),
        ("Ready", 0),
        ("Up-to-date", 0),
        ("Available", 0),
        ("Age", 0),
        ("Containers", 1),
        ("Images", 1),
        ("Selector", 1),
    ]
    cells = table["rows"][0]["cells"]
    assert cells[:4] == ["d", "0/3", 0, 0]
    assert cells[5:] == ["c", "i", "app=d"]
