"""What a workspace hears of the pcluster's names, and what it never does."""

from __future__ import annotations

from collections.abc import Mapping

import dns.name
import dns.rdatatype
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.syncer.dns.messages import DATA, NAMES, labels, lines, query, reply, text

from headwater.syncer.dns.answers import Answers, NoAnswer
from headwater.syncer.dns.names import Labels, NameMap
from headwater.syncer.dns.wire import NOERROR, NXDOMAIN, SERVFAIL, Reply, parse_reply, response

NS1, NS2, NS3 = "kcp-aaaaaaaaaaa1", "kcp-aaaaaaaaaaa2", "kcp-aaaaaaaaaaa3"
OTHERS = ("kcp-bbbbbbbbbbb1", "kcp-bbbbbbbbbbb2", "kube-system", "default")
ZONE = "svc.cluster.local"


class Resolver:
    """The pcluster's resolver: knows some names, and remembers what it was asked."""

    def __init__(self, known: Mapping[tuple[str, str], Reply]) -> None:
        self.known = known
        self.asked: list[str] = []

    async def ask(self, name: Labels, rdtype: int, *, dnssec_ok: bool) -> Reply:
        asked = text(name).lower()
        self.asked.append(asked)
        kind = dns.rdatatype.to_text(rdtype)
        return self.known.get((asked, kind)) or reply(asked, kind, rcode=NXDOMAIN)


def resolver(*answers: tuple[str, str, list[str]]) -> Resolver:
    return Resolver({(name, kind): reply(name, kind, found) for name, kind, found in answers})


async def ask(upstream: Resolver, name: str, kind: str = "A", names: NameMap | None = NAMES) -> Reply:
    return await Answers(names=lambda: names, ask=upstream.ask).answer(query(name, kind))


async def test_a_service_under_its_upstream_name() -> None:
    """Asked for downstream, answered upstream, as the question was written."""
    upstream = resolver((f"db.{NS1}.{ZONE}", "A", [f"db.{NS1}.{ZONE}. 5 IN A 10.0.0.1"]))
    found = await ask(upstream, "Db.Ns1.svc.cluster.local")
    assert upstream.asked == [f"db.{NS1}.{ZONE}"]
    assert lines(found) == ["Db.Ns1.svc.cluster.local A 10.0.0.1"]


async def test_ports_and_pods_of_a_headless_service() -> None:
    """Targets and their addresses get the names of the workspace."""
    pod = f"10-0-0-7.db.{NS1}.{ZONE}"
    srv = reply(
        f"_sql._tcp.db.{NS1}.{ZONE}", "SRV",
        [f"_sql._tcp.db.{NS1}.{ZONE}. 5 IN SRV 0 100 5432 {pod}."],
        additional=[f"{pod}. 5 IN A 10.0.0.7", f"db.{OTHERS[0]}.{ZONE}. 5 IN A 10.0.0.8"],
    )  # fmt: skip
    found = await ask(Resolver({(f"_sql._tcp.db.{NS1}.{ZONE}", "SRV"): srv}), f"_sql._tcp.db.ns1.{ZONE}", "SRV")
    assert lines(found) == [f"_sql._tcp.db.ns1.{ZONE} SRV 0 100 5432 10-0-0-7.db.ns1.{ZONE}."]
    assert [text(each.owner) for each in found.additional] == [f"10-0-0-7.db.ns1.{ZONE}"]


@pytest.mark.parametrize(
    ("name", "rcode"),
    [
        (f"db.ns3.{ZONE}", NXDOMAIN),
        (f"db.{NS1}.{ZONE}", NXDOMAIN),
        (f"db.{OTHERS[1]}.{ZONE}", NXDOMAIN),
        (f"kube-dns.kube-system.{ZONE}", NXDOMAIN),
        ("cluster.local", NOERROR),
        (f"ns1.{ZONE}", NOERROR),
    ],
)
async def test_others_do_not_exist(name: str, rcode: int) -> None:
    """The pcluster isn't even asked, and the answer says for how long to remember it."""
    upstream = resolver()
    found = await ask(upstream, name)
    assert (found.rcode, lines(found), upstream.asked) == (rcode, [], [])
    assert [text(each.owner) for each in found.authority] == ["cluster.local"]


async def test_the_rest_of_the_world_as_it_is() -> None:
    answers = ["www.example.com. 60 IN CNAME edge.example.net.", "edge.example.net. 60 IN A 192.0.2.1"]
    upstream = resolver(("www.example.com", "A", answers))
    found = await ask(upstream, "www.example.com")
    assert lines(found) == ["www.example.com CNAME edge.example.net.", "edge.example.net A 192.0.2.1"]
    mail = resolver(("example.com", "MX", ["example.com. 60 IN MX 10 mail.example.com."]))
    assert lines(await ask(mail, "example.com", "MX")) == ["example.com MX 10 mail.example.com."]


async def test_absence_elsewhere_is_told_as_its_owner_tells_it() -> None:
    soa = "example.com. 60 IN SOA ns.example.com. root.example.com. 1 2 3 4 5"
    gone = Resolver({("x.example.com", "A"): reply("x.example.com", "A", authority=[soa], rcode=NXDOMAIN)})
    found = await ask(gone, "x.example.com")
    assert (found.rcode, [text(each.owner) for each in found.authority]) == (NXDOMAIN, ["example.com"])


@pytest.mark.parametrize("target", [f"db.ns2.{ZONE}", f"db.{NS2}.{ZONE}"], ids=["as-written", "as-the-pcluster-says"])
async def test_an_alias_within_the_workspace_is_followed(target: str) -> None:
    """An ExternalName goes down with upstream names in it, which only this resolver can follow."""
    upstream = resolver(
        (f"store.{NS1}.{ZONE}", "A", [f"store.{NS1}.{ZONE}. 5 IN CNAME {target}."]),
        (f"db.{NS2}.{ZONE}", "A", [f"db.{NS2}.{ZONE}. 5 IN A 10.0.0.2"]),
    )
    found = await ask(upstream, f"store.ns1.{ZONE}")
    assert lines(found) == [f"store.ns1.{ZONE} CNAME db.ns2.{ZONE}.", f"db.ns2.{ZONE} A 10.0.0.2"]
    assert lines(await ask(resolver((f"store.{NS1}.{ZONE}", "CNAME", [
        f"store.{NS1}.{ZONE}. 5 IN CNAME {target}."])), f"store.ns1.{ZONE}", "CNAME")) == [
        f"store.ns1.{ZONE} CNAME db.ns2.{ZONE}."
    ]  # fmt: skip


@pytest.mark.parametrize("asked", [f"store.ns1.{ZONE}", "store.example.com"])
@pytest.mark.parametrize("target", [f"db.{OTHERS[1]}.{ZONE}", f"kube-dns.kube-system.{ZONE}", f"db.ns3.{ZONE}"])
async def test_an_alias_to_others_is_hidden_with_what_it_leads_to(asked: str, target: str) -> None:
    """The pcluster's resolver follows it by itself, so the address would be in its answer."""
    below = asked.replace(".ns1.", f".{NS1}.")
    answers = [f"{below}. 5 IN CNAME {target}.", f"{target}. 5 IN A 10.9.9.9"]
    found = await ask(resolver((below, "A", answers), (below, "CNAME", answers[:1])), asked)
    assert (found.rcode, lines(found), found.additional) == (NXDOMAIN, [], ())


async def test_aliases_that_go_round_end() -> None:
    upstream = resolver(
        (f"a.{NS1}.{ZONE}", "A", [f"a.{NS1}.{ZONE}. 5 IN CNAME b.ns1.{ZONE}."]),
        (f"b.{NS1}.{ZONE}", "A", [f"b.{NS1}.{ZONE}. 5 IN CNAME a.ns1.{ZONE}."]),
        ("a.example", "A", ["a.example. 5 IN CNAME b.example.", "b.example. 5 IN CNAME a.example."]),
    )
    assert (await ask(upstream, f"a.ns1.{ZONE}")).rcode == SERVFAIL
    assert len(upstream.asked) == 8
    assert (await ask(upstream, "a.example")).rcode == NOERROR


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        (f"db.{NS1}.{ZONE}", [f"7.0.0.10.in-addr.arpa PTR db.ns1.{ZONE}."]),
        ("host.example.com", ["7.0.0.10.in-addr.arpa PTR host.example.com."]),
        (f"db.{OTHERS[0]}.{ZONE}", []),
        (f"kubernetes.default.{ZONE}", []),
    ],
)
async def test_whose_an_address_is(target: str, shown: list[str]) -> None:
    """An address of others looks like one that nobody has."""
    upstream = resolver(("7.0.0.10.in-addr.arpa", "PTR", [f"7.0.0.10.in-addr.arpa. 5 IN PTR {target}."]))
    found = await ask(upstream, "7.0.0.10.in-addr.arpa", "PTR")
    assert lines(found) == shown
    if not shown:
        nobody = await ask(resolver(), "8.0.0.10.in-addr.arpa", "PTR")
        assert (found.rcode, found.authority) == (nobody.rcode, nobody.authority) == (NXDOMAIN, ())


async def test_not_knowing_is_no_absence() -> None:
    """Neither before the namespaces are known, nor when the pcluster's resolver is silent or fails."""
    assert (await ask(resolver(), f"db.ns1.{ZONE}", names=None)).rcode == SERVFAIL

    async def silent(name: Labels, rdtype: int, *, dnssec_ok: bool) -> Reply:
        raise NoAnswer

    assert (await Answers(names=lambda: NAMES, ask=silent).answer(query(f"db.ns1.{ZONE}"))).rcode == SERVFAIL
    below = f"db.{NS1}.{ZONE}"
    failing = Resolver({(below, "A"): reply(below, "A", rcode=SERVFAIL)})
    assert (await ask(failing, f"db.ns1.{ZONE}")).rcode == SERVFAIL


async def test_without_namespaces_nothing_is_resolved_in_the_domain() -> None:
    upstream = resolver(("example.com", "A", ["example.com. 5 IN A 192.0.2.1"]))
    empty = NameMap.of("cluster.local", {})
    assert (await ask(upstream, f"db.ns1.{ZONE}", names=empty)).rcode == NXDOMAIN
    assert lines(await ask(upstream, "example.com", names=empty)) == ["example.com A 192.0.2.1"]


SPACES = st.sampled_from([NS1, NS2, NS3, *OTHERS, *DATA, "ns3"])
IN_DOMAIN = st.builds(
    lambda front, space, kind: f"{front}{space}.{kind}.cluster.local",
    st.sampled_from(["", "db.", "Pod.db.", "_x._tcp.db.", r"a\.b."]), SPACES, st.sampled_from(["svc", "SVC", "pod"]),
)  # fmt: skip
ANY_NAME = st.one_of(IN_DOMAIN, st.sampled_from(["example.com", "a.example", "1.0.0.10.in-addr.arpa", "cluster.local"]))
DATA_OF = {
    "A": st.just("A 10.0.0.1"),
    **{
        kind: st.builds(lambda front, target: f"{front} {target}.", st.just(front), ANY_NAME)
        for kind, front in [
            ("CNAME", "CNAME"), ("DNAME", "DNAME"), ("PTR", "PTR"), ("NS", "NS"), ("SRV", "SRV 0 1 2"), ("MX", "MX 1"),
            ("SVCB", "SVCB 1"), ("HTTPS", "HTTPS 1"), ("AFSDB", "AFSDB 1"), ("NAPTR", 'NAPTR 1 1 "u" "x" ""'),
        ]
    },
    "SOA": st.builds(lambda one, two: f"SOA {one}. {two}. 1 2 3 4 5", ANY_NAME, ANY_NAME),
    "RRSIG": st.builds(lambda one: f"RRSIG A 8 2 5 20300101000000 20200101000000 1 {one}. AAAA", ANY_NAME),
}  # fmt: skip


@st.composite
def conversations(draw: st.DrawFn) -> tuple[str, str, list[list[str]], int]:
    """A question, and an answer in which anything may stand, most of it about what was asked."""
    asked = draw(st.sampled_from(["db.ns1.svc.cluster.local", "example.com", "1.0.0.10.in-addr.arpa"]) | ANY_NAME)
    kind = draw(st.sampled_from([each for each in DATA_OF if each != "RRSIG"]))
    place = NAMES.locate(labels(asked))
    first = text(place.downstream) if place.downstream else asked
    owners = st.one_of(st.just(first), st.just(first), ANY_NAME)
    data = st.one_of(DATA_OF[kind], DATA_OF[kind], DATA_OF["CNAME"], st.one_of(*DATA_OF.values()))
    record = st.builds(lambda owner, what: f"{owner}. 5 IN {what}", owners, data)
    return (
        asked,
        kind,
        [draw(st.lists(record, min_size=1, max_size=3)) for _ in range(3)],
        draw(st.sampled_from([0, 3])),
    )


@settings(max_examples=80, deadline=None)
@given(conversations())
async def test_an_answer_never_names_what_is_not_the_workspaces(
    conversation: tuple[str, str, list[list[str]], int],
) -> None:
    """Whatever the pcluster says: every name of the cluster domain in an answer is one of the workspace's own.

    The question is repeated, so only what it names itself may be in the answer as well.
    """
    asked, kind, (answer, authority, additional), rcode = conversation

    async def lying(name: Labels, rdtype: int, *, dnssec_ok: bool) -> Reply:
        return reply(text(name), kind, answer, authority=authority, additional=additional, rcode=rcode)

    question = query(asked, kind)
    found = await Answers(names=lambda: NAMES, ask=lying).answer(question)
    assert parse_reply(response(question, found, longest=65535), question.ident, question.name, question.rdtype)
    for record in (*found.answer, *found.authority, *found.additional):
        for each in (record.owner, *record.names.values()):
            if NAMES.contains(each) and each != labels(asked) and each not in OURS:
                assert len(each) > 3, text(each)
                assert each[-4].lower() in KEYS, text(each)


KEYS = {key.encode() for key in DATA}
OURS = {labels(each) for each in ("cluster.local", "ns.dns.cluster.local", "hostmaster.cluster.local")}
