"""The object store: Kubernetes' verbs on objects of any kind, over any backend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from headwater.apiserver.admission.interface import AdmissionChain
from headwater.apiserver.registry import deletion, patching, pipeline, scale
from headwater.apiserver.registry.encoding import Answer
from headwater.apiserver.registry.listing import Listed, Reader, StoredItem
from headwater.apiserver.registry.options import (
    DeleteOptions,
    ListOptions,
    PatchOptions,
    Warn,
    WatchOptions,
    WriteOptions,
    no_warning,
)
from headwater.apiserver.registry.watching import WatchSession, start_watch
from headwater.apiserver.registry.writer import Writer
from headwater.apiserver.registry.writerequest import WriteRequest
from headwater.apiserver.resources import ResourceInfo
from headwater.machinery.objects import Object
from headwater.storage.interface import Backend
from headwater.storage.watchcache import CacheSet

if TYPE_CHECKING:
    from headwater.apiserver.authn.interface import UserInfo
    from headwater.base.clock import Clock


class ObjectStore:
    """What handlers, virtual workspaces and bootstrap code call; it authorises nothing.

    Objects given to it belong to it afterwards. `stamp_clusters` writes the annotation kcp.io/cluster on every object
    that is written, which a control plane needs and a plain server must not do. Every method raises StatusErrors.
    """

    def __init__(
        self,
        backend: Backend,
        caches: CacheSet,
        clock: Clock,
        *,
        admission: AdmissionChain | None = None,
        stamp_clusters: bool = False,
    ) -> None:
        self.backend = backend
        self.caches = caches
        self.clock = clock
        self.reader = Reader(backend, caches)
        self.writer = Writer(
            backend, caches, clock, admission=admission or AdmissionChain(), stamp_clusters=stamp_clusters
        )

    async def get(
        self, info: ResourceInfo, cluster: str, namespace: str, name: str, *, resource_version: str = ""
    ) -> StoredItem:
        """The stored object, in the stored version."""
        return await self.reader.get(info, cluster, namespace, name, resource_version)

    async def list(
        self, info: ResourceInfo, cluster: str, namespace: str = "", options: ListOptions | None = None
    ) -> Listed:
        """Objects of a cluster ("*" for all), or of one namespace in it, in the stored version."""
        return await self.reader.list(info, cluster, namespace, options or ListOptions())

    async def watch(
        self, info: ResourceInfo, cluster: str, namespace: str = "", options: WatchOptions | None = None
    ) -> WatchSession:
        """An open watch; the caller closes it."""
        return await start_watch(self.caches, info, cluster, namespace, options or WatchOptions())

    async def create(
        self,
        info: ResourceInfo,
        cluster: str,
        namespace: str,
        obj: Object,
        *,
        user: UserInfo,
        options: WriteOptions | None = None,
        manager: str = "unknown",
        warn: Warn = no_warning,
        duplicates: Sequence[str] = (),
    ) -> Answer:
        """Store a new object."""
        request = _request(info, cluster, namespace, "", user, options or WriteOptions(), manager, warn, duplicates)
        return await self.writer.create(request, obj)

    async def update(
        self,
        info: ResourceInfo,
        cluster: str,
        namespace: str,
        name: str,
        obj: Object,
        *,
        user: UserInfo,
        options: WriteOptions | None = None,
        subresource: str = "",
        manager: str = "unknown",
        warn: Warn = no_warning,
        duplicates: Sequence[str] = (),
    ) -> Answer:
        """Replace an object, or its `status`. Creates nothing."""
        pipeline.check_type(info, obj, namespace)
        pipeline.check_name(obj, name)
        request = _request(
            info, cluster, namespace, name, user, options or WriteOptions(), manager, warn, duplicates, subresource
        )
        # A copy for each try: writing takes the resourceVersion out, and the next try must still see it.
        return await self.writer.update(
            request, lambda old: {**obj, "metadata": dict(obj["metadata"])}, needs_revision=True
        )

    async def patch(
        self,
        info: ResourceInfo,
        cluster: str,
        namespace: str,
        name: str,
        body: bytes,
        *,
        user: UserInfo,
        options: PatchOptions,
        subresource: str = "",
        manager: str = "unknown",
        warn: Warn = no_warning,
        duplicates: Sequence[str] = (),
    ) -> Answer:
        """Patch an object or its `status`; an apply creates it when it is missing."""
        patching.check_apply_options(options)
        request = _request(info, cluster, namespace, name, user, options, manager, warn, duplicates, subresource, body)
        return await patching.patch(self.writer, request, body, options)

    async def delete(
        self,
        info: ResourceInfo,
        cluster: str,
        namespace: str,
        name: str,
        *,
        user: UserInfo,
        options: DeleteOptions | None = None,
    ) -> deletion.Deleted:
        """Delete an object, or mark it when finalizers or a grace period hold it."""
        options = options or DeleteOptions()
        request = WriteRequest(
            info=info, cluster=cluster, namespace=namespace, name=name, user=user, dry_run=options.dry_run
        )
        return await deletion.delete(self.writer, request, options)

    async def delete_collection(
        self,
        info: ResourceInfo,
        cluster: str,
        namespace: str,
        *,
        user: UserInfo,
        options: DeleteOptions | None = None,
        selection: ListOptions | None = None,
    ) -> Listed:
        """Delete what a list selects; answers what it was."""
        listed = await self.list(info, cluster, namespace, selection)
        await deletion.delete_all(self.delete, info, cluster, listed.items, user, options or DeleteOptions())
        return listed

    async def get_scale(self, info: ResourceInfo, cluster: str, namespace: str, name: str) -> Object:
        """The autoscaling/v1 Scale of an object."""
        return scale.scale_of(info, (await self.get(info, cluster, namespace, name)).decoded)

    async def update_scale(
        self,
        info: ResourceInfo,
        cluster: str,
        namespace: str,
        name: str,
        change: scale.ScaleChange,
        *,
        user: UserInfo,
        options: WriteOptions | PatchOptions | None = None,
        manager: str = "unknown",
        warn: Warn = no_warning,
    ) -> Object:
        """Change the replicas of an object as a change to its Scale says; answers the new Scale."""
        request = _request(info, cluster, namespace, name, user, options or WriteOptions(), manager, warn, (), "scale")
        answer = await self.writer.update(request, scale.transform(info, change))
        return scale.scale_of(info, answer.decoded)


def _request(
    info: ResourceInfo,
    cluster: str,
    namespace: str,
    name: str,
    user: UserInfo,
    options: WriteOptions | PatchOptions,
    manager: str,
    warn: Warn,
    duplicates: Sequence[str],
    subresource: str = "",
    patch: bytes | None = None,
) -> WriteRequest:
    return WriteRequest(
        info=info,
        cluster=cluster,
        namespace=namespace,
        name=name,
        user=user,
        manager=options.field_manager or manager,
        subresource=subresource,
        dry_run=options.dry_run,
        field_validation=options.field_validation,
        warn=warn,
        duplicates=duplicates,
        patch=patch if isinstance(options, PatchOptions) and options.patch_type.endswith("json") else None,
    )
