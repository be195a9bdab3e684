"""What goes down, and what comes up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, deep_copy
from headwater.syncer.mutate.body import GENERATION_ANNOTATION, HASH_ANNOTATION, downstream_body
from headwater.syncer.mutate.drift import contains, is_applied
from headwater.syncer.mutate.names import downstream_name, upstream_name
from headwater.syncer.mutate.status import upstream_status

CONFIG_MAPS = GroupResource("", "configmaps")
SECRETS = GroupResource("", "secrets")
POLICIES = GroupResource("networking.k8s.io", "networkpolicies")
DEPLOYMENTS = GroupResource("apps", "deployments")


@pytest.mark.parametrize(
    ("resource", "upstream", "downstream"),
    [
        (CONFIG_MAPS, "kube-root-ca.crt", "kcp-root-ca.crt"),
        (CONFIG_MAPS, "kcp-root-ca.crt", "kcp-kcp-root-ca.crt"),
        (CONFIG_MAPS, "kcp-kcp-root-ca.crt", "kcp-kcp-kcp-root-ca.crt"),
        (CONFIG_MAPS, "root-ca.crt", "root-ca.crt"),
        (CONFIG_MAPS, "settings", "settings"),
        (SECRETS, "default-token-x1", "kcp-default-token-x1"),
        (SECRETS, "kcp-default-token-x1", "kcp-kcp-default-token-x1"),
        (SECRETS, "kcp-default-tokens", "kcp-default-tokens"),
        (SECRETS, "kube-root-ca.crt", "kube-root-ca.crt"),
        (DEPLOYMENTS, "default-token-x1", "default-token-x1"),
        (POLICIES, "kcp-tenant-isolation", "kcp-kcp-tenant-isolation"),
        (POLICIES, "kcp-kcp-tenant-isolation", "kcp-kcp-kcp-tenant-isolation"),
        (POLICIES, "x-kcp-tenant-isolation", "x-kcp-tenant-isolation"),
        (POLICIES, "kcp-allow", "kcp-allow"),
        (CONFIG_MAPS, "kcp-tenant-isolation", "kcp-tenant-isolation"),
    ],
)
def test_names_differ_where_the_pcluster_has_its_own(resource: GroupResource, upstream: str, downstream: str) -> None:
    assert downstream_name(resource, upstream) == downstream
    assert upstream_name(resource, downstream) == upstream


UPSTREAM: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        "name": "web",
        "namespace": "shop",
        "uid": "u",
        "resourceVersion": "5",
        "generation": 3,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "ownerReferences": [{"kind": "X"}],
        "finalizers": ["workload.kcp.io/syncer-KEY"],
        "managedFields": [{}],
        "labels": {"app": "web", "state.workload.kcp.io/KEY": "Sync", "state.workload.kcp.io/OTHER": "Sync"},
        "annotations": {
            "note": "mine",
            "kcp.io/cluster": "2x8k",
            "kcp.io/path": "root:a",
            "deletion.internal.workload.kcp.io/OTHER": "2026-01-01T00:00:00Z",
            "finalizers.workload.kcp.io/OTHER": "x",
            "diff.syncer.internal.kcp.io/KEY": "{}",
            "experimental.spec-diff.workload.kcp.io/OTHER": "[]",
            "internal.workload.kcp.io/workspace-url": "https://x",
            "internal.workload.kcp.io/traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
        },
    },
    "spec": {
        "replicas": 2,
        "template": {"spec": {"serviceAccountName": "robot", "serviceAccount": "robot", "containers": [{"name": "c"}]}},
    },
    "status": {"replicas": 2},
}


def test_what_goes_down() -> None:
    """Nothing of the control plane's bookkeeping, of other targets, or of the server's own fields goes down."""
    before = deep_copy(UPSTREAM)
    body = downstream_body(UPSTREAM, DEPLOYMENTS, key="KEY", namespace="kcp-abc")
    digest = body["metadata"]["annotations"].pop(HASH_ANNOTATION)
    assert body == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "web",
            "namespace": "kcp-abc",
            "labels": {"app": "web", "internal.workload.kcp.io/cluster": "KEY"},
            "annotations": {"note": "mine", GENERATION_ANNOTATION: "3"},
        },
        "spec": {
            "replicas": 2,
            "template": {
                "metadata": {"labels": {"state.workload.kcp.io/KEY": "Upsync"}},
                "spec": {"automountServiceAccountToken": False, "containers": [{"name": "c"}]},
            },
        },
    }
    assert len(digest) == 32
    assert before == UPSTREAM


def test_hash_changes_with_what_goes_down_only() -> None:
    def digest(obj: Object) -> str:
        body = downstream_body(obj, DEPLOYMENTS, key="KEY", namespace="n")
        return str(body["metadata"]["annotations"][HASH_ANNOTATION])

    same = {**UPSTREAM, "status": {}, "metadata": {**UPSTREAM["metadata"], "resourceVersion": "6", "uid": "v"}}
    other = {**UPSTREAM, "spec": {"replicas": 3}}
    assert digest(same) == digest(UPSTREAM)
    assert digest(other) != digest(UPSTREAM)


def test_cluster_scoped_objects_carry_their_locator() -> None:
    volume: Object = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v"}, "spec": {}}
    body = downstream_body(volume, GroupResource("", "persistentvolumes"), key="K", namespace="", locator="LOC")
    assert body["metadata"]["annotations"]["kcp.io/namespace-locator"] == "LOC"
    assert "namespace" not in body["metadata"]


def test_token_secrets_become_plain() -> None:
    """The pcluster would delete a token of a service account that it doesn't know."""
    secret: Object = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/service-account-token",
        "metadata": {
            "name": "t",
            "annotations": {"kubernetes.io/service-account.name": "a", "kubernetes.io/service-account.uid": "u"},
        },
        "data": {"token": "eA=="},
    }
    body = downstream_body(secret, SECRETS, key="K", namespace="n")
    assert body["type"] == "Opaque"
    assert set(body["metadata"]["annotations"]) == {HASH_ANNOTATION}
    assert body["data"] == {"token": "eA=="}


@pytest.mark.parametrize(
    ("manual", "selector", "labels"),
    [
        pytest.param(False, None, {"app": "mine"}, id="generated"),
        pytest.param(
            True,
            {"matchLabels": {"job-name": "x"}},
            {"app": "mine", "job-name": "x", "controller-uid": "up"},
            id="manual",
        ),
    ],
)
def test_jobs_get_their_selector_downstream(manual: bool, selector: Object | None, labels: Object) -> None:
    """A pcluster refuses a Job whose selector names the uid that it has upstream."""
    template: Object = {"metadata": {"labels": {"app": "mine", "job-name": "x", "controller-uid": "up"}}}
    spec: Object = {"selector": {"matchLabels": {"job-name": "x"}}, "template": template, "manualSelector": manual}
    job: Object = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "x"}, "spec": spec}
    before = deep_copy(job)
    body = downstream_body(job, GroupResource("batch", "jobs"), key="K", namespace="n")
    assert body["spec"].get("selector") == selector
    assert body["spec"]["template"]["metadata"]["labels"] == {**labels, "state.workload.kcp.io/K": "Upsync"}
    assert job == before


@pytest.mark.parametrize(
    ("live", "wanted", "answer"),
    [
        pytest.param({"a": 1, "b": 2}, {"a": 1}, True, id="grown"),
        pytest.param({"a": 2}, {"a": 1}, False, id="changed"),
        pytest.param({}, {"a": 1}, False, id="removed"),
        pytest.param({}, {"a": {}, "b": [], "c": None}, True, id="empty is absent"),
        pytest.param([{"n": 1, "d": 0}], [{"n": 1}], True, id="defaulted item"),
        pytest.param({"env": [{"n": 2}, {"n": 1}]}, {"env": [{"n": 1}]}, True, id="item of another owner"),
        pytest.param({"env": [{"n": 2}]}, {"env": [{"n": 1}]}, False, id="lost item of a shared list"),
        pytest.param({"args": ["-a", "x", "-b"]}, {"args": ["-a", "x"]}, False, id="grown arguments"),
        pytest.param({"args": ["-b", "-a"]}, {"args": ["-a", "-b"]}, False, id="other order"),
        pytest.param({"rules": [{"h": 1}, {"h": 2}]}, {"rules": [{"h": 1}]}, False, id="grown list that is one value"),
        pytest.param({"podSelector": {"app": "x"}}, {"podSelector": {}}, False, id="narrower selector"),
        pytest.param({"selector": {"a": "1", "b": "2"}}, {"selector": {"a": "1"}}, False, id="selector with one more"),
        pytest.param({"nodeSelector": None}, {"nodeSelector": {}}, True, id="no selector"),
        pytest.param({"name": "v", "hostPath": {}}, {"name": "v", "emptyDir": {}}, False, id="another volume"),
        pytest.param([{"n": 2}], [{"n": 1}], False, id="lost item"),
        pytest.param("x", ["x"], False, id="other type"),
        pytest.param(1, {"a": 1}, False, id="no object"),
    ],
)
def test_containment(live: object, wanted: object, answer: bool) -> None:
    assert contains(live, wanted) is answer


JSON = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=12,
)


@given(JSON)
def test_everything_contains_itself(value: object) -> None:
    """An object that the server returns as it was sent is never taken for drifted."""
    assert contains(value, value)


def test_drift() -> None:
    body = downstream_body(UPSTREAM, DEPLOYMENTS, key="KEY", namespace="n")
    live = deep_copy(body)
    live["status"] = {"replicas": 1}
    live["metadata"]["uid"] = "d"
    assert is_applied(live, body)
    live["spec"]["replicas"] = 7
    assert not is_applied(live, body)
    other = deep_copy(body)
    other["metadata"]["annotations"][HASH_ANNOTATION] = "older"
    assert not is_applied(other, body)


@pytest.mark.parametrize(
    ("observed", "generation", "applied", "reported"),
    [
        pytest.param(4, 4, "7", 7, id="seen the newest"),
        pytest.param(3, 4, "7", 6, id="not yet"),
        pytest.param(1, 2, "0", 0, id="never below zero"),
        pytest.param(4, 4, "", 4, id="applied by an older syncer"),
    ],
)
def test_observed_generation_is_translated(observed: int, generation: int, applied: str, reported: int) -> None:
    """`kubectl rollout status` upstream compares with the upstream generation."""
    copy: Object = {
        "metadata": {"generation": generation, "annotations": {GENERATION_ANNOTATION: applied}},
        "status": {
            "observedGeneration": observed,
            "conditions": [{"type": "A", "observedGeneration": observed}, "odd"],
        },
    }
    status = upstream_status(copy)
    assert status is not None
    assert status["observedGeneration"] == reported
    assert status["conditions"][0]["observedGeneration"] == reported
    assert copy["status"]["observedGeneration"] == observed


def test_no_status() -> None:
    assert upstream_status({"metadata": {}}) is None
    assert upstream_status({"metadata": {}, "status": {}}) is None
