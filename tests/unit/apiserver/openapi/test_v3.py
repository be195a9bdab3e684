"""OpenAPI v3: what kubectl looks for in the index and in the documents."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from tests.unit.apiserver.openapi.served import CRON_TABS, NATIVE, SITES

from headwater.apiserver.openapi import build_v3_document, build_v3_index, fingerprint, group_version_resources


def document(*resources: Any) -> dict[str, Any]:
    return json.loads(build_v3_document(resources))


def references(value: Any) -> set[str]:
    """All references within a document."""
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


APPS = [resource for resource in NATIVE if resource.group == "apps"]
DEPLOYMENTS = "/apis/apps/v1/namespaces/{namespace}/deployments"
CRON_TAB_ITEM = "/apis/stable.example.com/v1/namespaces/{namespace}/crontabs/{name}"


def test_index() -> None:
    """Every group version has a URL that changes with its content and is complete for the client."""
    index = json.loads(build_v3_index([*NATIVE, CRON_TABS], url_prefix="/clusters/root:a"))["paths"]
    assert {"api/v1", "apis/apps/v1", "apis/stable.example.com/v1"} <= index.keys()
    digest = fingerprint([CRON_TABS])
    expected = f"/clusters/root:a/openapi/v3/apis/stable.example.com/v1?hash={digest}"
    assert index["apis/stable.example.com/v1"] == {"serverRelativeURL": expected}


@pytest.mark.parametrize(
    "change",
    [
        {"raw_schema": {"type": "object"}},
        {"subresources": frozenset()},
        {"verbs": ("get",)},
        {"kind": "Cron"},
        {"namespaced": False},
        {"native_merge": True},
    ],
    ids=lambda change: next(iter(change)),
)
def test_fingerprint_follows_content(change: dict[str, Any]) -> None:
    """Whatever the document shows is in the fingerprint; the order of resources is not."""
    assert fingerprint([dataclasses.replace(CRON_TABS, **change)]) != fingerprint([CRON_TABS])
    assert fingerprint([CRON_TABS, SITES]) == fingerprint([SITES, CRON_TABS])


def test_all_group_versions_are_closed() -> None:
    """A document holds every definition that it refers to."""
    for key, resources in group_version_resources([*NATIVE, CRON_TABS]).items():
        built = document(*resources)
        schemas = built["components"]["schemas"]
        missing = {name for name in references(built) if name.removeprefix("#/components/schemas/") not in schemas}
        assert missing == set(), key


def test_operation_ids_are_unique() -> None:
    """Code generators name functions by them."""
    for key, resources in group_version_resources([*NATIVE, CRON_TABS]).items():
        paths = document(*resources)["paths"].values()
        identifiers = [item["operationId"] for path in paths for item in path.values() if isinstance(item, dict)]
        assert len(identifiers) == len(set(identifiers)), key


def test_explain_finds_the_kind_by_path() -> None:
    """kubectl explain goes from the collection's path to the kind, and to the definition with that kind."""
    built = document(*APPS)
    assert built["paths"][DEPLOYMENTS]["get"]["x-kubernetes-group-version-kind"] == {
        "group": "apps",
        "kind": "Deployment",
        "version": "v1",
    }
    schema = built["components"]["schemas"]["io.k8s.api.apps.v1.Deployment"]
    assert schema["x-kubernetes-group-version-kind"] == [{"group": "apps", "kind": "Deployment", "version": "v1"}]
    spec = schema["properties"]["spec"]
    assert spec["allOf"] == [{"$ref": "#/components/schemas/io.k8s.api.apps.v1.DeploymentSpec"}]
    assert spec["description"]


@pytest.mark.parametrize(
    ("resources", "path", "strategic"),
    [
        pytest.param(APPS, DEPLOYMENTS + "/{name}", True, id="native"),
        pytest.param([CRON_TABS], CRON_TAB_ITEM, False, id="custom"),
    ],
)
def test_patch_tells_what_the_server_can(resources: Any, path: str, strategic: bool) -> None:
    """kubectl decides by the patch operation on server-side validation, dry runs and the merge strategy."""
    patch = document(*resources)["paths"][path]["patch"]
    names = {parameter["name"] for parameter in patch["parameters"]}
    assert {"dryRun", "fieldManager", "fieldValidation", "force"} <= names
    assert ("application/strategic-merge-patch+json" in patch["requestBody"]["content"]) is strategic
    assert "application/apply-patch+yaml" in patch["requestBody"]["content"]
    assert patch["x-kubernetes-action"] == "patch"


def test_paths_of_a_custom_resource() -> None:
    """Collections, objects and subresources, with Kubernetes' operation ids."""
    built = document(CRON_TABS, SITES)
    assert set(built["paths"]) == {
        "/apis/stable.example.com/v1/crontabs",
        "/apis/stable.example.com/v1/namespaces/{namespace}/crontabs",
        CRON_TAB_ITEM,
        f"{CRON_TAB_ITEM}/status",
        f"{CRON_TAB_ITEM}/scale",
        "/apis/stable.example.com/v1/sites",
        "/apis/stable.example.com/v1/sites/{name}",
    }
    item = built["paths"][CRON_TAB_ITEM]
    assert item["get"]["operationId"] == "readStableExampleComV1NamespacedCronTab"
    assert [parameter["name"] for parameter in item["parameters"]] == ["name", "namespace"]
    assert built["paths"][f"{CRON_TAB_ITEM}/scale"]["put"]["x-kubernetes-group-version-kind"]["kind"] == "Scale"
    assert "post" not in built["paths"]["/apis/stable.example.com/v1/sites"]
    everywhere = built["paths"]["/apis/stable.example.com/v1/crontabs"]
    assert everywhere["get"]["operationId"] == "listStableExampleComV1CronTabForAllNamespaces"


def test_custom_definitions() -> None:
    """A custom kind is described by its own schema, with the common fields of all kinds."""
    schemas = document(CRON_TABS, SITES)["components"]["schemas"]
    cron_tab = schemas["com.example.stable.v1.CronTab"]
    assert cron_tab["properties"]["spec"]["properties"]["image"]["description"] == "What image."
    assert cron_tab["properties"]["spec"]["x-kubernetes-validations"] == [{"rule": "true"}]
    assert cron_tab["properties"]["metadata"]["allOf"] == [
        {"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}
    ]
    items = schemas["com.example.stable.v1.CronTabList"]["properties"]["items"]["items"]
    assert items == {"$ref": "#/components/schemas/com.example.stable.v1.CronTab"}
    assert schemas["com.example.stable.v1.Site"]["x-kubernetes-preserve-unknown-fields"] is True


def test_scalar_unions() -> None:
    """Ports and quantities say that they may be text or numbers."""
    schemas = document(*[resource for resource in NATIVE if not resource.group])["components"]["schemas"]
    assert schemas["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]["oneOf"] == [
        {"type": "string"},
        {"type": "integer"},
    ]
    quantity = schemas["io.k8s.apimachinery.pkg.api.resource.Quantity"]
    assert quantity["oneOf"] == [{"type": "string"}, {"type": "number"}]
    assert "format" not in quantity


def test_bound_kubernetes_kinds_are_documented_by_kubernetes() -> None:
    """A Deployment that comes from an export keeps Kubernetes' descriptions and merge keys."""
    (deployments,) = [resource for resource in APPS if resource.resource == "deployments"]
    bound = dataclasses.replace(deployments, native=False, raw_schema={"type": "object"})
    assert "io.k8s.api.apps.v1.Deployment" in document(bound)["components"]["schemas"]
