"""What the pcluster has ceased to serve, or to let us have, only just now: that may be so for a moment.

An API server that starts lists its APIs, and knows its roles, some time after it begins to answer; and a
CustomResourceDefinition that is replaced is not served in between. The scheduler moves workloads away from a target
that does not take their resources, so it is told of those only that stay away.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from headwater.apis.sync.v1alpha1.synctarget import STATE_ACCEPTED
from headwater.base.clock import Clock
from headwater.client.discovery import Discovery
from headwater.machinery.gvk import GroupResource, GroupVersion
from headwater.machinery.objects import Object
from headwater.syncer.target.choose import ALWAYS_SYNCED, Verdicts, candidate
from headwater.syncer.target.rights import Rights
from headwater.telemetry.logging import get_logger

PATIENCE_SECONDS: Final = 60.0
"""So long a resource that was synced may be away before it counts as gone."""

log = get_logger("syncer.target")


class Losses:
    """Remembers since when resources are away that were synced."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: dict[GroupResource, float] = {}

    def bear(
        self,
        entries: Sequence[Object],
        served: Discovery,
        rights: Rights,
        verdicts: Verdicts,
        synced: Collection[GroupResource],
    ) -> tuple[Discovery, Rights, bool]:
        """Discovery and rights as if what is away only just now could not be asked for, and whether there is such.

        ``entries`` are those of the SyncTarget's status, ``synced`` is what is synced now.
        """
        unserved, unlent = self._away(entries, served, rights, verdicts, synced)
        now, known = self._clock.monotonic(), self._since.keys()
        self._since = {each: self._since.get(each, now) for each in unserved | unlent}
        fresh = {each for each, since in self._since.items() if now - since < PATIENCE_SECONDS}
        if not fresh:
            return served, rights, False
        if fresh - known:
            log.warning("synced resources are away, which may pass", resources=sorted(map(str, fresh - known)))
        failed = tuple(GroupVersion(each.group, "") for each in unserved & fresh)
        borne = {gvr: () if gvr.group_resource in fresh else verbs for gvr, verbs in rights.items()}
        return replace(served, failed=(*served.failed, *failed)), borne, True

    def _away(
        self,
        entries: Sequence[Object],
        served: Discovery,
        rights: Rights,
        verdicts: Verdicts,
        synced: Collection[GroupResource],
    ) -> tuple[set[GroupResource], set[GroupResource]]:
        """What is not served, and what we have no rights for. What is served in another schema is not away."""
        unserved = set()
        unlent = {gvr.group_resource for gvr in ALWAYS_SYNCED if rights.get(gvr) and gvr.group_resource in synced}
        for entry in entries:
            if entry.get("state") != STATE_ACCEPTED:
                continue
            resource = GroupResource(entry.get("group", ""), entry["resource"])
            gvr = candidate(entry, served, verdicts)
            if gvr is None and candidate(entry, served, {}) is None:
                unserved.add(resource)
            elif gvr is not None and rights.get(gvr):
                unlent.add(resource)
        return unserved, unlent
