"""The resources on which a syncer needs rights on its pcluster, for its manifests (pure)."""

from __future__ import annotations

from headwater.machinery.objects import Object, nested
from headwater.syncer.target.needs import grantable


def resources_of(sync_target: Object) -> tuple[tuple[str, str], ...]:
    """(group, resource) of all that the syncer of a SyncTarget needs rights on now, by what its status says.

    Before the syncer has looked at the pcluster for the first time that is all that the exports offer.
    """
    return tuple(grantable(nested(sync_target, "status", "syncedResources", default=None) or ()))
