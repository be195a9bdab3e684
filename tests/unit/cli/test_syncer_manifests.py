"""A syncer gets the rights that it needs, and none besides."""

from __future__ import annotations

import base64
from dataclasses import replace

from headwater.base import yamlio
from headwater.cli.synctarget.manifests import (
    SyncerPlan,
    downstream_objects,
    identity_objects,
    renewed_objects,
    role_lets_tunnel,
    syncer_kubeconfig,
    upstream_objects,
)
from headwater.cli.synctarget.rights import resources_of
from headwater.syncer.target.needs import needed_rules
from headwater.syncer.target.rights import NEEDED_VERBS

LOOK = {"get", "list", "watch"}
TARGET = {
    "apiVersion": "sync.kcp.io/v1alpha1",
    "kind": "SyncTarget",
    "metadata": {"name": "east", "uid": "u1", "annotations": {"kcp.io/cluster": "abc"}},
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
    """What its controllers make on the pcluster is looked at only, even where an export offers it."""
    rules = needed_rules((*PLAN.resources, ("", "pods"), ("", "endpoints")))
    looking = {
        (rule["apiGroups"][0], *rule["resources"]) for rule in rules if {"list", "watch"} <= set(rule["verbs"]) <= LOOK
    }
    core = {("", each) for each in ("endpoints", "events", "nodes", "pods")}
    expected = {*core, ("discovery.k8s.io", "endpointslices")}
    assert looking == expected
    assert [(rule["apiGroups"], rule["resources"]) for rule in rules if "create" in rule["verbs"]] == [
        ([""], ["namespaces"]),
        ([""], ["configmaps", "secrets", "serviceaccounts", "services"]),
        (["apps"], ["deployments"]),
    ]
    assert not any("*" in rule["verbs"] + rule["resources"] + rule["apiGroups"] for rule in rules)


def test_nodes_and_pods_are_only_looked_at() -> None:
    """Also when an export offers pods: they are made on the pcluster, and counted and shown from there."""
    verbs: dict[str, set[str]] = {}
    for rule in needed_rules((("", "pods"), ("", "endpoints"), *PLAN.resources)):
        for resource in rule["resources"]:
            verbs.setdefault(resource, set()).update(rule["verbs"])
    assert verbs["nodes"] == {"get", "list", "watch"}
    assert verbs["pods"] == {"get", "list", "watch"}
    assert verbs["endpoints"] == {"get", "list", "watch"}


def test_access_to_pods_is_granted_only_where_it_is_switched_on() -> None:
    """On both sides, and the syncer is told."""
    for tunnel in (True, False):
        role = next(each for each in upstream_objects("id", TARGET, "default", tunnel=tunnel) if "rules" in each)
        assert role_lets_tunnel(role) is tunnel
        below = downstream_objects(replace(PLAN, tunnel=tunnel))
        names = {
            name: set(rule["verbs"])
            for rules in (role["rules"], *(each["rules"] for each in below if "rules" in each))
            for rule in rules
            for name in rule.get("resources", ())
            if "/" in name and name != "synctargets/status"
        }
        connect = {"create", "get"}
        assert names == (
            {
                "synctargets/tunnel": {"get"}, "pods/log": {"get"}, "pods/exec": connect, "pods/attach": connect,
                "pods/portforward": connect,
            }
            if tunnel
            else {}
        )  # fmt: skip
        arguments = below[-1]["spec"]["template"]["spec"]["containers"][0]["args"]
        assert ("--tunnel" if tunnel else "--no-tunnel") in arguments


def test_rights_are_those_that_the_syncer_asks_for() -> None:
    """None is missing when it looks, and none is there that it never uses."""
    granted = {verb for rule in needed_rules(PLAN.resources) for verb in rule["verbs"]}
    assert granted == set(NEEDED_VERBS)


def test_rights_follow_what_the_pcluster_takes() -> None:
    """What it can't take gives none, what only the rights are missing for does."""
    entries = [
        {"group": "apps", "resource": "deployments", "versions": ["v1"], "state": "Accepted"},
        {"resource": "services", "versions": ["v1"], "state": "Pending"},
        {"resource": "late", "versions": ["v1"], "state": "Incompatible", "message": "the syncer lacks get on it"},
        {"resource": "gone", "versions": ["v1"], "state": "Incompatible", "message": "not served by the pcluster"},
    ]
    target = {**TARGET, "status": {"syncedResources": entries}}
    assert resources_of(target) == (("apps", "deployments"), ("", "services"), ("", "late"))
    assert resources_of(TARGET) == ()


def test_renewed_manifests_leave_credentials_alone() -> None:
    plan = replace(PLAN, resources=(*PLAN.resources, ("wildwest.dev", "cowboys")))
    kinds = [obj["kind"] for obj in renewed_objects(plan, only_role=False)]
    assert kinds == [
        "Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "Deployment"
    ]  # fmt: skip
    (role,) = renewed_objects(plan, only_role=True)
    assert role["metadata"]["name"] == PLAN.syncer_id
    assert any("cowboys" in rule["resources"] for rule in role["rules"])
    assert "secret-token" not in yamlio.dump_all(renewed_objects(plan, only_role=False))


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


def test_the_identity_is_bound_with_the_uid() -> None:
    """The same rights as an account would get, for the syncer of this one SyncTarget as it is now."""
    role, binding = identity_objects("id", TARGET)
    assert role == upstream_objects("id", TARGET, "default")[1]
    user = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "system:kcp:syncer:abc:east:u1"}
    assert binding["subjects"] == [user]
    assert {obj["metadata"]["ownerReferences"][0]["uid"] for obj in (role, binding)} == {"u1"}


def test_a_syncer_that_keeps_its_credential_may_write_one_secret() -> None:
    objects = downstream_objects(replace(PLAN, keeps_credentials=True))
    role = next(obj for obj in objects if obj["kind"] == "Role" and obj["metadata"]["name"].endswith("-credentials"))
    only = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["kcp-syncer-east-x-credentials"]}
    assert role["rules"] == [{**only, "verbs": ["get", "patch", "update"]}]
    kept = next(
        obj for obj in objects if obj["kind"] == "Secret" and obj["metadata"]["name"] == only["resourceNames"][0]
    )
    assert "data" not in kept, "applying it again leaves the credential alone"
    arguments = objects[-1]["spec"]["template"]["spec"]["containers"][0]["args"]
    assert "--credentials-secret=kcp-syncer-east-x-credentials" in arguments
    assert "--lease-namespace=$(NAMESPACE)" in arguments, "it also leads or stands by"
