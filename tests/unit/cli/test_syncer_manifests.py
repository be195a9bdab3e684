"""A syncer gets the rights that it needs, and none besides."""

from __future__ import annotations

import base64

from headwater.base import yamlio
from headwater.cli.synctarget.manifests import (
    SyncerPlan,
    downstream_objects,
    downstream_rules,
    syncer_kubeconfig,
    upstream_objects,
)

TARGET = {
    "apiVersion": "sync.kcp.io/v1alpha1",
    "kind": "SyncTarget",
    "metadata": {"name": "east", "uid": "u1"},
}
PLAN = SyncerPlan(
    syncer_id="kcp-syncer-east-x",
    sync_target_name="east",
    sync_target_uid="u1",
    cluster="abc",
    upstream_url="https://hub:6443/clusters/abc",
    ca_data=b"PEM",
    token="secret-token",
    namespace="ns",
    image="headwater:1",
    replicas=1,
    resources=(("apps", "deployments"), ("", "services")),
)


def test_upstream_role_is_for_one_sync_target() -> None:
    """Every resource rule names the SyncTarget, and everything is owned by it, so that it goes with it."""
    objects = upstream_objects("id", TARGET, "default")
    role = next(obj for obj in objects if obj["kind"] == "ClusterRole")
    assert all(rule["resourceNames"] == ["east"] for rule in role["rules"] if "resources" in rule)
    assert all("*" not in rule["verbs"] for rule in role["rules"])
    assert {obj["metadata"]["ownerReferences"][0]["uid"] for obj in objects} == {"u1"}


def test_downstream_rules_list_groups_and_resources() -> None:
    rules = downstream_rules(PLAN.resources)
    assert [(rule["apiGroups"], rule["resources"]) for rule in rules] == [
        ([""], ["nodes"]),
        ([""], ["pods"]),
        ([""], ["namespaces"]),
        ([""], ["configmaps", "secrets", "services"]),
        (["apps"], ["deployments"]),
    ]
    assert not any("*" in rule["verbs"] + rule["resources"] + rule["apiGroups"] for rule in rules)


def test_nodes_and_pods_are_only_looked_at() -> None:
    """Also when an export offers pods: they are made on the pcluster, and only counted there."""
    verbs: dict[str, set[str]] = {}
    for rule in downstream_rules((("", "pods"), ("", "endpoints"), *PLAN.resources)):
        for resource in rule["resources"]:
            verbs.setdefault(resource, set()).update(rule["verbs"])
    assert verbs["nodes"] == {"get", "list", "watch"}
    assert verbs["pods"] == {"list", "watch"}
    assert "endpoints" not in verbs


def test_kubeconfig_reaches_the_hub_with_the_token_alone() -> None:
    config = syncer_kubeconfig(PLAN)
    assert config["users"][0]["user"] == {"token": "secret-token"}
    assert config["clusters"][0]["cluster"]["certificate-authority-data"] == base64.b64encode(b"PEM").decode()


def test_manifests_round_trip_and_run_unprivileged() -> None:
    text = yamlio.dump_all(downstream_objects(PLAN))
    objects = yamlio.load_all(text)
    assert [obj["kind"] for obj in objects] == [
        "Namespace", "ServiceAccount", "Secret", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "Secret",
        "Deployment",
    ]  # fmt: skip
    pod = objects[-1]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert "secret-token" not in repr(PLAN)


def test_one_of_several_replicas_leads() -> None:
    """They need a Lease of their own in their namespace, and no other right there."""
    objects = downstream_objects(PLAN)
    role = next(obj for obj in objects if obj["kind"] == "Role")
    assert role["metadata"]["namespace"] == PLAN.namespace
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"create", "get", "update"}
    assert all(rule["resources"] == ["leases"] for rule in role["rules"])
    container = objects[-1]["spec"]["template"]["spec"]["containers"][0]
    assert "--lease-namespace=$(NAMESPACE)" in container["args"]


def test_kubelets_ask_the_syncer_how_it_is() -> None:
    """It listens where its probes and Prometheus look for it."""
    container = downstream_objects(PLAN)[-1]["spec"]["template"]["spec"]["containers"][0]
    port = next(each["containerPort"] for each in container["ports"] if each["name"] == "health")
    assert f"--health-address=0.0.0.0:{port}" in container["args"]
    probes = {container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("liveness", "readiness")}
    assert probes == {"/livez", "/readyz"}
