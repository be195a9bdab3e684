"""A hash of all that a document is made from, so that documents are shared by content."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from headwater.apis.kube.schemas import KUBERNETES_VERSION
from headwater.apiserver.openapi.definitions import kube_definition
from headwater.apiserver.openapi.interface import ServedResource
from headwater.base import jsonio
from headwater.base.version import VERSION


def fingerprint(resources: Iterable[ServedResource]) -> str:
    """Upper-case hex text that changes whenever the documents of these resources do; their order doesn't matter."""
    return sha256(jsonio.dumps([VERSION, KUBERNETES_VERSION, sorted(map(_row, resources))])).hexdigest().upper()


def _row(resource: ServedResource) -> list[str]:
    names = [resource.group, resource.version, resource.resource, resource.kind, resource.list_kind]
    traits = [resource.namespaced, resource.native_merge, *sorted(resource.subresources), *resource.verbs]
    native = kube_definition(resource)
    schema = native or sha256(jsonio.dumps(resource.raw_schema)).hexdigest()
    return [*names, *map(str, traits), schema]
