"""Filters that tell which logical cluster a request is for, and refuse what no right can allow."""

from __future__ import annotations

from headwater.apis.core.v1alpha1.logicalcluster import GROUP as CORE_GROUP
from headwater.apiserver.authn.accounts import CLUSTER_EXTRA
from headwater.apiserver.authn.interface import PRIVILEGED_GROUP
from headwater.apiserver.web.types import AnyResponse, Handler, Request
from headwater.controlplane.clusters.administrators import may_know_paths
from headwater.controlplane.clusters.index import ClusterIndex
from headwater.controlplane.clusters.names import split_path
from headwater.machinery import errors
from headwater.machinery.errors import Forbidden, MethodNotAllowed, NotFound
from headwater.machinery.gvk import GroupResource
from headwater.machinery.logicalcluster import CLUSTER_ANNOTATION, PATH_ANNOTATION, WILDCARD

SERVICES_PREFIX = "/services/"
_WORKSPACE_NOTE = "tenancy.kcp.io/workspace"
_WILDCARD_VERBS = frozenset({"list", "watch"})
_REVIEW_GROUPS = frozenset({"authentication.k8s.io", "authorization.k8s.io"})
_ANYWHERE = frozenset({"/healthz", "/livez", "/readyz", "/version"})


async def cluster_path_filter(request: Request, following: Handler) -> AnyResponse:
    """Takes a leading ``/clusters/<name or path>`` off the path. Raises BadRequest for what can't be one."""
    request.cluster, request.path = split_path(request.path)
    return await following(request)


class ClusterResolver:
    """Turns the path of a logical cluster into its name.

    Raises NotFound for a path that leads nowhere, but to administrators only. Others are not told which paths there
    are: authorization refuses them all alike. A service account that names no logical cluster means its own, which
    makes in-cluster configuration work.
    """

    def __init__(self, clusters: ClusterIndex) -> None:
        self._clusters = clusters

    async def __call__(self, request: Request, following: Handler) -> AnyResponse:
        if request.cluster:
            if may_know_paths(request.user):
                request.cluster = self._clusters.resolve(request.cluster)
            else:
                request.cluster = self._clusters.find(request.cluster) or request.cluster
        elif CLUSTER_EXTRA in request.user.extra and not request.path.startswith(SERVICES_PREFIX):
            request.cluster = request.user.extra[CLUSTER_EXTRA][0]
        return await following(request)


class ClusterGuard:
    """Refuses writes to all logical clusters at once, and anything in logical clusters that are switched off."""

    def __init__(self, clusters: ClusterIndex) -> None:
        self._clusters = clusters

    async def __call__(self, request: Request, following: Handler) -> AnyResponse:
        cluster, info = request.cluster, request.info
        if cluster == WILDCARD:
            _check_wildcard(request)
        elif not cluster:
            if info.is_resource and info.group not in _REVIEW_GROUPS:
                _refuse_without_cluster(request)
        else:
            entry = self._clusters.get(cluster)
            if entry is not None and entry.inactive and not _allowed_when_inactive(request):
                raise Forbidden("logical cluster is marked inactive")
        if cluster and request.path == "/metrics":
            raise NotFound("metrics are served without a logical cluster only")
        return await following(request)


class ClusterAudit:
    """Notes name and path of the logical cluster for the audit log."""

    def __init__(self, clusters: ClusterIndex) -> None:
        self._clusters = clusters

    async def __call__(self, request: Request, following: Handler) -> AnyResponse:
        if request.cluster:
            notes = request.extras.setdefault("audit", {})
            notes[CLUSTER_ANNOTATION] = request.cluster
            notes[PATH_ANNOTATION] = notes[_WORKSPACE_NOTE] = self._clusters.path_of(request.cluster)
        return await following(request)


def _check_wildcard(request: Request) -> None:
    info = request.info
    if PRIVILEGED_GROUP not in request.user.groups:
        raise errors.forbidden(_group_resource(request), info.name, "access to all logical clusters is not permitted")
    if info.is_resource and info.verb not in _WILDCARD_VERBS:
        raise MethodNotAllowed(f"{info.verb} is not supported in the `*` logical cluster")
    if not info.is_resource and request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed(f"{request.method} is not supported in the `*` logical cluster")


def _refuse_without_cluster(request: Request) -> None:
    if PRIVILEGED_GROUP in request.user.groups:
        raise NotFound("no logical cluster is named: use a URL that begins with /clusters/<name or path>")
    raise errors.forbidden(_group_resource(request), request.info.name, "workspace access not permitted")


def _allowed_when_inactive(request: Request) -> bool:
    info = request.info
    if info.is_resource:
        return info.group == CORE_GROUP and info.resource == "logicalclusters"
    return request.path.startswith("/openapi") or request.path in _ANYWHERE


def _group_resource(request: Request) -> GroupResource:
    return GroupResource(request.info.group, request.info.resource)
