"""The admission plugins of a control plane, in kcp's order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from headwater.apis.tenancy.workspacetypes import TypeResolver
from headwater.apiserver.admission.interface import AdmissionPlugin
from headwater.controlplane.admission.access import DeepAuthorizer
from headwater.controlplane.admission.apibinding import APIBindingAdmission
from headwater.controlplane.admission.apiexport import APIExportAdmission
from headwater.controlplane.admission.apiresourceschema import APIResourceSchemaAdmission
from headwater.controlplane.admission.lifecycle import WorkspaceNamespaceLifecycle
from headwater.controlplane.admission.logicalcluster import LogicalClusterAdmission
from headwater.controlplane.admission.paths import PathAnnotation
from headwater.controlplane.admission.reserved import CustomResourceOverlap, ReservedNames
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
) -> Sequence[AdmissionPlugin]:
    """All plugins; `is_builtin` says whether a (group, resource) is served without a binding."""
    types = TypeResolver(state.workspace_types.get, state.clusters.find, state.clusters.path_of)
    return (
        WorkspaceNamespaceLifecycle(caches, state.clusters),
        APIResourceSchemaAdmission(),
        WorkspaceAdmission(state, types, authorizer),
        WorkspaceTypeAdmission(state, authorizer),
        LogicalClusterAdmission(),
        APIExportAdmission(is_builtin),
        APIBindingAdmission(state, authorizer),
        ReservedNames(),
        CustomResourceOverlap(state),
        PathAnnotation(state.clusters),
    )
