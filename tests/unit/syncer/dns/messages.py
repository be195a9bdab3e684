"""Messages as a pcluster's resolver would send them, made with dnspython in text."""

from __future__ import annotations

from collections.abc import Sequence

import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset

from headwater.syncer.dns.names import Labels, NameMap
from headwater.syncer.dns.wire import Query, Reply, parse_query, parse_reply

DATA = {"ns1": "kcp-aaaaaaaaaaa1", "ns2": "kcp-aaaaaaaaaaa2", "kcp-bbbbbbbbbbb1": "kcp-aaaaaaaaaaa3"}
"""The workspace's own; it calls a namespace as another tenant's is called on the pcluster."""
NAMES = NameMap.of("cluster.local", DATA)


def labels(text: str) -> Labels:
    """Labels of a name in master-file text, escapes included."""
    return tuple(label for label in dns.name.from_text(text).labels if label)


def text(name: Labels) -> str:
    """A name as master-file text, without the last dot."""
    return dns.name.Name(name).to_text(omit_final_dot=True)


def query(name: str, rdtype: str = "A", **flags: object) -> Query:
    """A query as it comes in."""
    return parse_query(dns.message.make_query(name, rdtype, **flags).to_wire())


def answer_to(
    asked: str,
    rdtype: str,
    answer: Sequence[str] = (),
    *,
    authority: Sequence[str] = (),
    additional: Sequence[str] = (),
    rcode: int = 0,
) -> dns.message.Message:
    """A resolver's answer; records are lines such as `a.example. 5 IN A 10.0.0.1`."""
    message = dns.message.make_response(dns.message.make_query(asked, rdtype), recursion_available=True)
    for section, lines in ((message.answer, answer), (message.authority, authority), (message.additional, additional)):
        for line in lines:
            owner, ttl, _, kind, data = line.split(" ", 4)
            section.append(dns.rrset.from_text(owner, int(ttl), "IN", kind, data))
    message.set_rcode(rcode)
    return message


def reply(asked: str, rdtype: str, answer: Sequence[str] = (), **rest: object) -> Reply:
    """The same as it is read."""
    message = answer_to(asked, rdtype, answer, **rest)
    return parse_reply(message.to_wire(), message.id, labels(asked), int(dns.rdatatype.from_text(rdtype)))


def lines(found: Reply) -> list[str]:
    """The answer section as lines of owner, type and data."""
    return [f"{text(each.owner)} {dns.rdatatype.to_text(each.rdtype)} {each.data.to_text()}" for each in found.answer]
