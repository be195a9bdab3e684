"""OpenAPI v3: the index of group versions and their documents, as current kubectl reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from headwater.apis.kube.schemas import KUBERNETES_VERSION, REF_PREFIX
from headwater.apiserver.openapi.definitions import collect
from headwater.apiserver.openapi.fingerprint import fingerprint
from headwater.apiserver.openapi.interface import ServedResource
from headwater.apiserver.openapi.operations import Operation, Parameter, path_items
from headwater.base import jsonio

Object = dict[str, Any]

_COMPONENTS = "#/components/schemas/"


def document_key(group: str, version: str) -> str:
    """The name of a group version's document in the index: ``api/v1``, ``apis/apps/v1``."""
    return f"apis/{group}/{version}" if group else f"api/{version}"


def group_version_resources(resources: Iterable[ServedResource]) -> dict[str, list[ServedResource]]:
    """The resources by document key, sorted by key."""
    out: dict[str, list[ServedResource]] = {}
    for resource in resources:
        out.setdefault(document_key(resource.group, resource.version), []).append(resource)
    return dict(sorted(out.items()))


def build_v3_index(resources: Iterable[ServedResource], *, url_prefix: str = "") -> bytes:
    """The answer to ``/openapi/v3``; the hash in each URL changes with the document, so clients may keep it for ever.

    ``url_prefix`` is what comes before ``/openapi`` in the client's URLs (``/clusters/root:team``): clients take the
    URLs as they are and don't add their own prefix.
    """
    paths = {
        key: {"serverRelativeURL": f"{quote(url_prefix, safe='/:')}/openapi/v3/{key}?hash={fingerprint(members)}"}
        for key, members in group_version_resources(resources).items()
    }
    return jsonio.dumps({"paths": paths})


def build_v3_document(resources: Sequence[ServedResource]) -> bytes:
    """The document of one group version, from the resources in it."""
    paths: Object = {}
    for resource in sorted(resources, key=lambda resource: resource.resource):
        for item in path_items(resource):
            paths[item.path] = {
                "parameters": [_parameter(parameter, "path") for parameter in item.parameters],
                **{operation.method: _operation(operation) for operation in item.operations},
            }
    schemas = {name: _schema(schema) for name, schema in collect(resources).items()}
    return jsonio.dumps(
        {
            "openapi": "3.0.0",
            "info": {"title": "Kubernetes", "version": KUBERNETES_VERSION},
            "paths": paths,
            "components": {"schemas": schemas},
        }
    )


def _operation(operation: Operation) -> Object:
    answer = {"schema": {"$ref": _COMPONENTS + operation.answer}}
    out: Object = {
        "tags": [operation.tag],
        "description": operation.description,
        "operationId": operation.identifier,
        "parameters": [_parameter(parameter, "query") for parameter in operation.parameters],
        "responses": {
            str(code): {"description": "OK", "content": dict.fromkeys(operation.produces, answer)}
            for code in operation.codes
        },
        "x-kubernetes-action": operation.action,
        "x-kubernetes-group-version-kind": operation.gvk,
    }
    if operation.body:
        body = {"schema": {"$ref": _COMPONENTS + operation.body}}
        out["requestBody"] = {"content": dict.fromkeys(operation.consumes, body)}
        if operation.method != "delete":
            out["requestBody"]["required"] = True
    return out


def _parameter(parameter: Parameter, place: str) -> Object:
    name, type_, description = parameter
    out: Object = {"name": name, "in": place, "description": description, "schema": {"type": type_}}
    if place == "path":
        out["required"] = True
    return out


def _schema(schema: Mapping[str, Any]) -> Object:
    """The v3 form: references that have siblings wrapped in allOf, unions of scalars spelled out."""
    out = dict(schema)
    if out.get("format") in ("int-or-string", "quantity") and out.pop("x-kubernetes-int-or-string", False):
        number = "integer" if out["format"] == "int-or-string" else "number"
        out["oneOf"] = [{"type": "string"}, {"type": number}]
        if out["format"] == "quantity":
            del out["format"]
    if isinstance(schema.get("properties"), dict):
        out["properties"] = {name: _schema(child) for name, child in schema["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            out[key] = _schema(schema[key])
    reference = out.pop("$ref", None) if isinstance(schema.get("$ref"), str) else None
    if reference is not None:
        target = {"$ref": reference.replace(REF_PREFIX, _COMPONENTS)}
        return {**out, "allOf": [target]} if out else target
    return out
