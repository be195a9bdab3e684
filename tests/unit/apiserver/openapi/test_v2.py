"""OpenAPI v2: the form that older kubectl validates by, as JSON and as protobuf."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.apiserver.openapi.served import CRON_TABS, NATIVE, Fields, fields, named

from headwater.apiserver.openapi import build_v2_json, build_v2_protobuf
from headwater.apiserver.openapi.v2 import schema_v2

EVERYTHING = [*NATIVE, CRON_TABS]


@pytest.fixture(scope="module")
def message() -> Fields:
    """The protobuf document's fields."""
    return fields(build_v2_protobuf(EVERYTHING))


@pytest.fixture(scope="module")
def definitions(message: Fields) -> dict[str, Fields]:
    return {name: fields(value) for name, value in map(named, fields(message[9][0])[1])}


def extensions(holder: Fields, number: int) -> dict[str, Any]:
    """Vendor extensions; their YAML is JSON too."""
    return {name: json.loads(fields(value)[2][0]) for name, value in map(named, holder.get(number, []))}


def properties(schema: Fields) -> dict[str, Fields]:
    return {name: fields(value) for name, value in map(named, fields(schema[25][0])[1])}


def test_json() -> None:
    """The JSON form is a Swagger document of all paths and definitions, references closed."""
    document = json.loads(build_v2_json(EVERYTHING))
    assert document["swagger"] == "2.0"
    assert "/api/v1/namespaces/{namespace}/pods/{name}" in document["paths"]
    cron_tab = document["definitions"]["com.example.stable.v1.CronTab"]
    assert cron_tab["properties"]["spec"]["properties"]["image"] == {"description": "What image.", "type": "string"}


def test_header(message: Fields) -> None:
    """Version and title are where gnostic has them."""
    assert message[1] == [b"2.0"]
    assert fields(message[2][0])[1] == [b"Kubernetes"]


def test_kinds_are_found_by_extension(definitions: dict[str, Fields]) -> None:
    """kubectl finds a kind's definition by the extension that names it."""
    deployment = definitions["io.k8s.api.apps.v1.Deployment"]
    found = extensions(deployment, 31)["x-kubernetes-group-version-kind"]
    assert found == [{"group": "apps", "kind": "Deployment", "version": "v1"}]
    assert properties(deployment)["spec"][1] == [b"#/definitions/io.k8s.api.apps.v1.DeploymentSpec"]


def test_merge_keys(definitions: dict[str, Fields]) -> None:
    """Strategic merge finds its keys on the list."""
    containers = properties(definitions["io.k8s.api.core.v1.PodSpec"])["containers"]
    found = extensions(containers, 31)
    assert found["x-kubernetes-patch-merge-key"] == "name"
    assert found["x-kubernetes-patch-strategy"] == "merge"
    (items,) = fields(containers[23][0])[1]
    assert fields(items)[1] == [b"#/definitions/io.k8s.api.core.v1.Container"]


def test_types(definitions: dict[str, Fields]) -> None:
    """Types, formats, maps, defaults, enums and required names are where kubectl reads them."""
    spec = definitions["io.k8s.api.core.v1.ServicePort"]
    port, protocol = properties(spec)["port"], properties(spec)["protocol"]
    assert fields(port[22][0])[1] == [b"integer"]
    assert port[2] == [b"int32"]
    assert fields(protocol[5][0])[2] == [b'"TCP"\n']
    assert [fields(value)[2][0] for value in protocol[20]] == [b'"SCTP"\n', b'"TCP"\n', b'"UDP"\n']
    assert spec[19] == [b"port"]
    data = properties(definitions["io.k8s.api.core.v1.ConfigMap"])["data"]
    assert fields(fields(fields(data[21][0])[1][0])[22][0])[1] == [b"string"]
    union = definitions["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]
    assert (fields(union[22][0])[1], union[2]) == ([b"string"], [b"int-or-string"])


def test_operations(message: Fields) -> None:
    """A patch operation names its kind and its query parameters, by which kubectl allows dry runs."""
    paths = dict(map(named, fields(message[8][0])[2]))
    item = fields(paths["/apis/stable.example.com/v1/namespaces/{namespace}/crontabs/{name}"])
    patch = fields(item[8][0])
    assert extensions(patch, 13)["x-kubernetes-group-version-kind"]["kind"] == "CronTab"
    assert b"application/merge-patch+json" in patch[7]
    kinds = [fields(fields(parameter)[1][0]) for parameter in patch[8]]
    body = [fields(kind[1][0]) for kind in kinds if 1 in kind]
    assert [parameter[3] for parameter in body] == [[b"body"]]
    queries = [fields(fields(kind[2][0])[3][0]) for kind in kinds if 2 in kind]
    assert {parameter[4][0] for parameter in queries} >= {b"dryRun", b"fieldManager", b"fieldValidation", b"force"}
    in_path = [fields(fields(fields(fields(parameter)[1][0])[2][0])[4][0]) for parameter in item[9]]
    assert [parameter[4] for parameter in in_path] == [[b"name"], [b"namespace"]]
    (code, answer), *_ = map(named, fields(patch[9][0])[1])
    schema = fields(fields(fields(fields(answer)[1][0])[2][0])[1][0])
    assert (code, schema[1]) == ("200", [b"#/definitions/com.example.stable.v1.CronTab"])


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param({"type": "string", "minLength": 1}, {"type": "string"}, id="bounds-are-left-to-the-server"),
        pytest.param({"x-kubernetes-int-or-string": True}, {}, id="union"),
        pytest.param({"type": "string", "nullable": True}, {}, id="nullable"),
        pytest.param(
            {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"a": {"type": "string"}}},
            {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            id="preserved",
        ),
        pytest.param(
            {"type": "array", "items": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}}},
            {"type": "array", "items": {"type": "object", "additionalProperties": {"type": "integer"}}},
            id="nested",
        ),
        pytest.param({"additionalProperties": True}, {"additionalProperties": True}, id="open"),
    ],
)
def test_schema_says_less_where_it_must(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    """What v2 cannot express is left out, so that clients do not refuse good objects."""
    assert schema_v2(schema) == expected


def test_open_maps_are_encoded() -> None:
    """A boolean additionalProperties has its own place in protobuf."""
    from headwater.apiserver.openapi.gnostic import _schema

    assert fields(fields(_schema({"additionalProperties": True}))[21][0]) == {2: [1]}
