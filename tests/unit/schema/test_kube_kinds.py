"""Every built-in kind through the whole mill: its schema is structural, and full objects of it pass unchanged."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.apis.kube.schemas import KubeKind, kube_kinds, structural
from headwater.machinery.objects import deep_copy
from headwater.schema import compile_schema, validate_structural

BY_FORMAT = {"byte": "aGk=", "date-time": "2024-01-02T03:04:05Z", "quantity": "100m", "int-or-string": "50%"}
KINDS = [pytest.param(kind, id=f"{kind.api_version}/{kind.kind}") for kind in kube_kinds().values()]


def sample(schema: dict[str, Any]) -> Any:
    """A value with every field that the schema knows."""
    if "enum" in schema:
        return schema["enum"][-1]
    if schema.get("format") in BY_FORMAT:
        return BY_FORMAT[schema["format"]]
    match schema.get("type"):
        case "object" if "properties" in schema:
            return {name: sample(child) for name, child in schema["properties"].items()}
        case "object":
            return {"k": sample(schema["additionalProperties"])} if "additionalProperties" in schema else {}
        case "array":
            return [sample(schema["items"])]
        case "integer" | "number":
            return max(1, schema.get("minimum", 1))
        case "boolean":
            return True
        case "string":
            return "text"
    return {"free": "form"}


@pytest.mark.parametrize("kind", KINDS)
def test_schema_is_structural(kind: KubeKind) -> None:
    """The server's own schemas would pass its own check of CRDs."""
    assert [str(error) for error in validate_structural(structural(kind.definition), "schema")] == []


@pytest.mark.parametrize("kind", KINDS)
def test_full_object_passes(kind: KubeKind) -> None:
    """An object with every field set is valid, and neither pruning nor defaulting touches it."""
    obj = sample(structural(kind.definition))
    before = deep_copy(obj)
    schema = compile_schema(structural(kind.definition))
    assert schema.prune(obj) == []
    schema.default(obj)
    assert obj == before
    assert [str(error) for error in schema.validate(obj)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_fields_are_found(kind: KubeKind) -> None:
    """A field that no kind has is pruned and named."""
    obj = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": "a"}, "spek": {}}
    assert compile_schema(structural(kind.definition)).prune(obj) == ["spek"]


def test_deployment_as_people_write_it() -> None:
    """A short Deployment gets what the Kubernetes API server would add to it."""
    deployment = next(kind for kind in kube_kinds().values() if kind.kind == "Deployment")
    schema = compile_schema(structural(deployment.definition))
    container = {
        "name": "web",
        "image": "nginx",
        "ports": [{"containerPort": 80}],
        "livenessProbe": {"httpGet": {"port": 80}},
    }
    template = {"metadata": {"creationTimestamp": None, "labels": {"app": "web"}}, "spec": {"containers": [container]}}
    obj: dict[str, Any] = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "strategy": {}, "template": template},
        "status": {},
    }
    assert schema.prune(obj) == []
    schema.default(obj)
    assert schema.validate(obj) == []
    spec = obj["spec"]
    assert (spec["replicas"], spec["strategy"], spec["revisionHistoryLimit"]) == (1, {"type": "RollingUpdate"}, 10)
    assert spec["template"]["metadata"] == {"labels": {"app": "web"}}
    assert spec["template"]["spec"]["restartPolicy"] == "Always"
    assert container["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
    assert container["livenessProbe"] == {
        "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
        "failureThreshold": 3,
        "periodSeconds": 10,
        "successThreshold": 1,
        "timeoutSeconds": 1,
    }


def test_deployment_with_mistakes() -> None:
    """Mistakes are told in Kubernetes' words, all at once."""
    deployment = next(kind for kind in kube_kinds().values() if kind.kind == "Deployment")
    obj = {
        "metadata": {"name": "web"},
        "spec": {
            "replicas": "three",
            "template": {"spec": {"restartPolicy": "Sometimes", "containers": [{"image": "nginx"}]}},
        },
    }
    assert sorted(str(error) for error in compile_schema(structural(deployment.definition)).validate(obj)) == [
        'spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"',
        "spec.selector: Required value",
        "spec.template.spec.containers[0].name: Required value",
        'spec.template.spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never",'
        ' "OnFailure"',
    ]
