"""Namespaces that every workspace keeps, and nothing new in a logical cluster that is going away."""

from __future__ import annotations

from headwater.apiserver.admission.interface import CREATE, DELETE, AdmissionAttributes, BasePlugin
from headwater.controlplane.admission.access import is_system
from headwater.controlplane.clusters.index import ClusterIndex
from headwater.machinery import errors

IMMORTAL_NAMESPACES = frozenset({"default", "kube-system", "kube-public"})


class WorkspaceNamespaceLifecycle(BasePlugin):
    """Plugin ``WorkspaceNamespaceLifecycle``, as far as logical clusters matter to it."""

    name = "WorkspaceNamespaceLifecycle"

    def __init__(self, clusters: ClusterIndex) -> None:
        self._clusters = clusters

    def handles(self, attributes: AdmissionAttributes) -> bool:
        if attributes.operation == DELETE:
            return attributes.info.resource == "namespaces" and not attributes.info.group
        return attributes.operation == CREATE and not attributes.subresource

    async def validate(self, attributes: AdmissionAttributes) -> None:
        entry = self._clusters.get(attributes.cluster)
        deleting = entry is not None and entry.deleting
        info = attributes.info
        if attributes.operation == CREATE:
            if deleting and (attributes.namespace or info.resource == "namespaces") and not is_system(attributes.user):
                why = "unable to create new content because the logical cluster is being deleted"
                raise errors.forbidden(info.group_resource, attributes.name, why)
        elif attributes.name in IMMORTAL_NAMESPACES and not deleting:
            raise errors.forbidden(info.group_resource, attributes.name, "this namespace may not be deleted")
