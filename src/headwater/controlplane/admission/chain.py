"""The admission plugins of a control plane, in kcp's order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from headwater.apis.apis.v1alpha1.apiresourceschema import GROUP as APIS_GROUP
from headwater.apis.core.v1alpha1.logicalcluster import GROUP as CORE_GROUP
from headwater.apis.placement.v1alpha1.location import GROUP as PLACEMENT_GROUP
from headwater.apis.sync.v1alpha1.synctarget import GROUP as SYNC_GROUP
from headwater.apis.tenancy.v1alpha1.workspace import GROUP as TENANCY_GROUP
from headwater.apis.tenancy.workspacetypes import TypeResolver
from headwater.apiserver.admission.interface import (
    AdmissionAttributes,
    AdmissionChain,
    AdmissionPlugin,
    BasePlugin,
)
from headwater.base.clock import Clock
from headwater.controlplane.admission.access import DeepAuthorizer
from headwater.controlplane.admission.apibinding import APIBindingAdmission
from headwater.controlplane.admission.apiexport import APIExportAdmission
from headwater.controlplane.admission.apiresourceschema import APIResourceSchemaAdmission
from headwater.controlplane.admission.lifecycle import WorkspaceNamespaceLifecycle
from headwater.controlplane.admission.logicalcluster import LogicalClusterAdmission
from headwater.controlplane.admission.paths import PathAnnotation
from headwater.controlplane.admission.placement import LocationAdmission, PlacementAdmission
from headwater.controlplane.admission.reserved import CustomResourceOverlap, ReservedNames
from headwater.controlplane.admission.shares import Shares
from headwater.controlplane.admission.synctarget import SyncTargetAdmission
from headwater.controlplane.admission.targetchanges import TargetChanges
from headwater.controlplane.admission.workloadmarks import WorkloadMarks
from headwater.controlplane.admission.workspace import WorkspaceAdmission
from headwater.controlplane.admission.workspacetype import WorkspaceTypeAdmission
from headwater.controlplane.objects import ControlPlaneObjects
from headwater.storage.watchcache import CacheSet


def admission_plugins(
    state: ControlPlaneObjects,
    caches: CacheSet,
    *,
    authorizer: DeepAuthorizer,
    is_builtin: Callable[[str, str], bool],
    clock: Clock,
) -> Sequence[AdmissionPlugin]:
    """All plugins; `is_builtin` says whether a (group, resource) is served without a binding."""
    types = TypeResolver(state.workspace_types.get, state.clusters.find, state.clusters.path_of)
    reserved = ReservedNames()
    own: dict[tuple[str, str], Sequence[AdmissionPlugin]] = {
        (APIS_GROUP, "apiresourceschemas"): [APIResourceSchemaAdmission()],
        (APIS_GROUP, "apiexports"): [APIExportAdmission(is_builtin)],
        (APIS_GROUP, "apibindings"): [APIBindingAdmission(state, authorizer)],
        (TENANCY_GROUP, "workspaces"): [WorkspaceAdmission(state, types, authorizer), reserved],
        (TENANCY_GROUP, "workspacetypes"): [WorkspaceTypeAdmission(state, authorizer), reserved],
        (CORE_GROUP, "logicalclusters"): [LogicalClusterAdmission()],
        ("apiextensions.k8s.io", "customresourcedefinitions"): [CustomResourceOverlap(state, is_builtin)],
        (SYNC_GROUP, "synctargets"): [SyncTargetAdmission(state, authorizer, clock=clock)],
        (PLACEMENT_GROUP, "locations"): [LocationAdmission()],
        (PLACEMENT_GROUP, "placements"): [PlacementAdmission(state.clusters, authorizer)],
    }
    return (
        WorkspaceNamespaceLifecycle(caches, state.clusters),
        OfResource({resource: AdmissionChain(plugins) for resource, plugins in own.items()}),
        PathAnnotation(state.clusters),
        WorkloadMarks(),
        Shares(),
        TargetChanges(),
    )


class OfResource(BasePlugin):
    """Plugins that each concern one resource, so that writes to all others ask none of them."""

    name = "kcp.io/OfResource"

    def __init__(self, chains: Mapping[tuple[str, str], AdmissionChain]) -> None:
        self._chains = chains

    def handles(self, attributes: AdmissionAttributes) -> bool:
        return (attributes.info.group, attributes.info.resource) in self._chains

    async def admit(self, attributes: AdmissionAttributes) -> None:
        await self._chains[attributes.info.group, attributes.info.resource].admit(attributes)

    async def validate(self, attributes: AdmissionAttributes) -> None:
        await self._chains[attributes.info.group, attributes.info.resource].validate(attributes)
