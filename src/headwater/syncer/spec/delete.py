"""Deletes downstream copies, and says when they are certainly gone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, deletion_timestamp, uid
from headwater.syncer.downstream import Downstream
from headwater.syncer.identity import says_object_is_absent
from headwater.syncer.spec.place import Place


class DeletionHeld(Exception):
    """The copy may not be deleted now."""


async def delete_copy(
    downstream: Downstream,
    resource: GroupResource,
    place: Place,
    *,
    propagation: str = "Background",
    is_copy: Callable[[Object], bool],
    may_go: Callable[[Object], Awaitable[bool]],
) -> bool:
    """Delete the copy at a place if there is one; True once the pcluster has confirmed that there is none.

    ``propagation`` says what becomes of what the pcluster has made of it. ``is_copy`` tells it from what else may have
    its name there. ``may_go`` is asked about a copy that isn't on its way out already. The event of its end has the
    object looked at again. Raises DeletionHeld, StatusError and TransportError.
    """
    client = downstream.resource(resource, place.namespace)
    copy = downstream.get(resource, place.namespace, place.name)
    if copy is None:
        try:
            copy = await client.get(place.name)
        except NotFound as error:
            if says_object_is_absent(error, resource, place.name):
                return True
            raise
    if not is_copy(copy):
        return True
    if deletion_timestamp(copy):
        return False
    with downstream.ending(resource, (place.namespace, place.name), copy):
        if not await may_go(copy):
            raise DeletionHeld
        return await _delete(downstream, resource, place, copy, propagation)


async def _delete(
    downstream: Downstream, resource: GroupResource, place: Place, copy: Object, propagation: str
) -> bool:
    """Delete exactly this copy; True when it was gone already."""
    client = downstream.resource(resource, place.namespace)
    try:
        await client.delete(place.name, uid=uid(copy), propagation_policy=propagation)
    except NotFound as error:
        return says_object_is_absent(error, resource, place.name)
    return False
