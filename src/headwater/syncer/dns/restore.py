"""What of the pcluster's answers a workspace may see, in the workspace's own names (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from headwater.syncer.dns.names import Labels, NameMap, is_reverse, same
from headwater.syncer.dns.wire import AAAA, CNAME, NOERROR, NXDOMAIN, RRSIG, SOA, SRV, A, Record, Reply

_LONGEST_CHAIN: Final = 16
_INSIDE_TYPES: Final = frozenset((A, AAAA, SRV))
"""What Services and pods have. Anything else in the cluster domain could speak of others in words of its own."""


@dataclass(frozen=True, slots=True)
class Restored:
    """The part of an answer that is shown. With an ``alias`` the rest is to be asked for under that name."""

    rcode: int
    answer: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    alias: Labels | None = None


HIDDEN: Final = Restored(NXDOMAIN)


def restored(reply: Reply, asked: Labels, name: Labels, rdtype: int, names: NameMap) -> Restored:
    """An answer to ``asked``, which the workspace calls ``name``.

    Only the chain of aliases that begins at the name is shown, and the records at its end. Names in the cluster domain
    become the workspace's own; a record with one that has no such name is not shown.
    """
    shown: list[Record] = []
    current, called = asked, name
    for _ in range(_LONGEST_CHAIN):
        alias = _alias(reply.answer, current) if rdtype != CNAME else None
        if alias is None:
            break
        target = alias.names["target"]
        if names.contains(target):
            meant = names.alias(target)
            if meant is None:
                return HIDDEN
            shown.append(alias.renamed(called, {"target": meant}))
            return Restored(NOERROR, tuple(shown), alias=meant)
        shown.append(alias.renamed(called))
        current = called = target
    return _end(reply, shown, current, called, rdtype, names)


def _alias(records: Iterable[Record], owner: Labels) -> Record | None:
    return next((each for each in records if each.rdtype == CNAME and same(each.owner, owner)), None)


def _end(reply: Reply, shown: list[Record], current: Labels, called: Labels, rdtype: int, names: NameMap) -> Restored:
    """The records that were asked for, at the end of the aliases."""
    inside = names.contains(current)
    found = [each for each in reply.answer if same(each.owner, current) and each.rdtype == rdtype]
    kept = [each for each in (_shown(record, called, names, inside=inside) for record in found) if each is not None]
    if found and not kept:
        return HIDDEN
    if kept and not inside:
        signatures = (each for each in reply.answer if same(each.owner, current) and each.rdtype == RRSIG)
        kept += [each for each in signatures if not _touches(each, names)]
    targets = [target for each in kept for target in each.names.values()]
    authority: tuple[Record, ...] = ()
    if not kept and not inside and not is_reverse(current):
        authority = tuple(
            each
            for each in reply.authority
            if each.rdtype == SOA and not names.contains(each.owner) and not _touches(each, names)
        )
    return Restored(reply.rcode, (*shown, *kept), authority, tuple(_addresses(reply.additional, targets, names)))


def _shown(record: Record, owner: Labels, names: NameMap, *, inside: bool) -> Record | None:
    """A record as the workspace sees it; None when it speaks of somebody else."""
    if inside and record.rdtype not in _INSIDE_TYPES and record.rdtype != CNAME:
        return None
    changed: dict[str, Labels] = {}
    for field, value in record.names.items():
        if names.contains(value):
            own = names.alias(value) if record.rdtype == CNAME else names.restore(value)
            if own is None:
                return None
            changed[field] = own
    return record.renamed(owner, changed)


def _touches(record: Record, names: NameMap) -> bool:
    return any(names.contains(value) for value in record.names.values())


def _addresses(records: Iterable[Record], targets: list[Labels], names: NameMap) -> Iterable[Record]:
    """Addresses of the targets that are shown, which spare another question."""
    for record in records:
        owner = names.restore(record.owner) if names.contains(record.owner) else record.owner
        if owner is not None and record.rdtype in (A, AAAA) and any(same(owner, each) for each in targets):
            yield record.renamed(owner)
