"""What a handler works on: the resource that a request names, in the cluster and namespace that it names."""

from __future__ import annotations

from typing import NamedTuple

from headwater.apiserver.catalog import Catalog
from headwater.apiserver.resources import ResourceInfo
from headwater.apiserver.web.types import Request
from headwater.machinery import errors

WILDCARD = "*"
_WITHOUT_NAMESPACE = frozenset({"list", "watch", "deletecollection"})
_NAMED = frozenset({"update", "patch"})
_METHOD_NOT_ALLOWED = "the server does not allow this method on the requested resource"
_NOT_FOUND = "the server could not find the requested resource"


class Scope(NamedTuple):
    """A resolved request: `namespace` is "" for cluster-scoped resources and for all namespaces."""

    info: ResourceInfo
    cluster: str
    namespace: str
    name: str
    subresource: str
    verb: str


def no_such_resource() -> errors.NotFound:
    """What Kubernetes answers for a path that names nothing it serves."""
    return errors.NotFound(_NOT_FOUND, details={})


def verb_not_allowed() -> errors.MethodNotAllowed:
    """What Kubernetes answers for a verb that the resource doesn't have."""
    return errors.MethodNotAllowed(_METHOD_NOT_ALLOWED)


async def resolve(catalog: Catalog, request: Request) -> Scope:
    """The scope of a resource request. Raises NotFound and MethodNotAllowed."""
    asked = request.info
    cluster = request.cluster
    info = await catalog.lookup(cluster, asked.group, asked.version, asked.resource, asked.identity)
    if info is None:
        raise no_such_resource()
    verb, subresource = asked.verb, asked.subresource
    name = asked.parts[1] if len(asked.parts) > 1 else ""
    namespace = asked.namespace
    if not subresource and (bool(name) if verb == "create" else verb in _NAMED and not name):
        raise verb_not_allowed()
    if info.namespaced:
        if not namespace and (name or (verb not in _WITHOUT_NAMESPACE and verb != "create")):
            raise no_such_resource()
    elif namespace and not (asked.resource == "namespaces" and not asked.group):
        raise no_such_resource()
    else:
        namespace = ""
    if cluster == WILDCARD:
        _check_wildcard(info, verb, namespace)
    if len(asked.parts) > 3:
        subresource = "/".join(asked.parts[2:])
    return Scope(info, cluster, namespace, name, subresource, verb)


def _check_wildcard(info: ResourceInfo, verb: str, namespace: str) -> None:
    if verb not in ("list", "watch"):
        raise errors.MethodNotAllowed(
            f"{verb} is not supported on resources of kind {info.group_resource} in the `*` logical cluster"
        )
    if namespace:
        raise errors.BadRequest("a namespace can't be named in the `*` logical cluster")
