"""The policy that keeps tenants apart."""

from __future__ import annotations

import pytest

from headwater.syncer.namespaces.policy import isolation_policy, normal_cidr

OWN = {"namespaceSelector": {"matchLabels": {"kcp.io/tenant-id": "T"}}}
NO_TENANTS = {"namespaceSelector": {"matchExpressions": [{"key": "kcp.io/tenant-id", "operator": "DoesNotExist"}]}}


@pytest.mark.parametrize(
    ("pod_cidrs", "outside"),
    [
        ([], []),
        (["10.1.0.0/16", "10.0.0.0/16"], [{"cidr": "0.0.0.0/0", "except": ["10.0.0.0/16", "10.1.0.0/16"]}]),
        (["fd00::/48"], [{"cidr": "::/0", "except": ["fd00::/48"]}]),
        (
            ["fd00::/48", "10.0.0.0/8"],
            [{"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}, {"cidr": "::/0", "except": ["fd00::/48"]}],
        ),
    ],
    ids=["unknown", "ipv4", "ipv6", "both"],
)
def test_peers(pod_cidrs: list[str], outside: list[object]) -> None:
    """No rule without peers, which would let in all: what can't be told from other tenants' pods stays out."""
    policy = isolation_policy("kcp-a", tenant="T", key="KEY", pod_cidrs=pod_cidrs)
    peers = [OWN, NO_TENANTS, *({"ipBlock": each} for each in outside)]
    assert policy["spec"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": peers}],
        "egress": [{"to": peers}],
    }
    assert (policy["metadata"]["name"], policy["metadata"]["namespace"]) == ("kcp-tenant-isolation", "kcp-a")


@pytest.mark.parametrize(
    ("text", "normal"), [(" 10.0.0.1/8", "10.0.0.0/8"), ("FD00::1/64", "fd00::/64"), ("10.0.0.1", "10.0.0.1/32")]
)
def test_ranges_are_written_as_api_servers_have_them(text: str, normal: str) -> None:
    assert normal_cidr(text) == normal
    with pytest.raises(ValueError, match="does not appear to be"):
        normal_cidr(f"{normal}x")
