"""The rights of a syncer on its pcluster, as the manifests grant them (pure)."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.machinery.objects import Object, nested
from headwater.syncer.target.needs import grantable, needed_rules


def resources_of(sync_target: Object) -> tuple[tuple[str, str], ...]:
    """(group, resource) of all that the syncer of a SyncTarget needs rights on now, by what its status says.

    Before the syncer has looked at the pcluster for the first time that is all that the exports offer.
    """
    return tuple(grantable(nested(sync_target, "status", "syncedResources", default=None) or ()))


def downstream_rules(
    resources: Iterable[tuple[str, str]], *, tunnel: bool = False, isolate_tenants: bool = False
) -> list[Object]:
    """Rules of the ClusterRole of a syncer: the resources by name and exactly the verbs that it uses."""
    return needed_rules(resources, tunnel=tunnel, isolate_tenants=isolate_tenants)
