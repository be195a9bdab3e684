"""Our finalizer on upstream objects: on before anything exists downstream, off once the copy is gone."""

from __future__ import annotations

from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, finalizers, name, resource_version, uid
from headwater.syncer.identity import item_of, says_object_is_absent
from headwater.syncer.sides import Sides
from headwater.syncer.spec.echoes import Echoes


class Claims:
    """Holds upstream objects while they have a copy, and remembers the claims that have not come back as events."""

    def __init__(self, sides: Sides) -> None:
        self._finalizer = sides.identity.finalizer
        self._upstream = sides.upstream
        self._claimed = Echoes(sides.clock)

    def holds(self, seen: Object) -> bool:
        """Whether an object as it was seen has our finalizer."""
        return self._finalizer in finalizers(seen)

    def awaits(self, resource: GroupResource, key: str, seen: Object) -> bool:
        """Whether an object was claimed, and ``seen`` is from before that."""
        return self._claimed.awaits(item_of(resource, key), seen)

    def forget(self, resource: GroupResource, key: str) -> None:
        """The object has gone, so that its claim counts no longer."""
        self._claimed.forget(item_of(resource, key))

    async def claim(self, resource: GroupResource, key: str, seen: Object) -> Object | None:
        """Put our finalizer on the object; the object with it, None when it is gone or unassigned.

        It is for whatever the object with this uid is by now, so that it is not in vain when others write it too.
        Raises StatusError, TransportError and LookupError.
        """
        patch: Object = {"metadata": {"finalizers": [*finalizers(seen), self._finalizer], "uid": uid(seen)}}
        try:
            claimed = await self._upstream.resource(resource, key).patch(name(seen), patch)
        except NotFound as error:
            if not says_object_is_absent(error, resource, name(seen)):
                raise
            return None
        self._claimed.wrote(item_of(resource, key), claimed)
        return claimed

    async def let_go(self, resource: GroupResource, key: str, seen: Object) -> None:
        """Take our finalizer off, now that the copy is gone. Raises StatusError and TransportError."""
        if not self.holds(seen):
            return
        kept = [held for held in finalizers(seen) if held != self._finalizer]
        patch: Object = {
            "metadata": {
                "finalizers": kept or None,
                "uid": uid(seen),
                "resourceVersion": resource_version(seen),
            }
        }
        try:
            await self._upstream.resource(resource, key).patch(name(seen), patch)
        except NotFound as error:
            if not says_object_is_absent(error, resource, name(seen)):
                raise
        except LookupError:
            return  # Someone else let it go.
