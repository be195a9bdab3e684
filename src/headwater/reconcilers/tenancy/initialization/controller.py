"""Watches initializing LogicalClusters, does what our initializers owe them, and takes the initializers away."""

from __future__ import annotations

import asyncio
from typing import Final

from headwater.apis.apis.v1alpha2.apibinding import API_BINDING
from headwater.apis.apis.v1alpha2.apiexport import API_EXPORT
from headwater.apis.core.v1alpha1.logicalcluster import LOGICAL_CLUSTER, TYPE_ANNOTATION
from headwater.apis.core.v1alpha1.logicalcluster import NAME as LOGICAL_CLUSTER_NAME
from headwater.apis.tenancy.v1alpha1.workspace import PHASE_INITIALIZING
from headwater.apis.tenancy.v1alpha1.workspacetype import SYSTEM_BINDINGS_INITIALIZER
from headwater.apis.tenancy.workspacetypes import TypeReference, WorkspaceTypeError
from headwater.client.informer import Informer
from headwater.controller import Committer, Controller, Freshness, Result
from headwater.controller.triggers import enqueue_mapped, enqueue_objects
from headwater.machinery import objects
from headwater.machinery.errors import AlreadyExists, NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object
from headwater.reconcilers.fleet import BY_CLUSTER, by_cluster
from headwater.reconcilers.tenancy.directory import TenancyDirectory
from headwater.reconcilers.tenancy.initialization import step_bindings

CONTROLLER_NAME: Final = "initialization"
UNIVERSAL_INITIALIZER: Final = "root:universal"
NAMESPACES: Final = GroupVersionResource("", "v1", "namespaces")
DEFAULT_NAMESPACES: Final = ("default", "kube-system")
WORKERS: Final = 8
_RETRY_TYPES_SECONDS: Final = 5.0


class InitializationController:
    """Serves the initializers ``root:universal`` and ``system:apibindings``."""

    def __init__(self, directory: TenancyDirectory, bindings: Informer) -> None:
        self._directory = directory
        self._clusters = directory.cluster_client
        self._bindings = bindings
        bindings.add_index(BY_CLUSTER, by_cluster)
        self._committer = Committer.of(directory.cluster_client, LOGICAL_CLUSTER.gvr)
        self._freshness = Freshness()
        self.controller = Controller(CONTROLLER_NAME, reconcile=self.reconcile, workers=WORKERS, clock=directory.clock)
        enqueue_objects(directory.logical_clusters, self.controller, when=lambda _, new: _is_ours(new))
        enqueue_mapped(bindings, self.controller, self._waiting_cluster)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._directory.logical_clusters.wait_synced()
        await self._bindings.wait_synced()
        await self.controller.run()

    def _waiting_cluster(self, binding: Object) -> tuple[str, ...]:
        key = objects.make_key(objects.cluster_name(binding), "", LOGICAL_CLUSTER_NAME)
        return (key,) if _is_ours(self._directory.logical_clusters.get(key)) else ()

    async def reconcile(self, key: str) -> Result | None:
        logical_cluster = self._directory.logical_clusters.get(key)
        stale = self._freshness.is_stale(key, logical_cluster)
        if stale or logical_cluster is None or not _is_ours(logical_cluster):
            return None
        cluster = objects.cluster_name(logical_cluster)
        wanted = objects.deep_copy(logical_cluster)
        left: list[str] = wanted["status"]["initializers"]
        problem = ""
        if UNIVERSAL_INITIALIZER in left:
            await asyncio.gather(*(self._namespace(cluster, name) for name in DEFAULT_NAMESPACES))
            left.remove(UNIVERSAL_INITIALIZER)
        if SYSTEM_BINDINGS_INITIALIZER in left:
            waiting: list[str] = []
            try:
                waiting = await self._bind(cluster, objects.annotations(logical_cluster).get(TYPE_ANNOTATION, ""))
            except WorkspaceTypeError as error:
                problem = str(error)
            step_bindings.record(wanted, waiting, problem, self._directory.clock.now())
            if not waiting and not problem:
                left.remove(SYSTEM_BINDINGS_INITIALIZER)
        if not left:
            del wanted["status"]["initializers"]
        self._freshness.wrote(key, await self._committer.commit(logical_cluster, wanted))
        return Result(requeue_after_seconds=_RETRY_TYPES_SECONDS) if problem else None

    async def _namespace(self, cluster: str, name: str) -> None:
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        try:
            await self._clusters.cluster(cluster).resource(NAMESPACES).create(namespace)
        except AlreadyExists:
            pass

    async def _bind(self, cluster: str, type_: str) -> list[str]:
        """Make the bindings that are missing; answers the exports that aren't bound yet."""
        reference = TypeReference.parse(type_)
        resolved = await self._directory.resolve_type(reference.path, reference.name)
        wanted = resolved.default_bindings()
        present: dict[tuple[str, str], Object] = {}
        for binding in self._bindings.by_index(BY_CLUSTER, cluster):
            export = objects.nested(binding, "spec", "reference", "export", default={})
            present[export.get("path", ""), export.get("name", "")] = binding
        missing = [each for each in wanted if each not in present]
        await asyncio.gather(*(self._create_binding(cluster, path, export) for path, export in missing))
        return step_bindings.unfinished(wanted, present)

    async def _create_binding(self, cluster: str, path: str, export: str) -> None:
        claims: list[Object] = []
        try:
            found = await self._clusters.cluster(path).resource(API_EXPORT.gvr).get(export)
            claims = objects.nested(found, "spec", "permissionClaims", default=[])
        except NotFound:
            pass  # the binding itself says that its export is missing
        binding = step_bindings.default_binding(cluster, path, export, claims)
        try:
            await self._clusters.cluster(cluster).resource(API_BINDING.gvr).create(binding)
        except AlreadyExists:
            pass


def _is_ours(logical_cluster: Object | None) -> bool:
    if logical_cluster is None or objects.deletion_timestamp(logical_cluster):
        return False
    status = logical_cluster.get("status") or {}
    left = status.get("initializers") or ()
    return status.get("phase") == PHASE_INITIALIZING and (
        UNIVERSAL_INITIALIZER in left or SYSTEM_BINDINGS_INITIALIZER in left
    )
