"""Which pods ask the resolver of their workspace, how, and what waits for it."""

from __future__ import annotations

import pytest

from headwater.base.clock import ManualClock
from headwater.machinery.objects import Object, deep_copy, nested, set_nested
from headwater.syncer.mutate.dns import PodDns, address_in, asks_the_cluster, with_workspace_dns
from headwater.syncer.mutate.pods import POD_SPEC_PATHS
from headwater.syncer.spec.dnsgate import PATIENCE_SECONDS, DnsGate, DnsNotReady

DNS = PodDns("10.96.0.7", "web", "k8s.example")
SEARCHES = ["web.svc.k8s.example", "svc.k8s.example", "k8s.example"]
NDOTS = {"name": "ndots", "value": "5"}


def workload(kind: tuple[str, str] = ("apps/v1", "Deployment"), **pod: object) -> Object:
    body: Object = {"apiVersion": kind[0], "kind": kind[1], "metadata": {"name": "a"}}
    set_nested(body, {"containers": [], **pod}, *POD_SPEC_PATHS[kind])
    return body


def pod_spec(body: Object) -> Object:
    found: Object = nested(body, *POD_SPEC_PATHS[(body["apiVersion"], body["kind"])])
    return found


@pytest.mark.parametrize("kind", POD_SPEC_PATHS, ids=lambda kind: kind[1])
def test_all_kinds_with_pods(kind: tuple[str, str]) -> None:
    body = workload(kind)
    with_workspace_dns(body, DNS)
    assert pod_spec(body) == {
        "containers": [],
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["10.96.0.7"], "searches": SEARCHES, "options": [NDOTS]},
    }
    assert address_in(body) == "10.96.0.7"


@pytest.mark.parametrize(
    ("pod", "asks"),
    [
        pytest.param({}, True, id="by-default"),
        pytest.param({"dnsPolicy": "ClusterFirst"}, True, id="cluster-first"),
        pytest.param({"hostNetwork": False}, True, id="own-network"),
        pytest.param({"hostNetwork": True}, False, id="network-of-the-host"),
        pytest.param({"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"}, False, id="host-and-cluster"),
        pytest.param({"dnsPolicy": "Default"}, False, id="dns-of-the-node"),
        pytest.param({"dnsPolicy": "None", "dnsConfig": {"nameservers": ["1.1.1.1"]}}, False, id="own-choice"),
    ],
)
def test_who_asks(pod: Object, asks: bool) -> None:
    """What is left alone stays exactly as it is."""
    body = workload(**pod)
    before = deep_copy(body)
    assert asks_the_cluster(body) is asks
    with_workspace_dns(body, DNS)
    assert (body != before) is asks


def test_own_additions_stay() -> None:
    """They come behind ours, as a cluster would do it; options that are set by the owner win."""
    own = {
        "nameservers": ["1.1.1.1", "10.96.0.7", "2.2.2.2", "3.3.3.3"],
        "searches": ["corp.example", "k8s.example"],
        "options": [{"name": "ndots", "value": "1"}, {"name": "edns0"}],
    }
    body = workload(dnsConfig=own)
    with_workspace_dns(body, DNS)
    assert pod_spec(body)["dnsConfig"] == {
        "nameservers": ["10.96.0.7", "1.1.1.1", "2.2.2.2"],
        "searches": [*SEARCHES, "corp.example"],
        "options": [{"name": "ndots", "value": "1"}, {"name": "edns0"}],
    }


def test_without_pods_nothing_changes() -> None:
    body: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    with_workspace_dns(body, DNS)
    assert body == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    assert address_in(body) == ""


class States:
    """Resolvers with an address or without, ready or not."""

    def __init__(self, address: str = "", *, ready: bool = False) -> None:
        self.at, self.ready = address, ready

    def address(self, cluster: str) -> str:
        return self.at

    def is_ready(self, cluster: str) -> bool:
        return self.ready


CONFIG_MAP: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
JOB = workload(("batch/v1", "Job"))
OLD_JOB = workload(
    ("batch/v1", "Job"), dnsPolicy="None", dnsConfig={"nameservers": ["10.96.0.1"], "searches": [], "options": []}
)


@pytest.mark.parametrize(
    ("states", "upstream", "copy", "address"),
    [
        pytest.param(None, workload(), None, None, id="switched-off"),
        pytest.param(States(), CONFIG_MAP, None, None, id="no-pods"),
        pytest.param(States(), workload(dnsPolicy="Default"), None, None, id="other-dns"),
        pytest.param(States("10.96.0.7", ready=True), workload(), None, "10.96.0.7", id="ready"),
        pytest.param(States("10.96.0.7"), workload(), workload(), "10.96.0.7", id="down-but-runs-already"),
        pytest.param(States("10.96.0.7"), workload(), None, "wait", id="not-ready"),
        pytest.param(States(), workload(), workload(), "wait", id="no-address"),
        pytest.param(States("10.96.0.7", ready=True), JOB, None, "10.96.0.7", id="new-job"),
        pytest.param(States("10.96.0.7", ready=True), JOB, OLD_JOB, "10.96.0.1", id="job-with-the-address-before"),
        pytest.param(States("10.96.0.7", ready=True), JOB, JOB, None, id="job-from-before"),
        pytest.param(None, JOB, OLD_JOB, "10.96.0.1", id="job-after-switching-off"),
    ],
)
def test_gate(states: States | None, upstream: Object, copy: Object | None, address: str | None) -> None:
    gate = DnsGate(states, domain="k8s.example", clock=ManualClock())
    if address == "wait":
        with pytest.raises(DnsNotReady):
            gate.dns_for(upstream, "2x8k", "web", copy)
    else:
        found = gate.dns_for(upstream, "2x8k", "web", copy)
        assert found == (PodDns(address, "web", "k8s.example") if address else None)


def test_a_wait_is_news_when_it_lasts() -> None:
    """Counted for each workspace, and from the beginning after it was ready."""
    clock, states = ManualClock(), States()
    gate = DnsGate(states, domain="cluster.local", clock=clock)

    def lasts(cluster: str) -> bool:
        with pytest.raises(DnsNotReady) as caught:
            gate.dns_for(workload(), cluster, "web", None)
        return caught.value.lasts

    assert not lasts("one")
    clock.advance(PATIENCE_SECONDS)
    assert lasts("one")
    assert not lasts("two")
    states.at, states.ready = "10.96.0.7", True
    gate.dns_for(workload(), "one", "web", None)
    states.ready = False
    assert not lasts("one")
