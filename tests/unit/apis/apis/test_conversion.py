"""APIExports and APIBindings travel between their versions without loss."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.apis.apis.conversion import BindingConversion, ExportConversion, is_plain, resource_of_schema
from headwater.machinery.objects import deep_copy

ALL = {"matchAll": True}


def export(**spec: object) -> dict:
    return {"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIExport", "metadata": {"name": "e"}, "spec": spec}


def test_old_export_becomes_resources() -> None:
    """Schema names turn into resources, claims on everything into claims with all verbs."""
    old = {
        "apiVersion": "apis.kcp.io/v1alpha1",
        "kind": "APIExport",
        "metadata": {"name": "e"},
        "spec": {
            "latestResourceSchemas": ["v1.widgets.example.io", "v1.pods.core"],
            "permissionClaims": [{"group": "", "resource": "configmaps", "all": True}],
        },
    }
    converted = deep_copy(old)
    ExportConversion().to_storage(converted)
    assert converted["apiVersion"] == "apis.kcp.io/v1alpha2"
    assert converted["spec"]["resources"] == [
        {"name": "widgets", "group": "example.io", "schema": "v1.widgets.example.io", "storage": {"crd": {}}},
        {"name": "pods", "group": "", "schema": "v1.pods.core", "storage": {"crd": {}}},
    ]
    assert converted["spec"]["permissionClaims"] == [{"group": "", "resource": "configmaps", "verbs": ["*"]}]
    ExportConversion().from_storage(converted)
    assert converted == old


def test_limited_claims_are_hidden_and_come_back() -> None:
    """A claim that v1alpha1 can't say isn't shown there, and is unchanged after the way back."""
    stored = export(
        permissionClaims=[
            {"group": "", "resource": "secrets", "verbs": ["get"]},
            {"group": "", "resource": "configmaps", "verbs": ["*"]},
        ]
    )
    shown = deep_copy(stored)
    ExportConversion().from_storage(shown)
    assert shown["spec"]["permissionClaims"] == [{"group": "", "resource": "configmaps", "all": True}]
    ExportConversion().to_storage(shown)
    assert sorted(shown["spec"]["permissionClaims"], key=lambda claim: claim["resource"]) == [
        {"group": "", "resource": "configmaps", "verbs": ["*"]},
        {"group": "", "resource": "secrets", "verbs": ["get"]},
    ]
    assert "annotations" not in shown["metadata"]


def test_claims_by_name_survive() -> None:
    """A v1alpha1 claim on single objects comes back as it was."""
    old = {
        "apiVersion": "apis.kcp.io/v1alpha1",
        "kind": "APIBinding",
        "metadata": {"name": "b", "annotations": {"mine": "x"}},
        "spec": {
            "reference": {"export": {"name": "e"}},
            "permissionClaims": [
                {"group": "", "resource": "secrets", "resourceSelector": [{"name": "s"}], "state": "Accepted"}
            ],
        },
    }
    converted = deep_copy(old)
    BindingConversion().to_storage(converted)
    assert converted["spec"]["permissionClaims"][0]["selector"] == ALL
    BindingConversion().from_storage(converted)
    assert converted == old


def test_a_claim_dropped_in_the_old_version_stays_dropped() -> None:
    """Whoever removes a visible claim through v1alpha1 has removed it."""
    stored = export(permissionClaims=[{"group": "", "resource": "a", "verbs": ["*"], "defaultSelector": ALL}])
    ExportConversion().from_storage(stored)
    del stored["spec"]["permissionClaims"]
    ExportConversion().to_storage(stored)
    assert "permissionClaims" not in stored["spec"]


@pytest.mark.parametrize(
    ("schema", "group"), [("v1.widgets.example.io", "example.io"), ("v1.pods.core", ""), ("odd", "")]
)
def test_resource_of_schema(schema: str, group: str) -> None:
    """The group is what follows the resource; core stands for none."""
    resource = resource_of_schema(schema)
    assert resource["group"] == group
    assert is_plain(resource)
    assert not is_plain({**resource, "storage": {"virtual": {}}})


CLAIMS = st.lists(
    st.fixed_dictionaries(
        {
            "group": st.sampled_from(["", "example.io"]),
            "resource": st.sampled_from(["a", "b", "c", "d"]),
            "verbs": st.sampled_from([["*"], ["get"], ["get", "list"]]),
            "selector": st.sampled_from([ALL, {"matchLabels": {"x": "y"}}]),
            "state": st.sampled_from(["Accepted", "Rejected"]),
        }
    ),
    max_size=5,
    unique_by=lambda claim: (claim["group"], claim["resource"]),
)


@given(CLAIMS)
def test_bindings_come_back_unchanged(claims: list[dict]) -> None:
    """From stored to v1alpha1 and back nothing is lost, whatever the claims are."""
    stored = {
        "apiVersion": "apis.kcp.io/v1alpha2",
        "kind": "APIBinding",
        "metadata": {"name": "b"},
        "spec": {"reference": {"export": {"name": "e"}}},
        "status": {"phase": "Bound"},
    }
    if claims:
        stored["spec"]["permissionClaims"] = claims
    there = deep_copy(stored)
    BindingConversion().from_storage(there)
    BindingConversion().to_storage(there)

    def key(claim: dict) -> tuple:
        return claim["group"], claim["resource"]

    assert sorted(there["spec"].get("permissionClaims", []), key=key) == sorted(claims, key=key)
    assert there["metadata"] == stored["metadata"]
