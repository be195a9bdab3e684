"""Admission of SyncTargets: whose APIExports they may offer."""

from __future__ import annotations

from headwater.apis.apis.v1alpha1.apiresourceschema import GROUP as APIS_GROUP
from headwater.apis.sync.v1alpha1.synctarget import GROUP
from headwater.apiserver.admission.interface import CREATE, UPDATE, AdmissionAttributes, BasePlugin
from headwater.controlplane.admission.access import DeepAuthorizer, is_privileged, may
from headwater.controlplane.objects import ControlPlaneObjects
from headwater.machinery import errors, objects
from headwater.machinery.objects import Object


class SyncTargetAdmission(BasePlugin):
    """A SyncTarget names an APIExport only if its author may `bind` it, because its status tells what is in it.

    The refusal is the same whether the export exists or not. What was named before is not asked for again.
    """

    name = "sync.kcp.io/SyncTarget"

    def __init__(self, state: ControlPlaneObjects, authorizer: DeepAuthorizer) -> None:
        self._state = state
        self._authorizer = authorizer

    def handles(self, attributes: AdmissionAttributes) -> bool:
        info = attributes.info
        return info.resource == "synctargets" and info.group == GROUP and attributes.operation in (CREATE, UPDATE)

    async def validate(self, attributes: AdmissionAttributes) -> None:
        obj = attributes.object
        if obj is None or attributes.subresource or is_privileged(attributes.user):
            return
        for path, name in sorted(_exports_of(obj) - _exports_of(attributes.old_object or {})):
            found = self._state.export(path, name, here=attributes.cluster)
            if found is None or not await self._may_bind(attributes, found[0], name):
                shown = path or self._state.clusters.path_of(attributes.cluster)
                why = f"spec.supportedAPIExports: no permission to bind to export {shown}:{name}"
                raise errors.forbidden(attributes.info.group_resource, attributes.name, why)

    async def _may_bind(self, attributes: AdmissionAttributes, cluster: str, name: str) -> bool:
        user = attributes.user
        return await may(
            self._authorizer, user, cluster, verb="bind", group=APIS_GROUP, resource="apiexports", name=name
        )


def _exports_of(sync_target: Object) -> set[tuple[str, str]]:
    """(path, name) of every export that a SyncTarget names."""
    named = objects.nested(sync_target, "spec", "supportedAPIExports", default=None) or ()
    return {(each.get("path") or "", each.get("export") or "") for each in named}
