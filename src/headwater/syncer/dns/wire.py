"""DNS messages as bytes, read and written by dnspython."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from headwater.syncer.dns.names import Labels

HEADER_BYTES: Final = 12
PLAIN_UDP_BYTES: Final = 512
UDP_BYTES: Final = 1232
"""The largest datagram that is sent or asked for: what passes any network in one piece."""
TCP_BYTES: Final = 65535

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, BADVERS = 0, 1, 2, 3, 4, 5, 16
A, CNAME, SOA, PTR, AAAA, SRV, RRSIG = 1, 5, 6, 12, 28, 33, 46
_RESPONSE, _RECURSION_DESIRED, _RECURSION_AVAILABLE = 0x8000, 0x0100, 0x0080
_META_TYPES: Final = frozenset((0, 41, *range(128, 256)))
"""Types that ask for transfers, for everything at once, or that are parts of the protocol."""


class Unanswerable(ValueError):
    """Bytes that are no query, to which an answer could only do harm."""


class Rejected(ValueError):
    """A query that is answered by an error alone."""

    def __init__(self, rcode: int, why: str, query: Query | None = None) -> None:
        super().__init__(why)
        self.rcode = rcode
        self.query = query


class Mismatch(ValueError):
    """Bytes that are no answer to what was asked."""


@dataclass(frozen=True, slots=True)
class Query:
    """One question, and what the asking side can take. ``udp_bytes`` is the longest datagram to send it."""

    ident: int
    name: Labels
    rdtype: int
    rdclass: int = 1
    recursion_desired: bool = True
    checking_disabled: bool = False
    edns: bool = False
    dnssec_ok: bool = False
    udp_bytes: int = PLAIN_UDP_BYTES


@dataclass(frozen=True, slots=True)
class Record:
    """One resource record."""

    owner: Labels
    rdtype: int
    ttl: int
    data: dns.rdata.Rdata

    @property
    def names(self) -> dict[str, Labels]:
        """The names in the data, by field."""
        found: dict[str, Labels] = {}
        for field in _fields(self.data):
            value = getattr(self.data, field, None)
            if isinstance(value, dns.name.Name):
                found[field] = _labels(value)
        return found

    def renamed(self, owner: Labels, names: Mapping[str, Labels] | None = None) -> Record:
        """The record under another owner, and with other names in its data."""
        changed = {field: _name(labels) for field, labels in (names or {}).items()}
        return Record(owner, self.rdtype, self.ttl, self.data.replace(**changed) if changed else self.data)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a resolver answered; ``truncated`` says that it did not fit into a datagram."""

    rcode: int
    truncated: bool = False
    answer: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()


def may_be_query(data: bytes) -> bool:
    """Whether bytes have the header of a query; answers to answers would go back and forth for ever."""
    return len(data) >= HEADER_BYTES and not data[2] & 0x80


def parse_query(data: bytes) -> Query:
    """Read a query. Raises Unanswerable and Rejected."""
    if not may_be_query(data):
        raise Unanswerable("no query")
    _, flags, questions = struct.unpack("!HHH", data[:6])
    if (flags >> 11) & 0xF:
        raise Rejected(NOTIMP, "another operation than a query")
    if questions != 1:
        raise Rejected(FORMERR, f"{questions} questions")
    try:
        message = dns.message.from_wire(data, ignore_trailing=True)
        asked = message.question[0]
    except (dns.exception.DNSException, ValueError, IndexError) as error:
        raise Rejected(FORMERR, f"malformed: {error}") from error
    query = Query(
        ident=message.id,
        name=_labels(asked.name),
        rdtype=int(asked.rdtype),
        rdclass=int(asked.rdclass),
        recursion_desired=bool(message.flags & dns.flags.RD),
        checking_disabled=bool(message.flags & dns.flags.CD),
        edns=message.edns >= 0,
        dnssec_ok=message.edns >= 0 and bool(message.ednsflags & dns.flags.DO),
        udp_bytes=max(PLAIN_UDP_BYTES, min(message.payload, UDP_BYTES)) if message.edns >= 0 else PLAIN_UDP_BYTES,
    )
    if message.edns > 0:
        raise Rejected(BADVERS, "another version of EDNS", query)
    if query.rdclass != dns.rdataclass.IN:
        raise Rejected(REFUSED, "another class than IN", query)
    if query.rdtype in _META_TYPES:
        raise Rejected(REFUSED, "a type that is not answered", query)
    return query


def header_only(data: bytes, rcode: int) -> bytes:
    """An error as answer to a query that could not be read further than its header."""
    ident, flags = struct.unpack("!HH", data[:4])
    kept = flags & (0x7800 | _RECURSION_DESIRED)
    return struct.pack("!HHHHHH", ident, _RESPONSE | kept | _RECURSION_AVAILABLE | rcode, 0, 0, 0, 0)


def response(query: Query, reply: Reply, *, longest: int) -> bytes:
    """The answer to a query; without records and marked as truncated when it is longer than that."""
    message = _response(query, reply.rcode)
    for section, records in (
        (message.answer, reply.answer),
        (message.authority, reply.authority),
        (message.additional, reply.additional),
    ):
        section.extend(dns.rrset.from_rdata(_name(each.owner), each.ttl, each.data) for each in records)
    try:
        return message.to_wire(max_size=longest)
    except dns.exception.TooBig:
        truncated = _response(query, reply.rcode)
        truncated.flags |= dns.flags.TC
        return truncated.to_wire(max_size=longest)


def _response(query: Query, rcode: int) -> dns.message.Message:
    message = dns.message.QueryMessage(id=query.ident)
    message.flags = dns.flags.Flag(dns.flags.QR | dns.flags.RA)
    if query.recursion_desired:
        message.flags |= dns.flags.RD
    if query.checking_disabled:
        message.flags |= dns.flags.CD
    message.question = [dns.rrset.RRset(_name(query.name), _class(query.rdclass), _type(query.rdtype))]
    if query.edns:
        message.use_edns(0, dns.flags.DO if query.dnssec_ok else 0, payload=UDP_BYTES)
    message.set_rcode(dns.rcode.Rcode(rcode))
    return message


def question(ident: int, name: Labels, rdtype: int, *, dnssec_ok: bool = False) -> bytes:
    """A question to a resolver."""
    message = dns.message.QueryMessage(id=ident)
    message.flags = dns.flags.Flag(dns.flags.RD)
    message.question = [dns.rrset.RRset(_name(name), dns.rdataclass.IN, _type(rdtype))]
    message.use_edns(0, dns.flags.DO if dnssec_ok else 0, payload=UDP_BYTES)
    return message.to_wire()


def parse_reply(data: bytes, ident: int, name: Labels, rdtype: int) -> Reply:
    """Read the answer to a question. Raises Mismatch for anything else."""
    try:
        message = dns.message.from_wire(data, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError) as error:
        raise Mismatch(f"malformed: {error}") from error
    asked = message.question
    if message.id != ident or not message.flags & dns.flags.QR or message.opcode() != dns.opcode.QUERY:
        raise Mismatch("another message")
    if len(asked) != 1 or asked[0].name != _name(name) or asked[0].rdtype != rdtype:
        raise Mismatch("an answer to another question")
    return Reply(
        rcode=int(message.rcode()),
        truncated=bool(message.flags & dns.flags.TC),
        answer=tuple(_records(message.answer)),
        authority=tuple(_records(message.authority)),
        additional=tuple(_records(message.additional)),
    )


def start_of_authority(zone: Labels, seconds: int) -> Record:
    """The record that says for how long the absence of a name may be remembered."""
    text = f"ns.dns.{_name(zone)} hostmaster.{_name(zone)} 1 7200 1800 86400 {seconds}"
    return Record(zone, SOA, seconds, dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.SOA, text))


def rcode_name(rcode: int) -> str:
    """`NXDOMAIN` for 3."""
    return dns.rcode.to_text(dns.rcode.Rcode(rcode)) if 0 <= rcode <= BADVERS else "OTHER"


def _records(section: Sequence[dns.rrset.RRset]) -> Iterator[Record]:
    for rrset in section:
        for data in rrset:
            if data.rdclass == dns.rdataclass.IN:
                yield Record(_labels(rrset.name), int(data.rdtype), rrset.ttl, data)


def _fields(data: dns.rdata.Rdata) -> Iterator[str]:
    for each in type(data).__mro__:
        slots = getattr(each, "__slots__", ())
        yield from (slots,) if isinstance(slots, str) else slots


def _labels(name: dns.name.Name) -> Labels:
    return tuple(label for label in name.labels if label)


def _name(labels: Labels) -> dns.name.Name:
    return dns.name.Name((*labels, b""))


def _type(rdtype: int) -> dns.rdatatype.RdataType:
    return dns.rdatatype.RdataType.make(rdtype)


def _class(rdclass: int) -> dns.rdataclass.RdataClass:
    return dns.rdataclass.RdataClass.make(rdclass)
