"""Namespaces that every workspace keeps, and nothing new in a logical cluster that is going away."""

from __future__ import annotations

from headwater.apiserver.admission.interface import CREATE, DELETE, AdmissionAttributes
from headwater.apiserver.admission.namespacelifecycle import NamespaceLifecycle
from headwater.controlplane.admission.access import is_system
from headwater.controlplane.clusters.index import ClusterIndex
from headwater.machinery import errors
from headwater.storage.watchcache import CacheSet


class WorkspaceNamespaceLifecycle(NamespaceLifecycle):
    """Plugin ``WorkspaceNamespaceLifecycle``: as in Kubernetes, but what always stays goes with its workspace."""

    name = "WorkspaceNamespaceLifecycle"

    def __init__(self, caches: CacheSet, clusters: ClusterIndex) -> None:
        super().__init__(caches)
        self._clusters = clusters

    def handles(self, attributes: AdmissionAttributes) -> bool:
        info = attributes.info
        new_namespace = attributes.operation == CREATE and info.resource == "namespaces" and not info.group
        return new_namespace or super().handles(attributes)

    async def admit(self, attributes: AdmissionAttributes) -> None:
        entry = self._clusters.get(attributes.cluster)
        deleting = entry is not None and entry.deleting
        if attributes.operation == DELETE and deleting:
            return
        if attributes.operation == CREATE:
            if deleting and not is_system(attributes.user):
                why = "unable to create new content because the logical cluster is being deleted"
                raise errors.forbidden(attributes.info.group_resource, attributes.name, why)
            if not attributes.info.namespaced:
                return
        await super().admit(attributes)
