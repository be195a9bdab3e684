"""Messages on the wire, and those that are made to do harm."""

from __future__ import annotations

import struct
from collections.abc import Callable

import dns.flags
import dns.message
import dns.name
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.syncer.dns.messages import answer_to, labels, query, reply, text

from headwater.syncer.dns.wire import (
    BADVERS,
    FORMERR,
    NOTIMP,
    NXDOMAIN,
    REFUSED,
    Mismatch,
    Rejected,
    Reply,
    Unanswerable,
    header_only,
    parse_query,
    parse_reply,
    question,
    response,
    start_of_authority,
)


def header(flags: int = 0x0100, questions: int = 1, additional: int = 0) -> bytes:
    return struct.pack("!HHHHHH", 7, flags, questions, 0, 0, additional)


def asking(name: str, rdtype: int = 1, rdclass: int = 1) -> bytes:
    return dns.name.from_text(name).to_wire() + struct.pack("!HH", rdtype, rdclass)


def edns(version: int) -> bytes:
    return b"\0" + struct.pack("!HHBBHH", 41, 4096, 0, version, 0, 0)


@pytest.mark.parametrize(
    ("data", "rcode"),
    [
        pytest.param(header(questions=0), FORMERR, id="no-question"),
        pytest.param(header(questions=2) + asking("a.b") + asking("c.d"), FORMERR, id="several-questions"),
        pytest.param(header() + asking("a.b")[:-1], FORMERR, id="cut-off"),
        pytest.param(header() + b"\xc0\x0c\0\1\0\1", FORMERR, id="pointer-to-itself"),
        pytest.param(header() + b"\1a\xc0\x0c\0\1\0\1", FORMERR, id="pointer-loop"),
        pytest.param(header() + b"\1a\xc0\xff\0\1\0\1", FORMERR, id="pointer-beyond-the-end"),
        pytest.param(header() + b"\x3fab", FORMERR, id="label-beyond-the-end"),
        pytest.param(header() + b"\x41" + b"a" * 65 + b"\0\0\1\0\1", FORMERR, id="label-too-long"),
        pytest.param(header() + (b"\x3f" + b"a" * 63) * 5 + b"\0\0\1\0\1", FORMERR, id="name-too-long"),
        pytest.param(header(additional=3) + asking("a.b"), FORMERR, id="records-missing"),
        pytest.param(header(0x2800) + asking("a.b"), NOTIMP, id="update"),
        pytest.param(header(0x2000) + asking("a.b"), NOTIMP, id="notify"),
        pytest.param(header(0x1000) + asking("a.b"), NOTIMP, id="status"),
        pytest.param(header() + asking("version.bind", 16, 3), REFUSED, id="chaos"),
        pytest.param(header() + asking("cluster.local", 252), REFUSED, id="transfer"),
        pytest.param(header() + asking("cluster.local", 251), REFUSED, id="incremental-transfer"),
        pytest.param(header() + asking("cluster.local", 255), REFUSED, id="any"),
        pytest.param(header() + asking("cluster.local", 41), REFUSED, id="opt-as-type"),
        pytest.param(header(additional=1) + asking("a.b") + edns(1), BADVERS, id="edns-1"),
    ],
)
def test_rejected(data: bytes, rcode: int) -> None:
    with pytest.raises(Rejected) as caught:
        parse_query(data)
    assert caught.value.rcode == rcode


@pytest.mark.parametrize("data", [b"", b"\0" * 11, header(0x8180) + asking("a.b")], ids=["empty", "short", "response"])
def test_unanswerable(data: bytes) -> None:
    """An answer to it could go back and forth for ever."""
    with pytest.raises(Unanswerable):
        parse_query(data)


def test_an_unreadable_query_gets_its_id_and_operation_back() -> None:
    answered = struct.unpack("!HHHHHH", header_only(header(0x2900) + b"junk", NOTIMP))
    assert answered == (7, 0xA980 | NOTIMP, 0, 0, 0, 0)


def test_what_a_query_says() -> None:
    plain = query("Db.ns1.svc.cluster.local", "SRV")
    assert (text(plain.name), plain.rdtype, plain.edns, plain.udp_bytes) == ("Db.ns1.svc.cluster.local", 33, False, 512)
    large = query("a.b", "A", use_edns=0, payload=4096, want_dnssec=True)
    assert (large.edns, large.dnssec_ok, large.udp_bytes) == (True, True, 1232)
    assert query("a.b", "A", use_edns=0, payload=100).udp_bytes == 512


def test_a_long_answer_is_truncated() -> None:
    """A datagram never gets longer than the asking side can take; the client comes again by TCP."""
    asked = query("a.b")
    addresses = [f"a.b. 5 IN A 10.0.0.{number}" for number in range(60)]
    long = reply("a.b", "A", addresses)
    cut = response(asked, long, longest=asked.udp_bytes)
    found = dns.message.from_wire(cut)
    assert len(cut) <= 512
    assert found.flags & dns.flags.TC
    assert not found.answer
    whole = dns.message.from_wire(response(asked, long, longest=65535))
    assert not whole.flags & dns.flags.TC
    assert sum(len(each) for each in whole.answer) == 60


def test_an_answer_has_the_question_as_it_was_asked() -> None:
    asked = query("Db.Example.com", "AAAA", use_edns=0)
    absent = Reply(NXDOMAIN, authority=(start_of_authority(labels("cluster.local"), 5),))
    found = dns.message.from_wire(response(asked, absent, longest=512))
    assert found.question[0].name.to_text() == "Db.Example.com."
    assert (found.id, found.rcode(), found.edns) == (asked.ident, dns.rcode.NXDOMAIN, 0)
    assert found.flags & dns.flags.RA
    assert not found.flags & (dns.flags.AA | dns.flags.AD)
    assert found.authority[0].to_text().startswith("cluster.local. 5 IN SOA ns.dns.cluster.local. ")


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda right: right[:-3], id="cut-off"),
        pytest.param(lambda right: bytes([right[0] ^ 1]) + right[1:], id="other-id"),
        pytest.param(lambda right: right[:2] + dns.message.make_query("a.b", "A").to_wire()[2:], id="a-query"),
        pytest.param(lambda right: right[:2] + answer_to("a.c", "A").to_wire()[2:], id="other-name"),
        pytest.param(lambda right: right[:2] + answer_to("a.b", "AAAA").to_wire()[2:], id="other-type"),
        pytest.param(lambda right: right[:2] + header(0x8180, 0)[2:], id="no-question"),
        pytest.param(lambda _: b"", id="empty"),
    ],
)
def test_only_the_answer_to_the_question_counts(wrong: Callable[[bytes], bytes]) -> None:
    message = answer_to("a.b", "A", ["a.b. 5 IN A 10.0.0.1"])
    assert parse_reply(message.to_wire(), message.id, labels("a.b"), 1).answer
    with pytest.raises(Mismatch):
        parse_reply(wrong(message.to_wire()), message.id, labels("a.b"), 1)


def test_a_question_asks_for_what_fits_one_datagram() -> None:
    sent = dns.message.from_wire(question(9, labels("a.b"), 33, dnssec_ok=True))
    assert (sent.id, sent.payload, sent.question[0].to_text()) == (9, 1232, "a.b. IN SRV")
    assert sent.ednsflags & dns.flags.DO
    assert sent.flags & dns.flags.RD


@given(st.binary(max_size=120))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    """Whatever comes is a query, refused with a reason, or left without an answer."""
    for each in (data, header() + data, header(additional=1) + asking("a.b") + data):
        try:
            parse_query(each)
        except (Rejected, Unanswerable):
            pass
        try:
            parse_reply(each, 7, (b"a", b"b"), 1)
        except Mismatch:
            pass
