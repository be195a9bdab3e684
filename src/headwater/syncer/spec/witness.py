"""How far a control plane has come, as the copies of its objects bear witness."""

from __future__ import annotations

from typing import Final

from headwater.machinery.objects import Object
from headwater.machinery.objects import annotations as annotations_of
from headwater.syncer.mutate.body import REVISION_ANNOTATION, SHARD_ANNOTATION, count_in

_MAX_SHARDS: Final = 1024


class Witness:
    """The highest resourceVersion of each shard that any copy was made from.

    All copies count, not only the one that is asked about: a control plane that was restored writes too, and comes past
    the revision of the first copies that it knows nothing of before anybody has looked at the last.
    """

    def __init__(self) -> None:
        self._highest: dict[str, int] = {}

    def note(self, copy: Object) -> None:
        """Hear of a copy of ours as it is on the pcluster; those that an earlier SyncTarget left are no witnesses."""
        shard, revision = annotations_of(copy).get(SHARD_ANNOTATION, ""), count_in(copy, REVISION_ANNOTATION)
        if revision is not None and (shard in self._highest or len(self._highest) < _MAX_SHARDS):
            self._highest[shard] = max(self._highest.get(shard, 0), revision)

    def reached(self, shard: str) -> int:
        """The resourceVersion that a shard had reached at the least; 0 when nothing is known of it."""
        return self._highest.get(shard, 0)
