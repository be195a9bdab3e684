"""Admission plugin ``kcp.io/PathAnnotation``: objects that others name by path carry the path of their workspace."""

from __future__ import annotations

from headwater.apis.core.v1alpha1.logicalcluster import GROUP as CORE_GROUP
from headwater.apiserver.admission.interface import CREATE, UPDATE, AdmissionAttributes, BasePlugin
from headwater.controlplane.clusters.index import ClusterIndex
from headwater.machinery import objects
from headwater.machinery.logicalcluster import PATH_ANNOTATION

ANNOTATED = frozenset(
    {
        ("apis.kcp.io", "apiexports"),
        ("apis.kcp.io", "apibindings"),
        ("tenancy.kcp.io", "workspacetypes"),
        ("placement.kcp.io", "locations"),
        ("sync.kcp.io", "synctargets"),
    }
)
"""(group, resource) of objects that always carry it."""


class PathAnnotation(BasePlugin):
    """Sets the annotation on the kinds that need it, and corrects it wherever else it is present."""

    name = "kcp.io/PathAnnotation"

    def __init__(self, clusters: ClusterIndex) -> None:
        self._clusters = clusters

    def handles(self, attributes: AdmissionAttributes) -> bool:
        return attributes.operation in (CREATE, UPDATE) and not attributes.subresource

    async def admit(self, attributes: AdmissionAttributes) -> None:
        obj, info = attributes.object, attributes.info
        if obj is None or (info.group == CORE_GROUP and info.resource == "logicalclusters"):
            return
        if (info.group, info.resource) in ANNOTATED or PATH_ANNOTATION in objects.annotations(obj):
            objects.set_annotation(obj, PATH_ANNOTATION, self._clusters.path_of(attributes.cluster))
