"""OpenAPI v2: the one document that kubectl before 1.27 validates, explains and merges by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from headwater.apis.kube.schemas import KUBERNETES_VERSION, REF_PREFIX
from headwater.apiserver.openapi.definitions import collect
from headwater.apiserver.openapi.gnostic import encode_document
from headwater.apiserver.openapi.interface import ServedResource
from headwater.apiserver.openapi.operations import Operation, Parameter, path_items
from headwater.base import jsonio

Object = dict[str, Any]

V2_PROTOBUF_ACCEPT = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
"""What clients ask for in the Accept header."""
V2_PROTOBUF_CONTENT_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
"""What they must be answered: a media type can't contain an ``@``, and kubectl refuses one that does."""
PRESERVE = "x-kubernetes-preserve-unknown-fields"
_KEPT_KEYWORDS = frozenset(
    (
        "$ref",
        "additionalProperties",
        "default",
        "description",
        "enum",
        "format",
        "items",
        "properties",
        "required",
        "type",
    )
)
_DROPPED_EXTENSIONS = frozenset(("x-kubernetes-int-or-string", "x-kubernetes-validations"))


def build_v2_json(resources: Iterable[ServedResource]) -> bytes:
    """The document as JSON."""
    return jsonio.dumps(document(resources))


def build_v2_protobuf(resources: Iterable[ServedResource]) -> bytes:
    """The document as gnostic's ``openapi.v2.Document``, the only form that kubectl asks for."""
    return encode_document(document(resources))


def document(resources: Iterable[ServedResource]) -> Object:
    """The document as an object."""
    members = sorted(resources, key=lambda resource: (resource.group, resource.version, resource.resource))
    paths: Object = {}
    for resource in members:
        for item in path_items(resource):
            paths[item.path] = {
                "parameters": [_parameter(parameter, "path") for parameter in item.parameters],
                **{operation.method: _operation(operation) for operation in item.operations},
            }
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": KUBERNETES_VERSION},
        "paths": paths,
        "definitions": {name: schema_v2(schema) for name, schema in collect(members).items()},
    }


def _operation(operation: Operation) -> Object:
    parameters = [_parameter(parameter, "query") for parameter in operation.parameters]
    if operation.body:
        body: Object = {"name": "body", "in": "body", "schema": {"$ref": REF_PREFIX + operation.body}}
        if operation.method != "delete":
            body["required"] = True
        parameters.insert(0, body)
    answer = {"description": "OK", "schema": {"$ref": REF_PREFIX + operation.answer}}
    return {
        "tags": [operation.tag],
        "description": operation.description,
        "operationId": operation.identifier,
        "consumes": list(operation.consumes) or ["*/*"],
        "produces": list(operation.produces),
        "parameters": parameters,
        "responses": {str(code): answer for code in operation.codes},
        "schemes": ["https"],
        "x-kubernetes-action": operation.action,
        "x-kubernetes-group-version-kind": operation.gvk,
    }


def _parameter(parameter: Parameter, place: str) -> Object:
    name, type_, description = parameter
    out: Object = {"name": name, "in": place, "description": description, "type": type_, "uniqueItems": True}
    if place == "path":
        out["required"] = True
    return out


def schema_v2(schema: Mapping[str, Any]) -> Object:
    """What v2 can say of a schema; where it can't say enough, it says less, so that clients don't refuse good objects.

    As in Kubernetes, an object that keeps unknown fields, and a value that may be null, lose their inner description.
    """
    out = {
        name: value
        for name, value in schema.items()
        if name in _KEPT_KEYWORDS or (name.startswith("x-kubernetes-") and name not in _DROPPED_EXTENSIONS)
    }
    if schema.get("x-kubernetes-int-or-string"):
        if schema.get("format") in ("int-or-string", "quantity"):
            out["type"] = "string"
            if out["format"] == "quantity":
                del out["format"]
        return out
    if schema.get(PRESERVE) or schema.get("nullable"):
        for name in ("properties", "items", "additionalProperties", "required"):
            if not (name == "properties" and "x-kubernetes-group-version-kind" in schema):
                out.pop(name, None)
        if schema.get("nullable"):
            out.pop("type", None)
            out.pop("format", None)
    if isinstance(out.get("properties"), dict):
        out["properties"] = {name: schema_v2(child) for name, child in out["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(out.get(key), dict):
            out[key] = schema_v2(out[key])
    return out
