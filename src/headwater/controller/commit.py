"""Writes what a pass changed, as one merge patch that fails when the object changed meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from headwater.client.dynamic import ClusterClient
from headwater.client.resource import ResourceClient
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, cluster_name, name, namespace, resource_version, uid
from headwater.patch.mergepatch import create_merge_patch


class Committer:
    """Commits objects of one resource through a client that is chosen by the object."""

    def __init__(self, resource_of: Callable[[Object], ResourceClient]) -> None:
        self._resource_of = resource_of

    @classmethod
    def of(cls, cluster_client: ClusterClient, gvr: GroupVersionResource, *, clustered: bool = True) -> Committer:
        """Committer that writes to the logical cluster that an object says it is from (the server itself otherwise)."""

        def resource_of(obj: Object) -> ResourceClient:
            cluster = cluster_name(obj) if clustered else ""
            return cluster_client.cluster(cluster).resource(gvr, namespace(obj))

        return cls(resource_of)

    async def commit(self, old: Object, new: Object) -> Object | None:
        """Write the difference of ``old`` to ``new``: of metadata and spec, or of status. None when there is none.

        The patch carries uid and resourceVersion, so it raises Conflict if the object changed or was replaced since
        ``old`` was read. Changing status together with anything else is a programming error.
        """
        patch = merge_patch_of(old, new)
        if patch is None:
            return None
        body, subresource = patch
        return await self._resource_of(old).patch(name(old), body, subresource=subresource)


def merge_patch_of(old: Object, new: Object) -> tuple[Object, str] | None:
    """The patch of a commit and the subresource that it goes to; None when nothing changed."""
    status_changed = old.get("status") != new.get("status")
    rest_old = {field: value for field, value in old.items() if field != "status"}
    rest_new = {field: value for field, value in new.items() if field != "status"}
    rest_changed = rest_old != rest_new
    if not status_changed and not rest_changed:
        return None
    assert not (status_changed and rest_changed), "one pass commits either status or metadata and spec, never both"
    if status_changed:
        patch = create_merge_patch({"status": old.get("status") or {}}, {"status": new.get("status") or {}})
    else:
        patch = create_merge_patch(rest_old, rest_new)
    preconditions = {"uid": uid(old), "resourceVersion": resource_version(old)}
    patch["metadata"] = {**(patch.get("metadata") or {}), **preconditions}
    return patch, "status" if status_changed else ""
