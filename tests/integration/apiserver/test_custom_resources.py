"""CustomResourceDefinitions and what they serve."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from .conftest import Api

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
WIDGETS = "/apis/example.com/v1/namespaces/default/widgets"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"

SPEC = {
    "type": "object",
    "required": ["size"],
    "properties": {
        "size": {"type": "integer", "minimum": 1},
        "color": {"type": "string", "default": "red"},
        "replicas": {"type": "integer"},
        "parts": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "n": {"type": "integer"}},
            },
        },
    },
}
SCHEMA = {
    "type": "object",
    "properties": {
        "spec": SPEC,
        "status": {"type": "object", "properties": {"phase": {"type": "string"}, "replicas": {"type": "integer"}}},
    },
}


def version(name: str, *, storage: bool, **extra: Any) -> dict[str, Any]:
    return {
        "name": name,
        "served": True,
        "storage": storage,
        "schema": {"openAPIV3Schema": deepcopy(SCHEMA)},
        "subresources": {
            "status": {},
            "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"},
        },
        "additionalPrinterColumns": [
            {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
            {"name": "Color", "type": "string", "jsonPath": ".spec.color", "priority": 1},
        ],
        "selectableFields": [{"jsonPath": ".spec.color"}],
        **extra,
    }


def crd(*versions: dict[str, Any], plural: str = "widgets", kind: str = "Widget", **names: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind, **names},
            "versions": list(versions) or [version("v1", storage=True)],
        },
    }


def widget(name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": name}, "spec": {"size": 1, **spec}}


async def test_served_at_once(api: Api) -> None:
    """A CRD is established and served as soon as its creation is answered."""
    assert (await api.get(WIDGETS)).status == 404
    made = await api.create(CRDS, crd(shortNames=["wd"], categories=["all"]))
    conditions = {c["type"]: c["status"] for c in made["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}
    assert made["status"]["storedVersions"] == ["v1"]
    assert made["status"]["acceptedNames"]["listKind"] == "WidgetList"
    assert (await api.get(WIDGETS)).body["kind"] == "WidgetList"
    resources = {entry["name"]: entry for entry in (await api.get("/apis/example.com/v1")).body["resources"]}
    assert resources["widgets"]["shortNames"] == ["wd"]
    assert {"widgets", "widgets/status", "widgets/scale"} == set(resources)
    index = (await api.get("/openapi/v3")).body["paths"]
    assert "apis/example.com/v1" in index


async def test_schema_rules(api: Api) -> None:
    """Pruning, defaults, validation, generation and status isolation."""
    await api.create(CRDS, crd())
    made = await api.create(WIDGETS, widget("a", unknown=1) | {"status": {"phase": "x"}})
    assert made["spec"] == {"size": 1, "color": "red"}
    assert "status" not in made
    assert made["metadata"]["generation"] == 1
    for bad, path in ((widget("b", size=0), "spec.size"), (widget("b", size="x"), "spec.size")):
        reply = await api.post(WIDGETS, bad)
        assert (reply.status, reply.body["details"]["causes"][0]["field"]) == (422, path)
    twice = widget("b", parts=[{"name": "p"}, {"name": "p"}])
    assert "Duplicate value" in (await api.post(WIDGETS, twice)).body["message"]
    strict = await api.post(WIDGETS, widget("b", unknown=1), fieldValidation="Strict")
    assert strict.status == 400
    status = await api.merge(f"{WIDGETS}/a/status", {"status": {"phase": "up", "z": 1}, "spec": {"size": 9}})
    assert (status.body["status"], status.body["spec"]["size"]) == ({"phase": "up"}, 1)
    assert status.body["metadata"]["generation"] == 1
    grown = await api.merge(f"{WIDGETS}/a", {"spec": {"size": 2}})
    assert grown.body["metadata"]["generation"] == 2


async def test_update_needs_a_version(api: Api) -> None:
    """A custom resource is not overwritten blindly."""
    await api.create(CRDS, crd())
    made = await api.create(WIDGETS, widget("a"))
    blind = await api.put(f"{WIDGETS}/a", widget("a", size=2))
    assert blind.status == 422
    assert "metadata.resourceVersion: Invalid value: 0x0: must be specified for an update" in blind.body["message"]
    assert (await api.put(f"{WIDGETS}/a", made | {"spec": {"size": 2}})).status == 200
    strategic = "application/strategic-merge-patch+json"
    refused = await api.call("PATCH", f"{WIDGETS}/a", {}, content=strategic)
    assert refused.status == 415


async def test_scale_selection_columns_and_apply(api: Api) -> None:
    """Scale, selectable fields, printer columns and lists that merge by key."""
    await api.create(CRDS, crd())
    await api.create(WIDGETS, widget("a", replicas=2))
    await api.create(WIDGETS, widget("b", color="blue"))
    scaled = await api.merge(f"{WIDGETS}/a/scale", {"spec": {"replicas": 4}})
    assert scaled.body["spec"] == {"replicas": 4}
    chosen = await api.get(WIDGETS, fieldSelector="spec.color=blue")
    assert [item["metadata"]["name"] for item in chosen.body["items"]] == ["b"]
    assert (await api.get(WIDGETS, fieldSelector="spec.size=1")).status == 400
    table = (await api.get(WIDGETS, accept=TABLE)).body
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Size", "Color"]
    assert table["rows"][1]["cells"] == ["b", 1, "blue"]
    for manager, part in (("one", {"name": "x", "n": 1}), ("two", {"name": "y", "n": 2})):
        reply = await api.apply(f"{WIDGETS}/c", widget("c", parts=[part]), manager=manager, force="true")
    assert reply.body["spec"]["parts"] == [{"name": "x", "n": 1}, {"name": "y", "n": 2}]


@pytest.mark.parametrize(
    ("spec", "status", "written"),
    [
        ({"replicas": "x"}, {"replicas": {}, "labels": {"matchExpressions": [{"key": 5}]}}, 200),
        ({"replicas": {"a": 1}}, {"replicas": "x", "labels": {"matchLabels": 5}}, 200),
        ("x", 5, 400),
    ],
)
async def test_scale_of_what_no_schema_describes(api: Api, spec: Any, status: Any, written: int) -> None:
    """What is no number counts as none, and what can't have replicas gets none."""
    open_ = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    anything = {"x-kubernetes-preserve-unknown-fields": True}
    schema = {**open_, "properties": {"spec": anything, "status": anything}}
    paths = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    scale = {"status": {}, "scale": {**paths, "labelSelectorPath": ".status.labels"}}
    made = version("v1", storage=True, schema={"openAPIV3Schema": schema}, subresources=scale, selectableFields=[])
    await api.create(CRDS, crd(made))
    await api.create(WIDGETS, {**widget("a"), "spec": spec})
    assert (await api.merge(f"{WIDGETS}/a/status", {"status": status})).status == 200
    shown = (await api.get(f"{WIDGETS}/a/scale")).body
    assert (shown["spec"], shown["status"]) == ({"replicas": 0}, {"replicas": 0})
    assert (await api.merge(f"{WIDGETS}/a/scale", {"spec": {"replicas": 4}})).status == written


async def test_versions_convert_by_name(api: Api) -> None:
    """Objects are served in each version; the stored one is what watchers of both see, converted."""
    await api.create(CRDS, crd(version("v1", storage=True), version("v2", storage=False, deprecated=True)))
    await api.create(WIDGETS, widget("a"))
    second = WIDGETS.replace("/v1/", "/v2/")
    shown = await api.get(f"{second}/a")
    assert shown.body["apiVersion"] == "example.com/v2"
    assert (await api.get(second)).body["items"][0]["apiVersion"] == "example.com/v2"
    changed = await api.merge(f"{second}/a", {"spec": {"size": 5}})
    assert changed.body["apiVersion"] == "example.com/v2"
    assert "example.com/v2 Widget is deprecated" in changed.headers["warning"]
    assert (await api.get(f"{WIDGETS}/a")).body["spec"]["size"] == 5
    events = await api.watch(second)
    assert [event["object"]["apiVersion"] for event in events] == ["example.com/v2"]
    group = (await api.get("/apis/example.com")).body
    assert [entry["version"] for entry in group["versions"]] == ["v2", "v1"]


async def test_changes_of_a_definition(api: Api) -> None:
    """New versions and schemas are served at once; the scope and names of an established CRD stay."""
    made = await api.create(CRDS, crd())
    await api.create(WIDGETS, widget("a"))
    made["spec"]["versions"].append(version("v2", storage=False))
    updated = await api.put(f"{CRDS}/widgets.example.com", made)
    assert updated.status == 200
    assert (await api.get(WIDGETS.replace("/v1/", "/v2/"))).status == 200
    for change in ({"scope": "Cluster"}, {"group": "other.com"}):
        assert (await api.merge(f"{CRDS}/widgets.example.com", {"spec": change})).status == 422
    cleared = updated.body | {"status": {"storedVersions": ["v0"]}}
    assert (await api.put(f"{CRDS}/widgets.example.com/status", cleared)).status == 422


async def test_names_that_are_taken(api: Api) -> None:
    """A CRD whose names another one has isn't served, and says so."""
    await api.create(CRDS, crd(shortNames=["w"]))
    for other, reason in (
        (crd(plural="gadgets", kind="Widget", singular="gadget"), "KindConflict"),
        (crd(plural="gizmos", kind="Gizmo", shortNames=["w"]), "ShortNamesConflict"),
    ):
        made = await api.create(CRDS, other)
        conditions = {c["type"]: (c["status"], c["reason"]) for c in made["status"]["conditions"]}
        assert conditions == {"NamesAccepted": ("False", reason), "Established": ("False", "NotAccepted")}
        plural = other["spec"]["names"]["plural"]
        assert (await api.get(f"/apis/example.com/v1/{plural}")).status == 404


async def test_another_version_of_what_is_built_in_is_not_served(api: Api) -> None:
    """It would be a way around the rules of the kind to the very same objects."""
    group, plural = "rbac.authorization.k8s.io", "clusterroles"
    definition = crd(version("v9", storage=True), plural=plural, kind="ClusterRole")
    definition["metadata"] |= {"name": f"{plural}.{group}", "annotations": {"api-approved.kubernetes.io": "unapproved"}}
    definition["spec"]["group"] = group
    await api.create(CRDS, definition)
    assert (await api.get(f"/apis/{group}/v1/{plural}")).status == 200
    assert (await api.get(f"/apis/{group}/v9/{plural}")).status == 404
    found = (await api.get(f"/apis/{group}")).body
    assert [each["version"] for each in found["versions"]] == ["v1"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"metadata": {"name": "x.example.com"}}, "metadata.name", id="name"),
        pytest.param({"spec": {"scope": "Galaxy"}}, "spec.scope", id="scope"),
        pytest.param({"spec": {"conversion": {"strategy": "Webhook"}}}, "spec.conversion.strategy", id="conversion"),
        pytest.param({"spec": {"preserveUnknownFields": True}}, "spec.preserveUnknownFields", id="unknown fields"),
        pytest.param({"spec": {"versions": [version("v1", storage=False)]}}, "spec.versions", id="no storage"),
        pytest.param(
            {"spec": {"versions": [{"name": "v1", "served": True, "storage": True}]}},
            "spec.versions[0].schema.openAPIV3Schema",
            id="no schema",
        ),
        pytest.param(
            {
                "spec": {
                    "versions": [
                        {
                            "name": "v1",
                            "served": True,
                            "storage": True,
                            "schema": {"openAPIV3Schema": {"type": "object", "properties": {"a": {}}}},
                        }
                    ]
                }
            },
            "spec.versions[0].schema.openAPIV3Schema.properties[a].type",
            id="not structural",
        ),
    ],
)
async def test_refused_definitions(api: Api, change: dict[str, Any], field: str) -> None:
    """Definitions that can't be served are refused, and the field is named."""
    body = crd()
    for part, values in change.items():
        body[part] |= values
    reply = await api.post(CRDS, body)
    assert reply.status == 422, reply.body
    assert field in [cause["field"] for cause in reply.body["details"]["causes"]]


async def test_deletion_waits_for_the_cleanup(api: Api) -> None:
    """A deleted CRD keeps its instances served, takes no new ones, and goes with its finalizer."""
    await api.create(CRDS, crd())
    await api.create(WIDGETS, widget("a"))
    gone = await api.delete(f"{CRDS}/widgets.example.com")
    assert gone.body["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    assert {"type": "Terminating", "status": "True"}.items() <= gone.body["status"]["conditions"][-1].items()
    assert (await api.get(f"{WIDGETS}/a")).status == 200
    assert (await api.post(WIDGETS, widget("b"))).status == 405
    await api.delete(WIDGETS)
    await api.merge(f"{CRDS}/widgets.example.com", {"metadata": {"finalizers": []}})
    assert (await api.get(WIDGETS)).status == 404


async def test_native_kinds_by_definition(api: Api) -> None:
    """Builtin resources win over CRDs of the same name."""
    body = crd(plural="deployments", kind="Deployment")
    body["spec"]["group"], body["metadata"]["name"] = "apps", "deployments.apps"
    await api.create(CRDS, body)
    resources = [entry["name"] for entry in (await api.get("/apis/apps/v1")).body["resources"]]
    assert resources.count("deployments") == 1
