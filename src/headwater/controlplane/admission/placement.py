"""Admission of Placements and Locations: whose locations they may use, and what their schemas can't check."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from headwater.apis.kind import Kind
from headwater.apis.placement.v1alpha1.location import GROUP, LOCATION
from headwater.apis.placement.v1alpha1.placement import DIVIDE_BY_WEIGHTS, MODE_DIVIDED, PLACEMENT
from headwater.apis.placement.v1alpha1.validation import location_problems, placement_problems
from headwater.apiserver.admission.interface import CREATE, UPDATE, AdmissionAttributes, BasePlugin
from headwater.apiserver.loopback import LOOPBACK_USER
from headwater.controlplane.admission.access import DeepAuthorizer, is_privileged, may
from headwater.controlplane.clusters.index import ClusterIndex
from headwater.machinery import errors, objects
from headwater.machinery.fieldpath import FieldError
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
        if obj is None or attributes.subresource:
            return
        _refuse_problems(attributes, PLACEMENT, placement_problems)
        _warn_of_weights(attributes, obj)
        if is_privileged(attributes.user):
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


class LocationAdmission(BasePlugin):
    """A Location selects its instances by labels and values that there can be."""

    name = "placement.kcp.io/Location"

    def handles(self, attributes: AdmissionAttributes) -> bool:
        info = attributes.info
        return info.resource == "locations" and info.group == GROUP and attributes.operation in (CREATE, UPDATE)

    async def validate(self, attributes: AdmissionAttributes) -> None:
        if attributes.object is not None and not attributes.subresource:
            _refuse_problems(attributes, LOCATION, location_problems)


def _refuse_problems(
    attributes: AdmissionAttributes,
    kind: Kind,
    problems_of: Callable[[Mapping[str, Any], Mapping[str, Any]], list[FieldError]],
) -> None:
    """Raise Invalid for what is wrong, unless the control plane writes, which passes on what others wrote."""
    if attributes.user == LOOPBACK_USER:
        return
    spec, before = ((each or {}).get("spec") or {} for each in (attributes.object, attributes.old_object))
    if problems := problems_of(spec, before):
        raise errors.invalid(kind.kind, attributes.name, problems, GROUP)


def _warn_of_weights(attributes: AdmissionAttributes, placement: Object) -> None:
    """Weights that count for nothing are most likely a mistake."""
    replicas = (placement.get("spec") or {}).get("replicas") or {}
    if not replicas.get("weights"):
        return
    for field, wanted in (("mode", MODE_DIVIDED), ("divideBy", DIVIDE_BY_WEIGHTS)):
        if replicas.get(field) != wanted:
            attributes.warn(f"spec.replicas.weights: ignored, since spec.replicas.{field} is not {wanted}")
            return


def _workspace_of(placement: Object) -> str:
    workspace: str = objects.nested(placement, "spec", "locationWorkspace", default="") or ""
    return workspace
