"""Admission of WorkspaceTypes: reserved names, limits that make sense, and the right to bind the default exports."""

from __future__ import annotations

from headwater.apis.apis.v1alpha1.apiresourceschema import GROUP as APIS_GROUP
from headwater.apis.tenancy.v1alpha1.workspace import GROUP
from headwater.apis.tenancy.v1alpha1.workspacetype import RESERVED_NAMES, ROOT_TYPE_NAME
from headwater.apiserver.admission.interface import CREATE, UPDATE, AdmissionAttributes, BasePlugin
from headwater.controlplane.admission.access import DeepAuthorizer, is_privileged, may
from headwater.controlplane.objects import ControlPlaneObjects
from headwater.machinery import errors, objects
from headwater.machinery.logicalcluster import ROOT


class WorkspaceTypeAdmission(BasePlugin):
    """Plugin ``tenancy.kcp.io/WorkspaceType``."""

    name = "tenancy.kcp.io/WorkspaceType"

    def __init__(self, state: ControlPlaneObjects, authorizer: DeepAuthorizer) -> None:
        self._state = state
        self._authorizer = authorizer

    def handles(self, attributes: AdmissionAttributes) -> bool:
        info = attributes.info
        return (
            info.resource == "workspacetypes"
            and info.group == GROUP
            and attributes.operation in (CREATE, UPDATE)
            and not attributes.subresource
        )

    async def validate(self, attributes: AdmissionAttributes) -> None:
        obj, old = attributes.object, attributes.old_object
        if obj is None:
            return
        name = attributes.name
        if name in RESERVED_NAMES or (name == ROOT_TYPE_NAME and attributes.cluster != ROOT):
            raise _forbidden(attributes, f"name {name!r} is reserved")
        for field in ("limitAllowedChildren", "limitAllowedParents"):
            limit = objects.nested(obj, "spec", field)
            if limit is not None and bool(limit.get("none")) == bool(limit.get("types")):
                raise _forbidden(attributes, f"spec.{field}: exactly one of none and types must be set")
        bindings = objects.nested(obj, "spec", "defaultAPIBindings", default=[])
        before = objects.nested(old, "spec", "defaultAPIBindings", default=[]) if old else []
        if is_privileged(attributes.user):
            return
        for binding in bindings:
            if binding not in before:
                await self._check_bind(attributes, binding.get("path", ""), binding["export"])

    async def _check_bind(self, attributes: AdmissionAttributes, path: str, export: str) -> None:
        found = self._state.export(path, export, here=attributes.cluster)
        if found is None or not await may(
            self._authorizer,
            attributes.user,
            found[0],
            verb="bind",
            group=APIS_GROUP,
            resource="apiexports",
            name=export,
        ):
            raise _forbidden(attributes, f"no permission to bind to export {path}:{export}")


def _forbidden(attributes: AdmissionAttributes, why: str) -> errors.StatusError:
    return errors.forbidden(attributes.info.group_resource, attributes.name, why)
