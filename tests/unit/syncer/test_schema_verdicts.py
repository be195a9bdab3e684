"""What differences between the schemas of both sides mean for a resource, and how they are told."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.base import jsonio
from headwater.machinery.gvk import GroupVersionResource
from headwater.syncer.schemas.verdict import Verdict, is_kubernetes_own, judge_documents

Object = dict[str, Any]

COWBOYS = GroupVersionResource("wildwest.dev", "v1", "cowboys")
DEPLOYMENTS = GroupVersionResource("apps", "v1", "deployments")
KINDS = {COWBOYS: "Cowboy", DEPLOYMENTS: "Deployment"}


def document(gvr: GroupVersionResource, **spec: Object) -> bytes:
    """An OpenAPI document that describes one kind."""
    gvk = {"group": gvr.group, "version": gvr.version, "kind": KINDS[gvr]}
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": spec}},
        "x-kubernetes-group-version-kind": [gvk],
    }
    return jsonio.dumps({"components": {"schemas": {"one": schema}}})


def verdict(gvr: GroupVersionResource, upstream: bytes, downstream: bytes) -> Verdict:
    return judge_documents(upstream, downstream, {gvr: KINDS[gvr]})[gvr]


TEXT: Object = {"type": "string"}
NUMBER: Object = {"type": "integer"}


def test_what_is_wider_needs_no_word() -> None:
    for gvr in KINDS:
        assert verdict(gvr, document(gvr, a=TEXT), document(gvr, a=TEXT, b=TEXT)) == Verdict()


def test_a_narrower_schema_is_refused_with_its_fields() -> None:
    upstream = document(COWBOYS, mood={**TEXT, "enum": ["calm", "wild"]}, song=TEXT)
    downstream = document(COWBOYS, mood={**TEXT, "enum": ["calm"]})
    assert verdict(COWBOYS, upstream, downstream).refusal == (
        "its schema is narrower than upstream: "
        "spec.mood: enum lacks wild; spec.song: the pcluster does not know this field"
    )


def test_kubernetes_own_kinds_of_an_older_release_are_accepted_with_a_note() -> None:
    """Only objects that use the new field are refused, and by name, so all others may go there."""
    found = verdict(DEPLOYMENTS, document(DEPLOYMENTS, a=TEXT, b=TEXT), document(DEPLOYMENTS, a=TEXT))
    assert found.refusal == ""
    assert found.note.endswith("does not have: spec.b: the pcluster does not know this field")


def test_kubernetes_own_kinds_may_merge_lists_in_another_way() -> None:
    """Releases differ in it; for a custom kind it would change what an apply means."""
    for gvr, refused in ((DEPLOYMENTS, False), (COWBOYS, True)):
        items: Object = {"type": "array", "items": TEXT}
        found = verdict(gvr, document(gvr, a=items), document(gvr, a={**items, "x-kubernetes-list-type": "set"}))
        assert bool(found.refusal) is refused and not found.note


def test_another_type_is_refused_of_any_kind() -> None:
    found = verdict(DEPLOYMENTS, document(DEPLOYMENTS, a=TEXT), document(DEPLOYMENTS, a=NUMBER))
    assert found.refusal == "its schema is narrower than upstream: spec.a: type is integer, not string"


def test_many_differences_are_counted() -> None:
    fields = {f"f{number}": TEXT for number in range(9)}
    found = verdict(COWBOYS, document(COWBOYS, **fields), document(COWBOYS))
    assert found.refusal.endswith("spec.f5: the pcluster does not know this field; and 3 more")


@pytest.mark.parametrize(
    ("upstream", "downstream", "side"),
    [
        pytest.param(document(COWBOYS), b"{}", "the pcluster", id="downstream"),
        pytest.param(b"[]", document(COWBOYS), "the control plane", id="upstream"),
    ],
)
def test_what_is_not_described_is_let_through_with_a_note(upstream: bytes, downstream: bytes, side: str) -> None:
    found = verdict(COWBOYS, upstream, downstream)
    assert found == Verdict(note=f"its schema was not compared: {side} does not describe Cowboy")


def test_custom_kinds_in_groups_of_kubernetes_projects_are_not_kubernetes_own() -> None:
    assert is_kubernetes_own("") and is_kubernetes_own("networking.k8s.io")
    assert not is_kubernetes_own("gateway.networking.k8s.io")
