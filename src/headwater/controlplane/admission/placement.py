"""Admission of Placements: whose locations they may use."""

from __future__ import annotations

from headwater.apis.placement.v1alpha1.location import GROUP
from headwater.apiserver.admission.interface import CREATE, UPDATE, AdmissionAttributes, BasePlugin
from headwater.controlplane.admission.access import DeepAuthorizer, is_privileged, may
from headwater.controlplane.clusters.index import ClusterIndex
from headwater.machinery import errors, objects
from headwater.machinery.objects import Object

USE_VERB = "use"
"""RBAC verb on `locations.placement.kcp.io` that lets users of other workspaces place workloads there."""


class PlacementAdmission(BasePlugin):
    """A Placement names a foreign location workspace only if its author may `use` locations there.

    The right counts without access to that workspace. The refusal is the same whether the workspace exists or not.
    """

    name = "placement.kcp.io/Placement"

    def __init__(self, clusters: ClusterIndex, authorizer: DeepAuthorizer) -> None:
        self._clusters = clusters
        self._authorizer = authorizer

    def handles(self, attributes: AdmissionAttributes) -> bool:
        info = attributes.info
        return info.resource == "placements" and info.group == GROUP and attributes.operation in (CREATE, UPDATE)

    async def validate(self, attributes: AdmissionAttributes) -> None:
        obj = attributes.object
        if obj is None or attributes.subresource or is_privileged(attributes.user):
            return
        workspace = _workspace_of(obj)
        if not workspace or workspace == _workspace_of(attributes.old_object or {}):
            return
        cluster = self._clusters.find(workspace)
        if cluster == attributes.cluster:
            return
        if cluster is None or not await may(
            self._authorizer, attributes.user, cluster, verb=USE_VERB, group=GROUP, resource="locations", name=""
        ):
            why = (
                f"spec.locationWorkspace: no permission to {USE_VERB} locations.{GROUP} of workspace {workspace}, "
                "or it does not exist"
            )
            raise errors.forbidden(attributes.info.group_resource, attributes.name, why)


def _workspace_of(placement: Object) -> str:
    workspace: str = objects.nested(placement, "spec", "locationWorkspace", default="") or ""
    return workspace
