"""Deletes the objects of a CustomResourceDefinition that is being deleted."""

from __future__ import annotations

from typing import Final

from headwater.client.dynamic import Client
from headwater.client.lists import list_items
from headwater.machinery.errors import MethodNotAllowed, NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, namespace

FINALIZER: Final = "customresourcecleanup.apiextensions.k8s.io"
TERMINATING: Final = "Terminating"


async def delete_instances(client: Client, definition: Object) -> int:
    """Delete all objects of the definition; the number of those that finalizers still hold, as far as it is known."""
    spec = definition["spec"]
    version = next((entry["name"] for entry in spec["versions"] if entry.get("served")), "")
    if not version:
        return 0
    gvr = GroupVersionResource(spec["group"], version, spec["names"]["plural"])
    everywhere = client.resource(gvr)
    try:
        items, _ = await everywhere.list_all(metadata_only=True)
        if not items:
            return 0
        for space in sorted({namespace(item) for item in items}):
            await client.resource(gvr, space).delete_collection()
        left = await everywhere.list(limit=1, metadata_only=True)
    except (NotFound, MethodNotAllowed):
        return 0  # Never established: there can't be any.
    return len(list_items(left)) + int((left.get("metadata") or {}).get("remainingItemCount") or 0)
