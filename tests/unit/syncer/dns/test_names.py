"""Which names a workspace has on a pcluster."""

from __future__ import annotations

import pytest
from tests.unit.syncer.dns.messages import DATA, NAMES, labels, text

from headwater.syncer.dns.names import NameMap, Where, fits, is_reverse

MINE = "kcp-aaaaaaaaaaa1"
OTHERS = "kcp-bbbbbbbbbbb1"
DOMAIN = "cluster.local"
LONG = ".".join(["a" * 63] * 3)


@pytest.mark.parametrize(
    ("asked", "downstream"),
    [
        pytest.param("db.ns1.svc.cluster.local", f"db.{MINE}.svc.cluster.local", id="service"),
        pytest.param("db-0.db.ns1.svc.cluster.local", f"db-0.db.{MINE}.svc.cluster.local", id="pod-of-service"),
        pytest.param(
            "_sql._tcp.db.ns1.svc.cluster.local", f"_sql._tcp.db.{MINE}.svc.cluster.local", id="port-of-service"
        ),
        pytest.param("10-1-2-3.ns1.pod.cluster.local", f"10-1-2-3.{MINE}.pod.cluster.local", id="pod-by-address"),
        pytest.param("Db.NS1.Svc.CLUSTER.local", f"Db.{MINE}.Svc.CLUSTER.local", id="case"),
        pytest.param("ns1.ns2.svc.cluster.local", "ns1.kcp-aaaaaaaaaaa2.svc.cluster.local", id="service-called-so"),
        pytest.param(f"db.{OTHERS}.svc.cluster.local", "db.kcp-aaaaaaaaaaa3.svc.cluster.local", id="own-of-that-name"),
        pytest.param(r"a\.b.ns1.svc.cluster.local", rf"a\.b.{MINE}.svc.cluster.local", id="dot-in-a-label"),
    ],
)
def test_inside(asked: str, downstream: str) -> None:
    """The label of the namespace is replaced, and nothing else; the way back gives the same again."""
    place = NAMES.locate(labels(asked))
    assert (place.where, text(place.downstream)) == (Where.INSIDE, downstream)
    assert [each.lower() for each in NAMES.restore(place.downstream) or ()] == [e.lower() for e in labels(asked)]


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        pytest.param("db.ns3.svc.cluster.local", Where.ABSENT, id="no-such-namespace"),
        pytest.param(f"db.{MINE}.svc.cluster.local", Where.ABSENT, id="own-downstream-name"),
        pytest.param("db.kcp-bbbbbbbbbbb2.svc.cluster.local", Where.ABSENT, id="downstream-name-of-others"),
        pytest.param("kubernetes.default.svc.cluster.local", Where.ABSENT, id="the-pclusters-own"),
        pytest.param("db.*.svc.cluster.local", Where.ABSENT, id="wildcard"),
        pytest.param("db.any.svc.cluster.local", Where.ABSENT, id="wildcard-of-old"),
        pytest.param(r"db\.ns1.svc.cluster.local", Where.ABSENT, id="dot-in-the-namespace"),
        pytest.param(rf"db\.{MINE}.svc.cluster.local", Where.ABSENT, id="dot-and-downstream-name"),
        pytest.param(r"db.ns1\000.svc.cluster.local", Where.ABSENT, id="zero-byte"),
        pytest.param("db.ns1.cluster.local", Where.ABSENT, id="without-svc"),
        pytest.param("svc.ns1.cluster.local", Where.ABSENT, id="svc-elsewhere"),
        pytest.param("10-1-2-3.kcp-bbbbbbbbbbb2.pod.cluster.local", Where.ABSENT, id="pod-of-others"),
        pytest.param("ns.dns.cluster.local", Where.ABSENT, id="other-branch"),
        pytest.param("dns-version.cluster.local", Where.ABSENT, id="version"),
        pytest.param(f"{LONG}.{'x' * 30}.ns1.svc.cluster.local", Where.ABSENT, id="too-long-downstream"),
        pytest.param("cluster.local", Where.EMPTY, id="domain"),
        pytest.param("svc.cluster.local", Where.EMPTY, id="all-services"),
        pytest.param("ns1.svc.cluster.local", Where.EMPTY, id="namespace"),
        pytest.param("ns3.svc.cluster.local", Where.ABSENT, id="other-namespace"),
        pytest.param("example.com", Where.OUTSIDE, id="internet"),
        pytest.param("db.ns1.svc.cluster.local.example.com", Where.OUTSIDE, id="domain-in-front"),
        pytest.param("xcluster.local", Where.OUTSIDE, id="longer-label"),
        pytest.param(r"svc\.cluster.local", Where.OUTSIDE, id="dot-in-the-domain"),
        pytest.param("local", Where.OUTSIDE, id="above"),
        pytest.param(".", Where.OUTSIDE, id="root"),
    ],
)
def test_not_inside(asked: str, where: Where) -> None:
    assert NAMES.locate(labels(asked)).where is where


@pytest.mark.parametrize(
    ("downstream", "own"),
    [
        pytest.param(f"db.{MINE}.svc.cluster.local", "db.ns1.svc.cluster.local", id="own"),
        pytest.param(f"10-0-0-1.db.{MINE.upper()}.svc.cluster.local", "10-0-0-1.db.ns1.svc.cluster.local", id="case"),
        pytest.param("db.kcp-bbbbbbbbbbb1.svc.cluster.local", None, id="others-although-own-is-called-so"),
        pytest.param("db.ns1.svc.cluster.local", None, id="upstream-name"),
        pytest.param("kubernetes.default.svc.cluster.local", None, id="the-pclusters-own"),
        pytest.param(f"{MINE}.svc.cluster.local", None, id="namespace"),
        pytest.param(f"db.{MINE}.svc.example.com", None, id="elsewhere"),
    ],
)
def test_restore(downstream: str, own: str | None) -> None:
    """Only the workspace's own names have a way back."""
    found = NAMES.restore(labels(downstream))
    assert (text(found) if found is not None else None) == own


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        pytest.param("db.ns2.svc.cluster.local", "db.ns2.svc.cluster.local", id="as-the-owner-wrote-it"),
        pytest.param(f"db.{MINE}.svc.cluster.local", "db.ns1.svc.cluster.local", id="as-the-pcluster-says-it"),
        pytest.param(f"db.{OTHERS}.svc.cluster.local", f"db.{OTHERS}.svc.cluster.local", id="own-of-that-name"),
        pytest.param("db.kcp-bbbbbbbbbbb2.svc.cluster.local", None, id="others"),
        pytest.param("kubernetes.default.svc.cluster.local", None, id="the-pclusters-own"),
        pytest.param("ns1.svc.cluster.local", None, id="nothing-there"),
    ],
)
def test_alias(target: str, meant: str | None) -> None:
    found = NAMES.alias(labels(target))
    assert (text(found) if found is not None else None) == meant


def test_a_restored_name_that_is_too_long_has_no_way_back() -> None:
    """Namespaces may have longer names above than below."""
    names = NameMap.of(DOMAIN, {"n" * 63: "kcp-a"})
    assert names.restore(labels(f"{LONG}.kcp-a.svc.{DOMAIN}")) is None
    assert names.restore(labels(f"db.kcp-a.svc.{DOMAIN}")) == labels(f"db.{'n' * 63}.svc.{DOMAIN}")


def test_data_that_names_no_namespaces_is_left_out() -> None:
    """Somebody may have edited the ConfigMap by hand."""
    odd: dict[str, object] = {"a.b": "kcp-1", "": "kcp-2", "UP": "kcp-3", "ok": "kcp-4", "x": "not.a.label", "y": 5}
    names = NameMap.of("cluster.local.", odd)
    assert (names.down, names.up, names.domain) == ({b"ok": b"kcp-4"}, {b"kcp-4": b"ok"}, (b"cluster", b"local"))
    assert NameMap.of(DOMAIN, DATA).down[b"ns1"] == MINE.encode()


def test_fits() -> None:
    assert fits((b"a" * 63,) * 3 + (b"a" * 61,))
    assert not fits((b"a" * 63,) * 3 + (b"a" * 62,))
    assert not fits((b"a" * 64,))
    assert not fits((b"a", b""))


@pytest.mark.parametrize(
    ("name", "reverse"),
    [("1.0.0.10.in-addr.arpa", True), ("a.IP6.ARPA", True), ("arpa", False), ("example.com", False)],
)
def test_reverse_zones(name: str, reverse: bool) -> None:
    assert is_reverse(labels(name)) is reverse
