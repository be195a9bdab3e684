"""The pcluster's schemas decide what it gets: read from its OpenAPI, compared with the exports', looked at again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.integration.servers import eventually
from tests.integration.syncer.conftest import BINDINGS, PLURALS, Line

from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.apis.workload.labels import COMPUTE_EXPORT_ANNOTATION, sync_failure_annotation, syncer_id
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, annotations, nested, uid

SCHEMAS = GroupVersionResource("apis.kcp.io", "v1alpha1", "apiresourceschemas")
EXPORTS = GroupVersionResource("apis.kcp.io", "v1alpha2", "apiexports")
DEFINITIONS = GroupVersionResource("apiextensions.k8s.io", "v1", "customresourcedefinitions")
COWBOYS = GroupVersionResource("wildwest.dev", "v1", "cowboys")
NAMES = {"plural": "cowboys", "singular": "cowboy", "kind": "Cowboy", "listKind": "CowboyList"}


def schema(*moods: str, **more: Object) -> Object:
    """Of a cowboy who is in one of these moods."""
    mood = {"type": "string", "enum": list(moods)}
    spec = {"type": "object", "properties": {"mood": mood, **more}}
    return {"type": "object", "properties": {"spec": spec}}


def definition(version_schema: Object) -> Object:
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": version_schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "cowboys.wildwest.dev"},
        "spec": {"group": "wildwest.dev", "scope": "Namespaced", "names": NAMES, "versions": [version]},
    }


async def export_cowboys(line: Line, version_schema: Object) -> None:
    """Have the SyncTarget support an API of our own."""
    version = {"name": "v1", "served": True, "storage": True, "schema": version_schema}
    await line.workspace.resource(SCHEMAS).create(
        {
            "apiVersion": "apis.kcp.io/v1alpha1",
            "kind": "APIResourceSchema",
            "metadata": {"name": "v1.cowboys.wildwest.dev"},
            "spec": {"group": "wildwest.dev", "scope": "Namespaced", "names": NAMES, "versions": [version]},
        }
    )
    offered = {"group": "wildwest.dev", "name": "cowboys", "schema": "v1.cowboys.wildwest.dev", "storage": {"crd": {}}}
    await line.workspace.resource(EXPORTS).create(
        {
            "apiVersion": "apis.kcp.io/v1alpha2",
            "kind": "APIExport",
            "metadata": {"name": "wildwest", "annotations": {COMPUTE_EXPORT_ANNOTATION: "true"}},
            "spec": {"resources": [offered]},
        }
    )
    exports = [{"path": "root:compute", "export": "kubernetes"}, {"export": "wildwest"}]
    await line.workspace.resource(SYNC_TARGETS).patch("west", {"spec": {"supportedAPIExports": exports}})


async def allow_cowboys(line: Line) -> None:
    """As the pcluster's owner does by applying the manifests again."""
    roles = line.downstream.resource(PLURALS["ClusterRole"])
    role = await roles.get(syncer_id("west", uid(line.target)))
    rules = [*role["rules"], {"apiGroups": ["wildwest.dev"], "resources": ["cowboys"], "verbs": ["*"]}]
    await roles.patch(role["metadata"]["name"], {"rules": rules})


async def bind_own(line: Line) -> None:
    """Have the workspace use the API that it exports."""
    bindings = line.workspace.resource(BINDINGS)
    body: Object = {"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIBinding", "metadata": {"name": "wildwest"}}
    body["spec"] = {"reference": {"export": {"name": "wildwest"}}}
    await bindings.create(body)

    async def bound() -> bool:
        return nested(await bindings.get("wildwest"), "status", "phase") == "Bound"

    await eventually(bound)


async def cowboys_in(line: Line, state: str) -> Object | None:
    entries = (await line.sync_target())["status"]["syncedResources"]
    return next((each for each in entries if each["resource"] == "cowboys" and each["state"] == state), None)


@pytest.fixture
async def line(line: Line) -> AsyncIterator[Line]:
    """A line whose syncer looks at the pcluster every second."""
    await line.stop_agent()
    line.options = replace(line.options, api_import_poll_seconds=1)
    line.start_agent()
    yield line


async def test_kubernetes_own_kinds_of_the_same_release_have_no_differences(line: Line) -> None:
    """The documents of both sides, written in different ways, say the same."""

    async def judged() -> list[Object] | None:
        entries: list[Object] = (await line.sync_target())["status"]["syncedResources"]
        return entries if all(each["state"] != "Pending" for each in entries) else None

    entries = await eventually(judged)
    assert {each["resource"] for each in entries} >= {"deployments", "services", "jobs", "ingresses"}
    assert [(each["resource"], each.get("message")) for each in entries if each.get("message")] == []
    assert {each["state"] for each in entries} == {"Accepted"}


async def test_a_narrower_definition_is_refused_until_it_is_wide_enough(line: Line) -> None:
    await line.downstream.resource(DEFINITIONS).create(definition(schema("calm")))
    await export_cowboys(line, schema("calm", "wild", song={"type": "string"}))
    refused = await eventually(lambda: cowboys_in(line, "Incompatible"))
    assert refused["message"] == (
        "its schema is narrower than upstream: "
        "spec.mood: enum lacks wild; spec.song: the pcluster does not know this field"
    )
    await allow_cowboys(line)
    wide = definition(schema("calm", "wild", "sad", song={"type": "string"}, horse={"type": "string"}))
    await line.downstream.resource(DEFINITIONS).patch("cowboys.wildwest.dev", {"spec": wide["spec"]})
    assert "message" not in await eventually(lambda: cowboys_in(line, "Accepted"))
    await line.downstream.resource(DEFINITIONS).patch("cowboys.wildwest.dev", definition(schema("calm")))
    assert (await eventually(lambda: cowboys_in(line, "Incompatible")))["message"].count("spec.") == 2


async def test_a_definition_of_anything_takes_anything(line: Line) -> None:
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    await line.downstream.resource(DEFINITIONS).create(definition(anything))
    await allow_cowboys(line)
    await export_cowboys(line, schema("calm"))
    assert "message" not in await eventually(lambda: cowboys_in(line, "Accepted"))


async def test_a_pcluster_that_describes_nothing_gets_what_it_serves(line: Line) -> None:
    """It judges each object, and the tenant hears of it."""
    await line.stop_agent()
    roles = line.downstream.resource(PLURALS["ClusterRole"])
    rules = [{"nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*"], "verbs": ["get"]}]
    await roles.patch("system:discovery", {"rules": rules})
    await line.downstream.resource(DEFINITIONS).create(definition(schema("calm")))
    await allow_cowboys(line)
    await export_cowboys(line, schema("calm", "wild", song={"type": "string"}))
    line.start_agent()
    accepted = await eventually(lambda: cowboys_in(line, "Accepted"))
    assert accepted["message"] == "its schema was not compared: the pcluster serves no OpenAPI v3"
    await bind_own(line)
    cowboy = {"apiVersion": "wildwest.dev/v1", "kind": "Cowboy", "metadata": {"name": "luke"}}
    cowboys = line.workspace.resource(COWBOYS, "default")
    await cowboys.create({**cowboy, "spec": {"mood": "calm", "song": "hello"}})

    async def told() -> str:
        return annotations(await cowboys.get("luke")).get(sync_failure_annotation(line.key), "")

    assert 'unknown field "spec.song"' in await eventually(told)
    await roles.patch("system:discovery", {"rules": [{"nonResourceURLs": ["*"], "verbs": ["get"]}]})
    assert "enum lacks wild" in (await eventually(lambda: cowboys_in(line, "Incompatible")))["message"]
