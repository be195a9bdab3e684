"""Brings objects on the pcluster that are the syncer's own to what they should be."""

from __future__ import annotations

from headwater.client.resource import ResourceClient
from headwater.machinery.errors import AlreadyExists, Conflict, Invalid, NotFound
from headwater.machinery.objects import Object, deletion_timestamp, name, uid
from headwater.syncer.ownedstate import is_current, repaired
from headwater.telemetry.logging import get_logger

log = get_logger("syncer.own")


async def bring(client: ResourceClient, seen: Object | None, wanted: Object) -> bool:
    """Create or repair one object; True when something was written. Raises StatusError and TransportError.

    What can't be changed into what is wanted is deleted, and made anew when its event comes.
    """
    if seen is None:
        try:
            await client.create(wanted)
            return True
        except AlreadyExists:
            # Our informer is late, or somebody took our label off.
            try:
                seen = await client.get(name(wanted))
            except NotFound as error:
                raise Conflict(f"{name(wanted)} comes and goes") from error
    if deletion_timestamp(seen) or is_current(seen, wanted):
        return False
    log.info("repairing", kind=wanted["kind"], name=name(wanted))
    try:
        await client.update(repaired(seen, wanted))
    except NotFound:
        await client.create(wanted)
    except Invalid:
        log.warning("replacing what can't be changed", kind=wanted["kind"], name=name(wanted))
        await client.delete(name(wanted), uid=uid(seen))
    return True


async def remove(client: ResourceClient, seen: Object) -> None:
    """Delete exactly this object. Raises StatusError and TransportError."""
    try:
        await client.delete(name(seen), uid=uid(seen), propagation_policy="Background")
    except (NotFound, Conflict):
        return  # Gone, or another one by now.
