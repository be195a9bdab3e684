"""Who pods are downstream, and how clients in them reach their workspace."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.apis.workload.access import account_of, wants_access
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, deep_copy
from headwater.syncer.mutate.body import HASH_ANNOTATION, downstream_body
from headwater.syncer.mutate.pods import (
    NO_ACCOUNT,
    POD_SPEC_PATHS,
    PodAccess,
    PodAccount,
    access_by,
    account_as_applied,
)
from headwater.syncer.mutate.reserved import is_taken, stays_upstream

DEPLOYMENTS = GroupResource("apps", "deployments")
ACCOUNTS = GroupResource("", "serviceaccounts")
SECRETS = GroupResource("", "secrets")
ACCESS = PodAccount(exists=True, access=PodAccess("kcp-access-robot", "hub.example", "6443"))
OURS = [
    {"name": "KUBERNETES_SERVICE_HOST", "value": "hub.example"},
    {"name": "KUBERNETES_SERVICE_PORT", "value": "6443"},
    {"name": "KUBERNETES_SERVICE_PORT_HTTPS", "value": "6443"},
]
MOUNT = {"name": "kcp-api-access", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": True}
VOLUME = {"name": "kcp-api-access", "secret": {"secretName": "kcp-access-robot", "defaultMode": 0o644}}


def workload(pod: Object, kind: tuple[str, str] = ("apps/v1", "Deployment"), **notes: str) -> Object:
    """An object of a kind, in namespace `shop`, with a pod spec."""
    meta = {"name": "x", "namespace": "shop", "annotations": notes}
    obj: Object = {"apiVersion": kind[0], "kind": kind[1], "metadata": meta}
    *path, last = POD_SPEC_PATHS[kind]
    holder = obj
    for part in path:
        holder = holder.setdefault(part, {})
    holder[last] = pod
    return obj


def pods_of(obj: Object, account: PodAccount) -> Any:
    """The pod spec that goes down; the object stays as it is."""
    before = deep_copy(obj)
    body: Any = downstream_body(obj, DEPLOYMENTS, key="K", namespace="kcp-abc", account=account)
    assert obj == before
    for part in POD_SPEC_PATHS[obj["apiVersion"], obj["kind"]]:
        body = body[part]
    return body


@pytest.mark.parametrize("kind", POD_SPEC_PATHS, ids=lambda value: value[1])
def test_every_kind_with_pods(kind: tuple[str, str]) -> None:
    """All containers find the control plane where clients look for it; without access there is no token at all."""
    fields = ("containers", "initContainers", "ephemeralContainers")
    pod = {"serviceAccountName": "robot", **{field: [{"name": field}] for field in fields}}
    given = pods_of(workload(pod, kind), ACCESS)
    assert given == {
        "serviceAccountName": "robot",
        "automountServiceAccountToken": False,
        "volumes": [VOLUME],
        **{field: [{"name": field, "env": OURS, "volumeMounts": [MOUNT]}] for field in fields},
    }
    rest = {field: [{"name": field}] for field in fields}
    kept = {"serviceAccountName": "robot", "automountServiceAccountToken": False, **rest}
    assert pods_of(workload(pod, kind), PodAccount(exists=True)) == kept
    assert pods_of(workload(pod, kind), NO_ACCOUNT) == {"automountServiceAccountToken": False, **rest}


FIELD_REF = {"fieldRef": {"fieldPath": "metadata.namespace"}}


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        pytest.param(
            {"env": [{"name": "A", "value": "1"}]}, {"env": [*OURS, {"name": "A", "value": "1"}]}, id="others follow"
        ),
        pytest.param(
            {
                "env": [
                    {"name": "A", "value": "1"},
                    {"name": "KUBERNETES_SERVICE_PORT", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
                    {"name": "KUBERNETES_SERVICE_HOST", "value": "10.0.0.1"},
                ]
            },
            {"env": [OURS[2], {"name": "A", "value": "1"}, OURS[1], OURS[0]]},
            id="position is kept, value is not",
        ),
        pytest.param(
            {"env": [{"name": "NS", "valueFrom": FIELD_REF}]},
            {"env": [*OURS, {"name": "NS", "value": "shop"}]},
            id="own namespace",
        ),
        pytest.param(
            {"env": [{"name": "P", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
            {"env": [*OURS, {"name": "P", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
            id="other fields",
        ),
        pytest.param(
            {"volumeMounts": [{"name": "own", "mountPath": MOUNT["mountPath"] + "/"}]},
            {"env": OURS, "volumeMounts": [{"name": "own", "mountPath": MOUNT["mountPath"] + "/"}]},
            id="own files stay",
        ),
        pytest.param(
            {"volumeMounts": [{"name": "kcp-api-access", "mountPath": "/elsewhere"}]},
            {"env": OURS, "volumeMounts": [MOUNT]},
            id="our volume is ours",
        ),
    ],
)
def test_containers(container: Object, expected: Object) -> None:
    given = pods_of(workload({"containers": [{"name": "c", **container}]}), ACCESS)
    assert given["containers"] == [{"name": "c", "volumeMounts": [MOUNT], **expected}]


def test_the_namespace_is_the_upstream_one_without_access_too() -> None:
    pod = {"containers": [{"name": "c", "env": [{"name": "NS", "valueFrom": FIELD_REF}]}]}
    assert pods_of(workload(pod), NO_ACCOUNT)["containers"][0]["env"] == [{"name": "NS", "value": "shop"}]


OTHER = {"configMap": {"name": "c"}}


@pytest.mark.parametrize(
    ("sources", "with_access", "without"),
    [
        pytest.param(
            [{"serviceAccountToken": {"path": "t"}}, OTHER],
            [{"secret": {"name": "kcp-access-robot", "items": [{"key": "token", "path": "t"}]}}, OTHER],
            [OTHER],
            id="of the API server",
        ),
        pytest.param(
            [OTHER, {"serviceAccountToken": {"path": "t", "audience": "https://kubernetes.default.svc"}}],
            [OTHER],
            [OTHER],
            id="for an audience",
        ),
        pytest.param([{"serviceAccountToken": {"path": "t", "audience": "vault"}}], None, None, id="nothing else"),
        pytest.param([OTHER], [OTHER], [OTHER], id="none"),
    ],
)
def test_no_token_of_the_pcluster_is_projected(sources: list[Object], with_access: Any, without: Any) -> None:
    """Whatever a tenant asks for, the kubelet is never asked for a token."""
    pod = {"containers": [], "volumes": [{"name": "v", "projected": {"sources": sources, "defaultMode": 256}}]}
    for account, expected in ((ACCESS, with_access), (NO_ACCOUNT, without)):
        found = pods_of(workload(pod), account)["volumes"][0]
        if expected is None:
            assert found == {"name": "v", "emptyDir": {}}
        else:
            assert found == {"name": "v", "projected": {"sources": expected, "defaultMode": 256}}


def test_a_volume_of_our_name_is_replaced() -> None:
    pod = {"containers": [], "volumes": [{"name": "kcp-api-access", "hostPath": {"path": "/"}}, {"name": "own"}]}
    assert pods_of(workload(pod), ACCESS)["volumes"] == [{"name": "own"}, VOLUME]


@pytest.mark.parametrize(
    ("own", "expected"),
    [([], [{"name": "pull"}]), ([{"name": "mine"}], [{"name": "mine"}])],
    ids=["of the account", "of the pods"],
)
def test_secrets_for_images(own: list[Object], expected: list[Object]) -> None:
    """The default account has no copy, so what it gives to pods is given here, as Kubernetes would."""
    account = PodAccount(exists=True, pull_secrets=("pull",))
    assert pods_of(workload({"containers": [], "imagePullSecrets": own}), account)["imagePullSecrets"] == expected


@pytest.mark.parametrize(
    "account",
    [
        pytest.param(ACCESS, id="access"),
        pytest.param(PodAccount(exists=True, pull_secrets=("pull",)), id="none"),
        pytest.param(NO_ACCOUNT, id="by an earlier syncer"),
    ],
)
def test_jobs_stay_what_they_were_made_as(account: PodAccount) -> None:
    """What a Job's copy runs as can be told from it, so that it is never applied in another way."""
    job = workload({"serviceAccountName": "robot", "containers": [{"name": "c"}]}, ("batch/v1", "Job"))
    copy = downstream_body(job, GroupResource("batch", "jobs"), key="K", namespace="n", account=account)
    assert account_as_applied(copy, job) == account


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://hub.example:6443/clusters/abc", "hub.example", "6443"),
        ("https://hub.example/clusters/abc", "hub.example", "443"),
        ("https://[fd00::1]:6443/clusters/abc", "fd00::1", "6443"),
    ],
)
def test_where_the_control_plane_is(url: str, host: str, port: str) -> None:
    assert access_by(url, "s") == PodAccess("s", host, port)


def test_no_address_is_no_access() -> None:
    assert access_by("", "s") is None


@pytest.mark.parametrize(
    ("pod", "note", "account", "wanted"),
    [
        pytest.param({}, "", None, True, id="nobody says no"),
        pytest.param({}, "", {"automountServiceAccountToken": True}, True, id="the account says yes"),
        pytest.param({}, "", {"automountServiceAccountToken": False}, False, id="the account says no"),
        pytest.param({"automountServiceAccountToken": False}, "", None, False, id="the pods say no"),
        pytest.param(
            {"automountServiceAccountToken": True},
            "",
            {"automountServiceAccountToken": False},
            True,
            id="the pods overrule the account",
        ),
        pytest.param({"automountServiceAccountToken": True}, "false", None, False, id="the object says no"),
        pytest.param({}, "no", None, True, id="only false is no"),
    ],
)
def test_who_wants_access(pod: Object, note: str, account: Object | None, wanted: bool) -> None:
    obj = workload({"containers": [], **pod}, **({"workload.kcp.io/workspace-access": note} if note else {}))
    assert wants_access(obj, account) is wanted


def test_whose_account() -> None:
    assert account_of(workload({"serviceAccountName": "robot"})) == "robot"
    assert account_of(workload({"serviceAccount": "old"})) == "old"
    assert account_of(workload({"containers": []})) == "default"
    service: Object = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {}}
    assert account_of(service) is None
    assert wants_access(service, None) is False


def test_accounts_are_names_only() -> None:
    """Downstream an account pulls images, and nothing of its tokens, or of what it may mount, is left."""
    account: Object = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "robot", "annotations": {"kubernetes.io/enforce-mountable-secrets": "true", "a": "b"}},
        "secrets": [{"name": "robot-token-x"}],
        "imagePullSecrets": [{"name": "pull"}],
        "automountServiceAccountToken": True,
    }
    body = downstream_body(account, ACCOUNTS, key="K", namespace="n")
    assert set(body["metadata"]["annotations"]) == {"a", HASH_ANNOTATION}
    assert "secrets" not in body
    assert body["imagePullSecrets"] == [{"name": "pull"}]
    assert body["automountServiceAccountToken"] is False


@pytest.mark.parametrize(
    ("resource", "name", "stays", "taken"),
    [
        (ACCOUNTS, "default", True, False),
        (ACCOUNTS, "kcp-syncer-west-abc", True, False),
        (ACCOUNTS, "robot", False, False),
        (SECRETS, "default", False, False),
        (SECRETS, "kcp-access-robot", False, True),
        (DEPLOYMENTS, "kcp-access-robot", False, False),
    ],
)
def test_names_of_the_pclusters_own(resource: GroupResource, name: str, stays: bool, taken: bool) -> None:
    obj: Object = {"metadata": {"name": name}}
    assert stays_upstream(obj, resource) is stays
    assert is_taken(obj, resource) is taken
