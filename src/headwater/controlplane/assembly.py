"""The control plane's parts put together, from the loaded store to what an API server is built from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headwater.apiserver.admission.interface import AdmissionPlugin
from headwater.apiserver.authn.accounts import ObjectLookup
from headwater.apiserver.authn.interface import TokenAuthenticator
from headwater.apiserver.authn.tokens import TokenIssuer
from headwater.apiserver.authz.escalation import RoleEscalationPlugin
from headwater.apiserver.authz.rolesource import CacheRoleSource
from headwater.apiserver.builtin.kinds import CORE_RESOURCES, builtin_resources
from headwater.apiserver.catalog import Catalog
from headwater.apiserver.customresources.catalog import CRDCatalog
from headwater.apiserver.filters.impersonation import ImpersonationFilter
from headwater.apiserver.resources import ResourceInfo
from headwater.apiserver.reviews.resources import review_resources, with_token_subresource
from headwater.apiserver.reviews.tokenrequest import TokenRequest
from headwater.base.clock import Clock
from headwater.controlplane.admission.chain import admission_plugins
from headwater.controlplane.authorization.authorizer import ControlPlaneAuthorizer
from headwater.controlplane.authorization.decisions import RememberedDecisions
from headwater.controlplane.authorization.identities import SCOPES_EXTRA, scoped
from headwater.controlplane.authorization.roles import ClusterRBAC, LocalRoles
from headwater.controlplane.binding.bound import BoundResource, GroupResourceKey
from headwater.controlplane.binding.catalog import ControlPlaneCatalog
from headwater.controlplane.binding.library import SchemaLibrary
from headwater.controlplane.binding.native import native_resource
from headwater.controlplane.binding.system import system_resources
from headwater.controlplane.bootstrap.compute import compute_kinds, schema_name
from headwater.controlplane.bootstrap.plan import COMPUTE_CLUSTER
from headwater.controlplane.objects import ControlPlaneObjects
from headwater.machinery.gvk import GroupVersionKind
from headwater.storage.watchcache import CacheSet

PROTECTED_GROUPS = ("system:masters", "system:kcp:*", "system:cluster:*")
PROTECTED_EXTRAS = (SCOPES_EXTRA, "authentication.kcp.io/*", "authorization.kcp.io/*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlane:
    """What makes an API server a control plane."""

    state: ControlPlaneObjects
    catalog: ControlPlaneCatalog
    authorizer: RememberedDecisions
    admission: Sequence[AdmissionPlugin]
    impersonation: ImpersonationFilter


async def assemble(
    caches: CacheSet,
    *,
    identities: Mapping[str, str],
    tokens: TokenAuthenticator,
    issuer: TokenIssuer,
    lookup: ObjectLookup,
    clock: Clock,
) -> ControlPlane:
    """Load the indexes and build everything on them. `identities` are hashes by export name, from the bootstrap."""
    state = await ControlPlaneObjects.load(caches, tenancy_identity=identities["tenancy.kcp.io"])
    roles = CacheRoleSource(caches)
    await roles.open()
    builtins = _Builtins()
    library = SchemaLibrary(state.schemas.get, native_resource, _own_copies())
    # The reviews ask the authorizer, which asks the catalog where a resource comes from, which serves the reviews.
    rbac = ClusterRBAC(roles)
    authorizer = ControlPlaneAuthorizer(state, rbac, builtins.bound)
    served = _served(authorizer, tokens, issuer, lookup)
    local: Catalog = CRDCatalog(served, caches)
    names: frozenset[GroupResourceKey] = frozenset((info.group, info.resource) for info in await local.served("*"))
    remembered = RememberedDecisions(authorizer)
    await remembered.follow(state, caches)
    catalog = builtins.catalog = ControlPlaneCatalog(state, library, local, names)
    return ControlPlane(
        state=state,
        catalog=catalog,
        authorizer=remembered,
        admission=(
            RoleEscalationPlugin(authorizer, LocalRoles(roles), authorizer),
            *admission_plugins(state, caches, authorizer=authorizer, is_builtin=catalog.is_builtin, clock=clock),
        ),
        impersonation=ImpersonationFilter(
            remembered,
            protected_groups=PROTECTED_GROUPS,
            protected_extras=PROTECTED_EXTRAS,
            adjust=lambda request, requestor, target: scoped(requestor, target, request.cluster),
        ),
    )


class _Builtins:
    """Stands for the catalog until that is made."""

    catalog: ControlPlaneCatalog | None = None

    def bound(self, cluster: str, group: str, resource: str) -> BoundResource | None:
        return self.catalog.bound(cluster, group, resource) if self.catalog is not None else None


def _served(
    authorizer: ControlPlaneAuthorizer, tokens: TokenAuthenticator, issuer: TokenIssuer, lookup: ObjectLookup
) -> list[ResourceInfo]:
    token_request = TokenRequest(issuer, lookup)
    core = [
        with_token_subresource(info, token_request) if info.resource == "serviceaccounts" else info
        for info in builtin_resources(CORE_RESOURCES)
    ]
    reviews = review_resources(authorizer=authorizer, resolver=authorizer, tokens=tokens, audience=issuer.issuer)
    return [*core, *reviews, *system_resources()]


class _OwnCopies:
    """Knows the schemas that we published for Kubernetes' own kinds."""

    def __init__(self) -> None:
        self._kinds = {schema_name(kind): kind.gvk for kind in compute_kinds()}

    def __call__(self, bound: BoundResource) -> GroupVersionKind | None:
        return self._kinds.get(bound.schema) if bound.cluster == COMPUTE_CLUSTER else None


def _own_copies() -> _OwnCopies:
    return _OwnCopies()
