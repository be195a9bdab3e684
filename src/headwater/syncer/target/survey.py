"""Asks the pcluster what there is for a SyncTarget: resources, their schemas, and our rights on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headwater.client.discovery import Discovery, discover
from headwater.client.dynamic import Client
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object
from headwater.syncer.schemas import ApiImporter, Verdict
from headwater.syncer.target.choose import candidates, shard_urls, to_compare
from headwater.syncer.target.rights import Rights, held_rules, lacking_verbs


@dataclass(frozen=True, slots=True)
class Survey:
    """What was learnt of the pcluster: what it serves, what its schemas take, and what the syncer may do there."""

    served: Discovery
    rights: Rights
    verdicts: Mapping[GroupVersionResource, Verdict]
    held: Sequence[Object] | None
    """The rules that give us rights there; None when the pcluster does not tell them all."""


async def survey(downstream: Client, importer: ApiImporter, target: Object) -> Survey:
    """Ask the pcluster. Raises StatusError, TransportError and UnexpectedAnswer; of schemas none."""
    entries = entries_of(target)
    served = await discover(downstream)
    verdicts = await importer.verdicts(to_compare(entries, served), next(iter(shard_urls(target)), ""))
    rights = await lacking_verbs(downstream, candidates(entries, served, verdicts))
    return Survey(served, rights, verdicts, await held_rules(downstream))


def entries_of(target: Object) -> Sequence[Object]:
    """The resources of a SyncTarget."""
    return (target.get("status") or {}).get("syncedResources") or ()
