"""The API server of a simulated pcluster: Kubernetes' own authentication, RBAC and kinds, and a version that says what
it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from headwater.apiserver.admission.interface import AdmissionPlugin
from headwater.apiserver.admission.namespacelifecycle import NamespaceLifecycle
from headwater.apiserver.authn.accounts import CacheLookup, ServiceAccountAuthenticator
from headwater.apiserver.authn.tokens import TokenIssuer
from headwater.apiserver.authn.union import BearerTokenAuthenticator, UnionAuthenticator, UnionTokenAuthenticator
from headwater.apiserver.authn.x509 import CertificateAuthenticator
from headwater.apiserver.authz.escalation import RoleEscalationPlugin
from headwater.apiserver.authz.rbac import RBACAuthorizer
from headwater.apiserver.authz.rolesource import CacheRoleSource
from headwater.apiserver.authz.union import AlwaysAllowGroups, AlwaysAllowPaths, UnionAuthorizer
from headwater.apiserver.builtin.kinds import CORE_RESOURCES, WORKLOAD_RESOURCES, builtin_resources
from headwater.apiserver.customresources.catalog import CRDCatalog
from headwater.apiserver.filters.chain import ChainSettings, compose
from headwater.apiserver.filters.recover import recover_filter
from headwater.apiserver.resources import ResourceInfo
from headwater.apiserver.reviews.resources import review_resources, with_token_subresource
from headwater.apiserver.reviews.tokenrequest import TokenRequest
from headwater.apiserver.server import APIServer, APIServerConfig
from headwater.apiserver.systemroutes import SystemRoutes
from headwater.apiserver.web.types import AnyResponse, Handler, Request, Response
from headwater.base import jsonio, version
from headwater.base.clock import Clock
from headwater.sim import faults as faultsettings
from headwater.sim import nodepool
from headwater.sim.access.connectors import pod_connectors
from headwater.sim.access.containers import Containers
from headwater.sim.faults import Faults
from headwater.sim.nodepool import NodePool
from headwater.sim.podlogs import PodLog
from headwater.sim.resources import SERVER_VERSION
from headwater.storage.interface import Backend
from headwater.storage.watchcache import CacheSet
from headwater.telemetry.health import HealthChecks
from headwater.telemetry.metrics import Registry

ISSUER = "https://kubernetes.default.svc.cluster.local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """An assembled server. `handler` is for the network, with faults; `server.loopback()` is without them."""

    server: APIServer
    handler: Handler
    roles: CacheRoleSource


def assemble(
    *,
    backend: Backend,
    caches: CacheSet,
    clock: Clock,
    issuer: TokenIssuer,
    plugins: Sequence[AdmissionPlugin],
    faults: Faults,
    nodes: NodePool,
    health: HealthChecks,
    metrics: Registry,
) -> Serving:
    """Put the server together; nothing is read or started yet."""
    roles = CacheRoleSource(caches)
    rbac = RBACAuthorizer(roles)
    authorizer = UnionAuthorizer([AlwaysAllowGroups(), AlwaysAllowPaths(), rbac])
    lookup = CacheLookup(caches)
    tokens = UnionTokenAuthenticator([ServiceAccountAuthenticator(issuer, lookup, clock=clock)])
    reviews = review_resources(authorizer=authorizer, resolver=rbac, tokens=tokens, audience=issuer.issuer)
    containers = Containers(clock)
    logs = PodLog(containers, clock)
    catalog = CRDCatalog([*_resources(TokenRequest(issuer, lookup), logs), *reviews], caches)

    async def serve_faults(request: Request) -> AnyResponse:
        return await faults.serve(request)

    async def serve_nodes(request: Request) -> AnyResponse:
        return await nodes.serve(request)

    system = SystemRoutes(health=health, metrics=metrics, issuer=issuer)
    config = APIServerConfig(
        backend=backend,
        caches=caches,
        clock=clock,
        catalog=catalog,
        filters=ChainSettings(
            authenticator=UnionAuthenticator([CertificateAuthenticator(), BearerTokenAuthenticator(tokens)]),
            authorizer=authorizer,
            metrics=metrics,
            clock=clock,
        ),
        admission=[NamespaceLifecycle(caches), RoleEscalationPlugin(rbac, roles, authorizer), *plugins],
        connectors=pod_connectors(containers, clock),
        routes={
            **system.routes(),
            "/version": _show_version,
            "/version/": _show_version,
            faultsettings.PATH: serve_faults,
            nodepool.PATH: serve_nodes,
        },
    )
    server = APIServer(config)
    return Serving(server=server, handler=compose(server.handler, (recover_filter, faults)), roles=roles)


async def _show_version(_request: Request) -> AnyResponse:
    info = {**version.build_info(), "gitVersion": SERVER_VERSION}
    return Response(body=jsonio.dumps(info))


def _resources(token_request: TokenRequest, logs: PodLog) -> list[ResourceInfo]:
    """All builtin resources, service accounts with tokens and pods with logs."""
    found = []
    for info in builtin_resources((*CORE_RESOURCES, *WORKLOAD_RESOURCES)):
        if (info.group, info.resource) == ("", "serviceaccounts"):
            found.append(with_token_subresource(info, token_request))
        elif (info.group, info.resource) == ("", "pods"):
            found.append(replace(info, connect=MappingProxyType({**info.connect, "log": logs})))
        else:
            found.append(info)
    return found
