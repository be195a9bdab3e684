"""What a syncer may write upstream, and how it may change it on the way."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.apis.workload.upsync import EVENTS, PODS, SECRETS, asks_for, asks_for_any, may_come_up
from headwater.machinery.errors import BadRequest, Forbidden
from headwater.machinery.gvk import GroupResource
from headwater.virtual.upsyncer.diff import transformed
from headwater.virtual.upsyncer.rules import check_written

LABEL = "state.workload.kcp.io/mine"
OTHER = "state.workload.kcp.io/other"
DIFF = "internal.workload.kcp.io/upsyncdiffmine"


def pod(labels: dict[str, str] | None = None, **meta: Any) -> dict[str, Any]:
    marks = {LABEL: "Upsync", "app": "web"} if labels is None else labels
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n", "labels": marks, **meta}}


ACCEPTED: dict[str, tuple[dict[str, Any] | None, dict[str, Any]]] = {
    "new": (None, pod()),
    "own-finalizer": (None, pod(finalizers=["workload.kcp.io/syncer-mine"])),
    "own-annotations": (None, pod(annotations={"workload.kcp.io/rv": "7", DIFF: "[]", "example.io/a": "b"})),
    "system-annotation-kept": (pod(annotations={"kcp.io/cluster": "c"}), pod(annotations={"kcp.io/cluster": "c"})),
    "finalizer-of-somebody-kept": (pod(finalizers=["example.io/f"]), pod(finalizers=["example.io/f"])),
}


@pytest.mark.parametrize(("existing", "written"), ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(existing: dict[str, Any] | None, written: dict[str, Any]) -> None:
    check_written(existing, written, key="mine", resource=PODS)


REFUSED: dict[str, tuple[dict[str, Any] | None, dict[str, Any], type[Exception], str]] = {
    "no-label": (None, pod({"app": "web"}), BadRequest, 'does not match labels "app=web"'),
    "sync": (None, pod({LABEL: "Sync"}), BadRequest, "does not match labels"),
    "pending": (None, pod({LABEL: ""}), BadRequest, "does not match labels"),
    "label-removed": (pod(), pod({}), BadRequest, 'state.workload.kcp.io/mine=Upsync" does not match labels ""'),
    "label-changed": (pod(), pod({LABEL: "Sync"}), BadRequest, "does not match labels"),
    "label-of-another": (None, pod({OTHER: "Upsync"}), BadRequest, "does not match labels"),
    "label-of-two": (None, pod({LABEL: "Upsync", OTHER: "Upsync"}), Forbidden, "not for syncers to set"),
    "synced-by-another": (pod(), pod({LABEL: "Upsync", OTHER: "Sync"}), Forbidden, "not for syncers to set"),
    "internal-label": (
        None,
        pod({LABEL: "Upsync", "internal.workload.kcp.io/cluster": "x"}),
        Forbidden,
        r"labels\[internal.workload.kcp.io/cluster\]",
    ),
    "deletion-mark": (
        None,
        pod(annotations={"deletion.internal.workload.kcp.io/other": "now"}),
        Forbidden,
        "not for syncers to set",
    ),
    "summarizing": (
        None,
        pod(annotations={"experimental.summarizing.workload.kcp.io": "[]"}),
        Forbidden,
        "annotations",
    ),
    "diff-of-another": (None, pod(annotations={DIFF + "x": "[]"}), Forbidden, "annotations"),
    "foreign-cluster": (
        pod(annotations={"kcp.io/cluster": "c"}),
        pod(annotations={"kcp.io/cluster": "d"}),
        Forbidden,
        r"annotations\[kcp.io/cluster\]",
    ),
    "finalizer": (None, pod(finalizers=["workload.kcp.io/syncer-other"]), Forbidden, "not the syncer's own"),
    "owner": (None, pod(ownerReferences=[{"uid": "u"}]), Forbidden, "ownerReferences"),
}


@pytest.mark.parametrize(("existing", "written", "error", "match"), REFUSED.values(), ids=REFUSED)
def test_refused(existing: dict[str, Any] | None, written: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        check_written(existing, written, key="mine", resource=PODS)


KINDS: dict[str, tuple[GroupResource, dict[str, Any], str]] = {
    "account-token": (SECRETS, {"type": "kubernetes.io/service-account-token"}, "credential"),
    "bootstrap-token": (SECRETS, {"type": "bootstrap.kubernetes.io/token"}, "credential"),
    "event-elsewhere": (EVENTS, {"involvedObject": {"namespace": "other"}}, "involvedObject.namespace"),
    "event-of-nothing": (EVENTS, {}, "involvedObject.namespace"),
    "event-too-large": (EVENTS, {"involvedObject": {"namespace": "n"}, "message": "m" * 20_000}, "16384 bytes"),
}


@pytest.mark.parametrize(("resource", "fields", "match"), KINDS.values(), ids=KINDS)
def test_refused_by_kind(resource: GroupResource, fields: dict[str, Any], match: str) -> None:
    with pytest.raises(Forbidden, match=match):
        check_written(None, {**pod(), **fields}, key="mine", resource=resource)


def test_a_secret_for_an_account_is_refused() -> None:
    """Whatever its type, now or after an update."""
    with pytest.raises(Forbidden, match="credentials of the control plane"):
        check_written(None, pod(annotations={"kubernetes.io/service-account.name": "a"}), key="mine", resource=SECRETS)


DIFFS = {
    "replace": ('[{"op": "replace", "path": "/spec/a", "value": 2}]', {"a": 2}),
    "add": ('[{"op": "add", "path": "/spec/b", "value": 1}]', {"a": 1, "b": 1}),
    "move": ('[{"op": "move", "from": "/spec/a", "path": "/spec/b"}]', {"b": 1}),
    "nothing": ("[]", {"a": 1}),
}


@pytest.mark.parametrize(("patch", "spec"), DIFFS.values(), ids=DIFFS)
def test_a_diff_is_applied_and_forgotten(patch: str, spec: dict[str, int]) -> None:
    changed = transformed({**pod(annotations={DIFF: patch, "keep": "me"}), "spec": {"a": 1}}, "mine")
    assert changed["spec"] == spec
    assert changed["metadata"]["annotations"] == {"keep": "me"}


BAD_DIFFS = {
    "not-json": ("{", "not JSON"),
    "not-a-list": ("{}", "not a JSON patch"),
    "not-operations": ("[1]", "not a JSON patch"),
    "metadata": ('[{"op": "add", "path": "/metadata/labels/a", "value": "b"}]', "cannot be modified"),
    "capitals": ('[{"op": "replace", "path": "/apiVersion", "value": "v2"}]', "cannot be modified"),
    "kind": ('[{"op": "replace", "path": "/kind", "value": "Node"}]', "cannot be modified"),
    "whole": ('[{"op": "replace", "path": "", "value": {}}]', "cannot be modified"),
    "from-metadata": ('[{"op": "copy", "from": "/metadata/uid", "path": "/spec/a"}]', "cannot be modified"),
    "not-a-path": ('[{"op": "add", "path": 1, "value": 1}]', "cannot be modified"),
    "missing": ('[{"op": "remove", "path": "/spec/none"}]', "can't be applied"),
}


@pytest.mark.parametrize(("patch", "match"), BAD_DIFFS.values(), ids=BAD_DIFFS)
def test_a_bad_diff_is_refused(patch: str, match: str) -> None:
    with pytest.raises(BadRequest, match=match):
        transformed({**pod(annotations={DIFF: patch}), "spec": {"a": 1}}, "mine")


def test_without_a_diff_nothing_changes() -> None:
    """The diff of another target is none of ours, and was refused before."""
    assert transformed(pod(), "mine") == pod()


COMING_UP = {
    ("", "pods"): True,
    ("", "endpoints"): True,
    ("", "persistentvolumes"): True,
    ("discovery.k8s.io", "endpointslices"): True,
    ("cert-manager.io", "certificates"): True,
    ("", "services"): False,
    ("", "configmaps"): False,
    ("apps", "replicasets"): False,
    ("networking.k8s.io", "ingresses"): False,
    ("apis.kcp.io", "apibindings"): False,
    ("policy", "poddisruptionbudgets"): False,
}


@pytest.mark.parametrize(("resource", "expected"), COMING_UP.items(), ids=str)
def test_what_may_come_up(resource: tuple[str, str], expected: bool) -> None:
    assert may_come_up(*resource) is expected


def test_asking_for_derived_resources() -> None:
    """Blanks and a missing group are no matter."""
    note = "experimental.workload.kcp.io/upsync-derived-resources"
    slices = GroupResource("discovery.k8s.io", "endpointslices")
    for text in ("endpoints, endpointslices.discovery.k8s.io", "endpointslices"):
        assert asks_for({note: text}, slices)
    assert not asks_for({note: "endpoints"}, slices)
    assert not asks_for({}, slices)
    assert asks_for_any({note: "x"})
    assert not asks_for_any({note: " , "})
