"""Names, groups and annotations that users may not take, and local CRDs that would hide another API."""

from __future__ import annotations

from collections.abc import Callable

from headwater.apiserver.admission.interface import CREATE, UPDATE, AdmissionAttributes, BasePlugin
from headwater.controlplane.admission.access import is_privileged
from headwater.controlplane.objects import ControlPlaneObjects
from headwater.machinery import errors, objects
from headwater.machinery.logicalcluster import SYSTEM_PREFIX

RESERVED_GROUP = "apis.kcp.io"
RESERVED_NAMES = {
    ("tenancy.kcp.io", "workspaces"): frozenset({"root", "system"}),
    ("tenancy.kcp.io", "workspacetypes"): frozenset({"any", "system"}),
}


class ReservedNames(BasePlugin):
    """Plugin ``apis.kcp.io/ReservedNames``."""

    name = "apis.kcp.io/ReservedNames"

    def handles(self, attributes: AdmissionAttributes) -> bool:
        info = attributes.info
        return attributes.operation == CREATE and (info.group, info.resource) in RESERVED_NAMES

    async def validate(self, attributes: AdmissionAttributes) -> None:
        info = attributes.info
        if attributes.name in RESERVED_NAMES[info.group, info.resource] and not is_privileged(attributes.user):
            raise errors.forbidden(info.group_resource, attributes.name, f"name {attributes.name!r} is reserved")


class CustomResourceOverlap(BasePlugin):
    """Plugins ``kcp.io/ReservedCRDGroups``, ``apis.kcp.io/ReservedCRDAnnotations`` and ``CRDNoOverlappingGVR``."""

    name = "kcp.io/ReservedCRDGroups"

    def __init__(self, state: ControlPlaneObjects, is_builtin: Callable[[str, str], bool]) -> None:
        """`is_builtin` says whether a (group, resource) is served without a binding."""
        self._state = state
        self._is_builtin = is_builtin

    def handles(self, attributes: AdmissionAttributes) -> bool:
        info = attributes.info
        return (
            info.resource == "customresourcedefinitions"
            and info.group == "apiextensions.k8s.io"
            and attributes.operation in (CREATE, UPDATE)
            and not attributes.cluster.startswith(SYSTEM_PREFIX)
        )

    async def validate(self, attributes: AdmissionAttributes) -> None:
        obj, info = attributes.object, attributes.info
        if obj is None or attributes.subresource:
            return
        group = objects.nested(obj, "spec", "group", default="")
        if group == RESERVED_GROUP or group.endswith(f".{RESERVED_GROUP}"):
            raise errors.forbidden(info.group_resource, attributes.name, f"{group} is a reserved group")
        if not is_privileged(attributes.user):
            for key in objects.annotations(obj):
                if key.partition("/")[0] == RESERVED_GROUP:
                    raise errors.forbidden(info.group_resource, attributes.name, f"annotation {key} is reserved")
        if attributes.operation == CREATE:
            self._check_overlap(attributes, group, objects.nested(obj, "spec", "names", "plural", default=""))

    def _check_overlap(self, attributes: AdmissionAttributes, group: str, plural: str) -> None:
        if self._is_builtin(group, plural):
            why = "cannot create because the resource is built in"
            raise errors.forbidden(attributes.info.group_resource, attributes.name, why)
        for binding in self._state.bindings.in_cluster(attributes.cluster):
            for bound in objects.nested(binding, "status", "boundResources", default=()):
                if bound.get("group", "") == group and bound.get("resource") == plural:
                    name = objects.name(binding)
                    why = f"cannot create because the resource is bound by APIBinding {name!r}"
                    raise errors.forbidden(attributes.info.group_resource, attributes.name, why)
