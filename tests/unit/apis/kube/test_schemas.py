"""The checked-in Kubernetes schemas: what is in them, how they are inlined, and that they are what hack/ would make."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from headwater.apis.kube import schemas
from headwater.machinery.gvk import GroupVersionKind

HACK = Path(__file__).parents[4] / "hack"
APPS_DEPLOYMENT = GroupVersionKind("apps", "v1", "Deployment")
ALL_KINDS = [pytest.param(kind, id=f"{kind.api_version}/{kind.kind}") for kind in schemas.kube_kinds().values()]


def walk(schema: Any, path: str = "") -> Any:
    """Every schema within a schema, with its dotted path."""
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from walk(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from walk(schema[key], f"{path}[]")


def at(schema: Any, path: str) -> Any:
    for part in path.split("."):
        schema = schema["items"] if part == "[]" else schema["properties"][part]
    return schema


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_structural_is_whole(kind: schemas.KubeKind) -> None:
    """An inlined schema has no reference, no altered type and no description left, and says what every value may be."""
    structural = schemas.structural(kind.definition)
    assert structural is schemas.structural(kind.definition)
    assert structural["type"] == "object"
    for path, schema in walk(structural):
        assert not {"$ref", "oneOf", "description", "x-kubernetes-group-version-kind"} & schema.keys(), path
        assert isinstance(schema.get("type", ""), str), path
        free = schema.get("x-kubernetes-preserve-unknown-fields") or schema.get("x-kubernetes-int-or-string")
        assert free or schema.get("type"), path
        if schema.get("x-kubernetes-list-type") == "map":
            assert schema["x-kubernetes-list-map-keys"], path


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_metadata_is_the_shared_object_meta(kind: schemas.KubeKind) -> None:
    """Top-level metadata is one shared schema, so forty kinds cost one ObjectMeta."""
    metadata = schemas.structural(kind.definition)["properties"].get("metadata")
    if kind.verbs == schemas.kube_kinds()[APPS_DEPLOYMENT].verbs:
        assert metadata is schemas.structural(schemas.OBJECT_META)


@pytest.mark.parametrize(
    ("kind", "path", "expected"),
    [
        pytest.param("Deployment", "spec.replicas", 1, id="replicas"),
        pytest.param("Deployment", "spec.template.spec.restartPolicy", "Always", id="pod-template"),
        pytest.param("Deployment", "spec.template.spec.containers.[].ports.[].protocol", "TCP", id="list-map-key"),
        pytest.param("Deployment", "spec.template.spec.securityContext", {}, id="default-beside-reference"),
        pytest.param("Service", "spec.ports.[].protocol", "TCP", id="service-port"),
        pytest.param("Secret", "type", "Opaque", id="secret"),
        pytest.param("CronJob", "spec.jobTemplate.spec.backoffLimit", 6, id="job-template"),
        pytest.param("ClusterRoleBinding", "roleRef.apiGroup", "rbac.authorization.k8s.io", id="role-ref"),
    ],
)
def test_defaults_are_completed(kind: str, path: str, expected: object) -> None:
    """Defaults that the published schemas lack are there."""
    (found,) = [known for known in schemas.kube_kinds().values() if known.kind == kind]
    assert at(schemas.structural(found.definition), path)["default"] == expected


def structural_of(gvk: GroupVersionKind) -> Any:
    return schemas.structural(schemas.kube_kinds()[gvk].definition)


def test_merge_keys_survive() -> None:
    """Strategic merge and apply find their keys in the same schema."""
    containers = at(structural_of(APPS_DEPLOYMENT), "spec.template.spec.containers")
    assert containers["x-kubernetes-patch-merge-key"] == "name"
    assert containers["x-kubernetes-patch-strategy"] == "merge"
    assert containers["x-kubernetes-list-map-keys"] == ["name"]


def test_recursion_is_cut() -> None:
    """A JSON schema within a CRD keeps what it does not know from the second level on."""
    crd = schemas.structural(
        schemas.kube_kinds()[GroupVersionKind("apiextensions.k8s.io", "v1", "CustomResourceDefinition")].definition
    )
    json_schema = at(crd, "spec.versions.[].schema.openAPIV3Schema")
    assert json_schema["properties"]["not"] == {"x-kubernetes-preserve-unknown-fields": True}


def test_quantities_and_unions() -> None:
    """Unions of scalars carry Kubernetes' own mark."""
    service = structural_of(GroupVersionKind("", "v1", "Service"))
    assert at(service, "spec.ports.[].targetPort") == {"format": "int-or-string", "x-kubernetes-int-or-string": True}
    claim = structural_of(GroupVersionKind("", "v1", "PersistentVolumeClaim"))
    requests = at(claim, "spec.resources.requests")
    assert requests["additionalProperties"] == {"format": "quantity", "x-kubernetes-int-or-string": True}


def test_definitions_have_descriptions_and_references() -> None:
    """Documents are made from definitions that point to each other and explain themselves."""
    definitions = schemas.definitions()
    deployment = definitions["io.k8s.api.apps.v1.Deployment"]
    assert "declarative updates" in deployment["description"]
    assert deployment["properties"]["spec"]["$ref"] == "#/definitions/io.k8s.api.apps.v1.DeploymentSpec"
    assert deployment["x-kubernetes-group-version-kind"] == [{"group": "apps", "kind": "Deployment", "version": "v1"}]
    assert len(definitions) == len(list(definitions))
    for name in definitions:
        for _, schema in walk(definitions[name]):
            if isinstance(schema.get("$ref"), str):
                assert schema["$ref"].removeprefix(schemas.REF_PREFIX) in definitions


def test_unknown_definition() -> None:
    """A name that the data does not have is a KeyError."""
    with pytest.raises(KeyError):
        schemas.structural("io.k8s.api.core.v1.Nothing")


def test_names() -> None:
    """A kind knows its resource, its list and its scope."""
    deployment = schemas.kube_kinds()[APPS_DEPLOYMENT]
    assert (deployment.gvr, deployment.gvk) == (("apps", "v1", "deployments"), APPS_DEPLOYMENT)
    assert (deployment.singular, deployment.list_kind, deployment.api_version) == (
        "deployment",
        "DeploymentList",
        "apps/v1",
    )
    assert deployment.categories == ("all",)
    assert deployment.subresources == {"status", "scale"}


def test_data_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checked-in data is what the generator makes from the installed package."""
    monkeypatch.syspath_prepend(str(HACK))
    monkeypatch.setattr(sys, "argv", ["kube_schemas.py", "--verify"])
    with pytest.raises(SystemExit) as exit_:
        runpy.run_path(str(HACK / "kube_schemas.py"), run_name="__main__")
    assert exit_.value.code == 0
