"""What a resolver is made of, and whether it is still so."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from headwater.machinery.objects import Object, set_nested
from headwater.syncer.dns.desired import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    NETWORK_POLICIES,
    RESOURCES,
    ROLE_BINDINGS,
    ROLES,
    SERVICE_ACCOUNTS,
    SERVICES,
    ResolverPlan,
    desired,
)
from headwater.syncer.ownedstate import is_current, repaired

PLAN = ResolverPlan(
    name="kcp-dns-west-1-2",
    namespace="kcp-syncer",
    cluster="2x8k",
    key="KEY",
    tenant="TENANT",
    image="headwater:1",
    domain="k8s.example",
    namespaces={"web": "kcp-a"},
    api_servers=[("10.0.0.1", 6443), ("fd00::1", 6443)],
)
OBJECTS = dict(desired(PLAN))


def test_a_resolver_may_read_its_config_map_and_nothing_else() -> None:
    only = {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [PLAN.name]}
    assert OBJECTS[ROLES]["rules"] == [{**only, "verbs": ["get", "list", "watch"]}]
    assert OBJECTS[ROLE_BINDINGS]["subjects"] == [
        {"kind": "ServiceAccount", "name": PLAN.name, "namespace": "kcp-syncer"}
    ]
    assert OBJECTS[CONFIG_MAPS]["data"] == {"web": "kcp-a"}


def test_only_the_tenant_asks_and_only_dns_and_the_api_server_are_asked() -> None:
    spec = OBJECTS[NETWORK_POLICIES]["spec"]
    assert spec["podSelector"] == {"matchLabels": {"app": PLAN.name}}
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["ingress"] == [
        {
            "from": [{"namespaceSelector": {"matchLabels": {"kcp.io/tenant-id": "TENANT"}}}],
            "ports": [{"protocol": "UDP", "port": 5353}, {"protocol": "TCP", "port": 5353}],
        }
    ]
    dns, *api = spec["egress"]
    assert {port["port"] for port in dns["ports"]} == {53}
    assert [next(iter(each)) for each in dns["to"]] == ["namespaceSelector", "namespaceSelector", "ipBlock"]
    assert [rule["to"][0]["ipBlock"]["cidr"] for rule in api] == ["10.0.0.1/32", "fd00::1/128"]
    assert all(rule["ports"] == [{"protocol": "TCP", "port": 6443}] for rule in api)


def test_an_api_server_at_unknown_addresses_is_known_by_its_port() -> None:
    spec = dict(desired(replace(PLAN, api_servers=[])))[NETWORK_POLICIES]["spec"]
    assert [port["port"] for port in spec["egress"][1]["ports"]] == [443, 6443]
    assert all(rule.get("ports") for rule in spec["egress"])


def test_the_pod_has_no_privileges_and_knows_its_map() -> None:
    pod = OBJECTS[DEPLOYMENTS]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert (pod["serviceAccountName"], container["image"]) == (PLAN.name, "headwater:1")
    assert container["command"] == ["headwater", "syncer", "dns"]
    assert {f"--configmap={PLAN.name}", "--cluster-domain=k8s.example"} <= set(container["args"])
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert "hostNetwork" not in pod
    assert [(each["protocol"], each["port"]) for each in OBJECTS[SERVICES]["spec"]["ports"]] == [
        ("UDP", 53), ("TCP", 53),
    ]  # fmt: skip


def as_stored(wanted: Object) -> Object:
    """What an API server makes of it."""
    live = copy.deepcopy(wanted)
    live["metadata"] |= {"uid": "u", "resourceVersion": "7", "annotations": {"by": "someone"}, "managedFields": [{}]}
    if wanted["kind"] == "Service":
        live["spec"] |= {"clusterIP": "10.96.0.7", "sessionAffinity": "None"}
    if wanted["kind"] == "Deployment":
        live["spec"] |= {"revisionHistoryLimit": 10}
        live["spec"]["template"]["spec"] |= {"dnsPolicy": "ClusterFirst"}
        live["spec"]["template"]["spec"]["containers"][0] |= {"terminationMessagePath": "/dev/termination-log"}
    return live


@pytest.mark.parametrize("gvr", RESOURCES, ids=str)
def test_defaults_are_no_change(gvr: object) -> None:
    wanted = OBJECTS[gvr]  # type: ignore[index]
    assert is_current(as_stored(wanted), wanted)


MORE_RULES = [*OBJECTS[ROLES]["rules"], {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
SIDECAR = [*OBJECTS[DEPLOYMENTS]["spec"]["template"]["spec"]["containers"], {"name": "spy", "image": "spy:1"}]


@pytest.mark.parametrize(
    ("gvr", "path", "value"),
    [
        pytest.param(SERVICE_ACCOUNTS, "metadata.labels", {}, id="labels-gone"),
        pytest.param(CONFIG_MAPS, "data", {"web": "kcp-a", "kube": "kube-system"}, id="one-namespace-more"),
        pytest.param(CONFIG_MAPS, "data", {"web": "kcp-b"}, id="another-namespace"),
        pytest.param(CONFIG_MAPS, "data", None, id="no-data"),
        pytest.param(ROLES, "rules", MORE_RULES, id="more-rights"),
        pytest.param(ROLE_BINDINGS, "subjects", [{"kind": "User", "name": "eve"}], id="another-subject"),
        pytest.param(NETWORK_POLICIES, "spec.ingress", [{}], id="open-to-all"),
        pytest.param(NETWORK_POLICIES, "spec.policyTypes", ["Ingress"], id="egress-open"),
        pytest.param(SERVICES, "spec.selector", {"app": PLAN.name, "more": "x"}, id="selector-narrowed"),
        pytest.param(SERVICES, "spec.ports", [], id="no-ports"),
        pytest.param(DEPLOYMENTS, "spec.replicas", 0, id="scaled"),
        pytest.param(DEPLOYMENTS, "spec.template.spec.containers", SIDECAR, id="one-container-more"),
        pytest.param(DEPLOYMENTS, "spec.template.metadata.labels", {"app": "x"}, id="other-pods"),
    ],
)
def test_changes_are_seen_and_repaired(gvr: object, path: str, value: object) -> None:
    """What is written keeps what the API server has chosen."""
    wanted = OBJECTS[gvr]  # type: ignore[index]
    live = as_stored(wanted)
    set_nested(live, value, *path.split("."))
    assert not is_current(live, wanted)
    written = repaired(live, wanted)
    assert is_current(written, wanted)
    assert written["metadata"]["resourceVersion"] == "7"
    assert written["metadata"]["annotations"] == {"by": "someone"}
    assert "managedFields" not in written["metadata"]
    if gvr == SERVICES:
        assert written["spec"]["clusterIP"] == "10.96.0.7"


def test_another_image_is_a_change() -> None:
    newer = dict(desired(replace(PLAN, image="headwater:2")))[DEPLOYMENTS]
    assert not is_current(as_stored(OBJECTS[DEPLOYMENTS]), newer)
