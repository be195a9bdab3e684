"""What comes up of a downstream object, and when it has come up already."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.apis.workload.upsync import ENDPOINT_SLICES, ENDPOINTS, PERSISTENT_VOLUMES, PODS, SECRETS
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, deep_copy
from headwater.syncer.mutate.derived import mark_what_is_derived
from headwater.syncer.upsync.body import reports_the_same, says_the_same, upsynced_body, upsynced_status
from headwater.syncer.upsync.outline import pod_outline

LABEL = "state.workload.kcp.io/KEY"
DERIVED = "experimental.workload.kcp.io/upsync-derived-resources"

POD: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "web-0",
        "namespace": "kcp-x",
        "uid": "down",
        "resourceVersion": "42",
        "labels": {"app": "web", LABEL: "Upsync", "internal.workload.kcp.io/cluster": "KEY"},
        "annotations": {"vault.example.io/token": "s3cr3t", "kubectl.kubernetes.io/default-container": "c"},
        "ownerReferences": [{"uid": "rs"}],
        "finalizers": ["example.io/f"],
        "managedFields": [{}],
    },
    "spec": {
        "nodeName": "node-1",
        "serviceAccountName": "robot",
        "volumes": [{"name": "v"}],
        "containers": [
            {
                "name": "c",
                "image": "nginx",
                "command": ["sh", "-c", "token=s3cr3t"],
                "args": ["--password=s3cr3t"],
                "env": [{"name": "A", "value": "s3cr3t"}],
                "envFrom": [{}],
                "ports": [{"containerPort": 80}],
                "livenessProbe": {"exec": {"command": ["s3cr3t"]}},
            }
        ],
    },
    "status": {"phase": "Running", "podIP": "10.0.0.1"},
}


def up(obj: Object, resource: GroupResource, namespace: str = "web", name: str = "web-0", job_uid: str = "") -> Object:
    """The upstream body; downstream namespace `kcp-x` is `web`, and no other is ours."""
    return upsynced_body(
        obj,
        resource,
        key="KEY",
        namespace=namespace,
        name=name,
        namespace_of=lambda space: {"kcp-x": "web"}.get(space, ""),
        job_uid=job_uid,
    )


@pytest.mark.parametrize(
    ("mine", "job_uid", "shown"),
    [
        pytest.param({"controller-uid": "below"}, "above", {"controller-uid": "above"}, id="of a Job upstream"),
        pytest.param({"controller-uid": "below"}, "", {"controller-uid": "below"}, id="of none"),
        pytest.param({"app": "x"}, "above", {"app": "x"}, id="by another selector"),
    ],
)
def test_a_pod_names_its_job_upstream(mine: dict[str, str], job_uid: str, shown: dict[str, str]) -> None:
    pod = {**POD, "metadata": {**POD["metadata"], "labels": mine}}
    assert up(pod, PODS, job_uid=job_uid)["metadata"]["labels"] == {**shown, "state.workload.kcp.io/KEY": "Upsync"}


def test_a_pod_comes_up_without_what_could_be_secret() -> None:
    before = deep_copy(POD)
    body = up(POD, PODS)
    assert before == POD
    assert body == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "web-0",
            "namespace": "web",
            "labels": {"app": "web", LABEL: "Upsync"},
            "annotations": {"kubectl.kubernetes.io/default-container": "c", "workload.kcp.io/rv": "42"},
            "finalizers": ["workload.kcp.io/syncer-KEY"],
        },
        "spec": {
            "nodeName": "node-1",
            "containers": [{"name": "c", "image": "nginx", "ports": [{"containerPort": 80}]}],
        },
    }
    assert "s3cr3t" not in str(body)
    assert upsynced_status(POD) == {"phase": "Running", "podIP": "10.0.0.1"}


def test_an_outline_is_its_own_outline() -> None:
    """An informer keeps outlines, of which the body is made."""
    assert pod_outline(pod_outline(POD)) == pod_outline(POD)
    assert up(pod_outline(POD), PODS) == up(POD, PODS)
    assert upsynced_status({"metadata": {}, "status": {}}) is None


def reference(space: str) -> Object:
    return {"kind": "Pod", "name": "web-0", "namespace": space, "uid": "down"}


MAPPED: Object = {"kind": "Pod", "name": "web-0", "namespace": "web"}
REFERENCES: dict[str, tuple[GroupResource, Object, Object]] = {
    "endpoints": (
        ENDPOINTS,
        {
            "subsets": [
                {"addresses": [{"ip": "1", "targetRef": reference("kcp-x")}], "notReadyAddresses": [{"ip": "2"}]}
            ]
        },
        {"subsets": [{"addresses": [{"ip": "1", "targetRef": MAPPED}], "notReadyAddresses": [{"ip": "2"}]}]},
    ),
    "slices": (
        ENDPOINT_SLICES,
        {"endpoints": [{"targetRef": reference("kcp-x")}, {"targetRef": reference("elsewhere")}]},
        {"endpoints": [{"targetRef": MAPPED}, {}]},
    ),
    "volume": (
        PERSISTENT_VOLUMES,
        {"spec": {"claimRef": {"name": "data", "namespace": "kcp-x", "uid": "u", "resourceVersion": "1"}}},
        {"spec": {"claimRef": {"name": "data", "namespace": "web"}}},
    ),
    "secret": (SECRETS, {"data": {"a": "Yg=="}, "type": "Opaque"}, {"data": {"a": "Yg=="}, "type": "Opaque"}),
    "nothing": (ENDPOINTS, {"subsets": None}, {"subsets": None}),
}


@pytest.mark.parametrize(("resource", "fields", "expected"), REFERENCES.values(), ids=REFERENCES)
def test_references_read_as_upstream(resource: GroupResource, fields: Object, expected: Object) -> None:
    meta = {"name": "o", "labels": {LABEL: "Upsync"}, "annotations": {"kcp.io/namespace-locator": "{}", "a": "b"}}
    body = up({"apiVersion": "v1", "kind": "K", "metadata": meta, **fields}, resource, name="o")
    assert {
        field: value for field, value in body.items() if field not in ("apiVersion", "kind", "metadata")
    } == expected
    assert body["metadata"]["annotations"] == {"a": "b", "workload.kcp.io/rv": ""}
    assert "finalizers" not in body["metadata"]


def test_an_object_may_bring_its_own_diff() -> None:
    note = "internal.workload.kcp.io/upsyncdiffKEY"
    meta = {"name": "pv", "annotations": {note: "[]", "internal.workload.kcp.io/upsyncdiffOTHER": "[]"}}
    body = up({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": meta}, PERSISTENT_VOLUMES, namespace="")
    assert body["metadata"]["annotations"] == {note: "[]", "workload.kcp.io/rv": ""}
    assert "namespace" not in body["metadata"]


def stored(**changes: Any) -> Object:
    """The pod as the control plane has it: with what it fills in."""
    found = up(POD, PODS)
    found["metadata"]["annotations"] = {
        **found["metadata"]["annotations"],
        "kcp.io/cluster": "c",
        "workload.kcp.io/rv": "1",
    }
    found["spec"] = {**found["spec"], "dnsPolicy": "ClusterFirst"}
    found["status"] = {"phase": "Running", "podIP": "10.0.0.1", "qosClass": "BestEffort"}
    return {**found, **changes}


def test_what_the_control_plane_fills_in_is_no_difference() -> None:
    assert says_the_same(stored(), up(POD, PODS), PODS)
    assert reports_the_same(stored(), POD["status"])


def test_differences_of_a_pod() -> None:
    body = up(POD, PODS)
    meta = stored()["metadata"]
    assert not says_the_same(stored(metadata={**meta, "labels": {**meta["labels"], "more": "1"}}), body, PODS)
    assert not says_the_same(stored(metadata={**meta, "annotations": {}}), body, PODS)
    assert not says_the_same(stored(metadata={**meta, "finalizers": []}), body, PODS)
    two = [*body["spec"]["containers"], {"name": "d"}]
    assert not says_the_same(stored(spec={**body["spec"], "containers": two}), body, PODS)
    assert not says_the_same(stored(spec={}), body, PODS)
    assert not reports_the_same(stored(status={"phase": "Running", "podIP": "10.0.0.1", "message": "x"}), POD["status"])
    assert not reports_the_same(stored(status=None), POD["status"])


def test_endpoints_are_compared_exactly() -> None:
    """An address that is there no longer must not stay upstream."""
    meta = {"name": "web-0", "labels": {LABEL: "Upsync"}}
    base = {"apiVersion": "v1", "kind": "Endpoints", "metadata": meta}
    body = up({**base, "subsets": [{"addresses": [{"ip": "1"}]}]}, ENDPOINTS)
    assert says_the_same(body, body, ENDPOINTS)
    more = [{"addresses": [{"ip": "1"}], "notReadyAddresses": [{"ip": "2"}]}]
    assert not says_the_same({**body, "subsets": more}, body, ENDPOINTS)
    none = up({**base, "subsets": None}, ENDPOINTS)
    assert says_the_same({**none, "subsets": []}, none, ENDPOINTS)


def test_templates_and_asking_services_are_marked() -> None:
    template: Object = {"metadata": None, "spec": {}}
    body: Object = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"labels": {}},
        "spec": {"template": template},
    }
    mark_what_is_derived(body, "KEY")
    assert template["metadata"]["labels"] == {LABEL: "Upsync"}
    assert body["metadata"]["labels"] == {}
    for kind, notes, marked in (
        ("Service", {DERIVED: "endpoints"}, True),
        ("Service", {}, False),
        ("ConfigMap", {DERIVED: "endpoints"}, False),
    ):
        body = {"apiVersion": "v1", "kind": kind, "metadata": {"labels": {}, "annotations": notes}}
        mark_what_is_derived(body, "KEY")
        assert (LABEL in body["metadata"]["labels"]) is marked
    bare: Object = {"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {}}, "spec": {}}
    mark_what_is_derived(bare, "KEY")
    assert bare["metadata"] == {"labels": {}}
