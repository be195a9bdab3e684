"""Whether there is a positive sign that a copy should go: a deletion mark, or a live answer that there is no object."""

from __future__ import annotations

from headwater.machinery.errors import StatusError
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import (
    Object,
    deletion_timestamp,
    name,
    propagation_policy,
    resource_version,
)
from headwater.machinery.objects import annotations as annotations_of
from headwater.machinery.revisions import is_before
from headwater.syncer.identity import item_of
from headwater.syncer.mutate.body import REVISION_ANNOTATION, SHARD_ANNOTATION
from headwater.syncer.sides import Sides
from headwater.syncer.spec.brake import DeletionBrake
from headwater.syncer.spec.delete import DeletionHeld, delete_copy
from headwater.syncer.spec.place import Place, is_copy_of, is_made_for, upstream_key
from headwater.syncer.spec.witness import Witness
from headwater.syncer.upstream import ControlPlaneBehind
from headwater.telemetry.logging import get_logger

log = get_logger("syncer.spec")
RESTORED = "the control plane is behind what it was, as one restored from a backup is"


class Signs:
    """Deletes copies on a sign, unless the brake holds. A control plane that went back in time gives none."""

    def __init__(self, sides: Sides, brake: DeletionBrake, witness: Witness) -> None:
        self._identity = sides.identity
        self._upstream = sides.upstream
        self._namespaces = sides.namespaces
        self._downstream = sides.downstream
        self._brake = brake
        self._witness = witness

    async def marked(self, resource: GroupResource, key: str, place: Place, seen: Object) -> bool:
        """Delete the copy of an object that is marked; True once there is none. Raises DeletionHeld."""
        item = item_of(resource, key)

        async def may_go(copy: Object) -> bool:
            if self._brake.holds(item):
                return False
            if not self._brake.trusts and is_behind(seen, copy):
                await self._check_live(resource, key, copy)
            if not self._brake.allows(item, copies=self._downstream.count(), marked=True):
                return False
            log.info("deleting, as it is marked upstream", upstream=item, downstream=str(place))
            return True

        return await delete_copy(
            self._downstream,
            resource,
            place,
            propagation=propagation_policy(seen),
            is_copy=lambda copy: self._is_copy(key, copy),
            may_go=may_go,
        )

    async def absent(self, resource: GroupResource, key: str, place: Place) -> None:
        """Delete the copy of an object that isn't in our view, if it certainly isn't ours. Raises DeletionHeld."""
        item = item_of(resource, key)
        copy = self._downstream.get(resource, place.namespace, place.name)
        if copy is None or not self._downstream.is_ours(copy) or deletion_timestamp(copy):
            return
        made_for_it = is_made_for(copy, key, self._identity)
        if not self._is_copy(key, copy) or (made_for_it is None and place.namespace):
            if upstream_key(resource, copy, namespaces=self._namespaces, identity=self._identity) == key:
                # Nothing is known of the object that it was made from.
                log.warning("kept, as somebody else wrote its locator", upstream=item, downstream=str(place))
            return
        if self._brake.holds(item):
            raise DeletionHeld
        shard_id = annotations_of(copy).get(SHARD_ANNOTATION, "")
        not_before = 0 if self._brake.trusts else self._witness.reached(shard_id)
        try:
            confirmed = await self._upstream.confirm_absent(resource, key, not_before=not_before, shard_id=shard_id)
        except ControlPlaneBehind:
            self._hold_as_behind()
            confirmed = True

        async def may_go(_: Object) -> bool:
            return self._brake.allows(item, copies=self._downstream.count(), marked=False)

        if not confirmed:
            raise DeletionHeld
        if await delete_copy(
            self._downstream, resource, place, is_copy=lambda copy: self._is_copy(key, copy), may_go=may_go
        ):
            return
        log.info("deleting, as it is gone upstream", upstream=item, downstream=str(place))

    def _is_copy(self, key: str, found: Object) -> bool:
        return self._downstream.is_ours(found) and is_copy_of(found, key, self._identity)

    async def _check_live(self, resource: GroupResource, key: str, copy: Object) -> None:
        """Tell a view that is a little late from a control plane that went back: ask for the object itself."""
        try:
            live = await self._upstream.resource(resource, key).get(name(self._upstream.get(resource, key) or {}))
        except (StatusError, LookupError):
            raise DeletionHeld from None  # Its event comes, or there is no answer for now.
        if not is_behind(live, copy):
            raise DeletionHeld
        self._hold_as_behind()

    def _hold_as_behind(self) -> None:
        """Hold all, unless a person has accepted it while the control plane was asked."""
        if not self._brake.trusts:
            self._brake.hold(RESTORED, behind=True)


def is_behind(upstream: Object, copy: Object) -> bool:
    """Whether an upstream object is older than the state that its copy was made from."""
    return is_before(resource_version(upstream), annotations_of(copy).get(REVISION_ANNOTATION, ""))
