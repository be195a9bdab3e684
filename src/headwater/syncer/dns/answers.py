"""Answers the questions of one workspace's pods, by asking the pcluster's resolver under its own names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from headwater.syncer.dns.names import Labels, NameMap, Where
from headwater.syncer.dns.restore import restored
from headwater.syncer.dns.wire import NOERROR, NXDOMAIN, SERVFAIL, Query, Record, Reply, start_of_authority

ABSENT_SECONDS: Final = 5
"""So long a name that isn't there may be remembered as such, as in the cluster domain of any pcluster."""
_MOST_ALIASES: Final = 8


class NoAnswer(Exception):
    """No resolver of the pcluster has answered in time."""


class Ask(Protocol):
    """Asks the pcluster. Raises NoAnswer."""

    def __call__(self, name: Labels, rdtype: int, *, dnssec_ok: bool) -> Awaitable[Reply]: ...


class Answers:
    """Has an answer to every query. ``names`` is None as long as the workspace's namespaces are not known."""

    def __init__(self, *, names: Callable[[], NameMap | None], ask: Ask) -> None:
        self._names = names
        self._ask = ask

    async def answer(self, query: Query) -> Reply:
        """The answer; what can't be known is a failure, never the absence of a name."""
        names = self._names()
        if names is None:
            return Reply(SERVFAIL)
        try:
            return await self._resolve(query, names)
        except NoAnswer:
            return Reply(SERVFAIL)

    async def _resolve(self, query: Query, names: NameMap) -> Reply:
        answer: list[Record] = []
        name = query.name
        for _ in range(_MOST_ALIASES):
            place = names.locate(name)
            if place.where in (Where.ABSENT, Where.EMPTY):
                rcode = NXDOMAIN if place.where is Where.ABSENT else NOERROR
                return Reply(rcode, answer=tuple(answer), authority=(_absence(names),))
            inside = place.where is Where.INSIDE
            asked = place.downstream if inside else name
            reply = await self._ask(asked, query.rdtype, dnssec_ok=query.dnssec_ok and not inside)
            found = restored(reply, asked, name, query.rdtype, names)
            answer += found.answer
            if found.alias is None:
                nothing = inside and not found.answer and found.rcode in (NOERROR, NXDOMAIN)
                authority = (_absence(names),) if nothing else found.authority
                return Reply(found.rcode, False, tuple(answer), authority, found.additional)
            name = found.alias
        return Reply(SERVFAIL)


def _absence(names: NameMap) -> Record:
    return start_of_authority(names.domain, ABSENT_SECONDS)
