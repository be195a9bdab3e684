"""Names of APIs and the order of versions."""

from __future__ import annotations

import pytest

from headwater.machinery.gvk import (
    GroupKind,
    GroupResource,
    GroupVersion,
    GroupVersionKind,
    GroupVersionResource,
    version_priority,
)


@pytest.mark.parametrize(("text", "parsed"), [("v1", ("", "v1")), ("apps/v1", ("apps", "v1")), ("", ("", ""))])
def test_api_versions(text: str, parsed: tuple[str, str]) -> None:
    """The core group has no slash."""
    version = GroupVersion.parse(text)
    assert version == parsed
    assert str(version) == version.api_version == text


@pytest.mark.parametrize("text", ["a/b/c", "/v1"])
def test_malformed_api_versions(text: str) -> None:
    """More than one slash, or nothing before it, is an error."""
    with pytest.raises(ValueError, match="unexpected GroupVersion string"):
        GroupVersion.parse(text)


def test_text_forms() -> None:
    """Errors and logs print names as Kubernetes does."""
    assert str(GroupResource("apps", "deployments")) == "deployments.apps"
    assert str(GroupResource("", "pods")) == "pods"
    assert GroupResource.parse("ingresses.networking.k8s.io") == ("networking.k8s.io", "ingresses")
    assert str(GroupKind("apps", "Deployment")) == "Deployment.apps"
    assert str(GroupKind("", "Pod")) == "Pod"
    assert str(GroupVersionKind("apps", "v1", "Deployment")) == "apps/v1, Kind=Deployment"
    assert str(GroupVersionResource("apps", "v1", "deployments")) == "deployments.v1.apps"
    assert str(GroupVersionResource("", "v1", "pods")) == "pods.v1"


def test_conversions() -> None:
    """The parts of a kind or resource are at hand."""
    kind = GroupVersionKind.of({"apiVersion": "apps/v1", "kind": "Deployment"})
    assert kind == ("apps", "v1", "Deployment")
    assert (kind.group_kind, kind.group_version, kind.api_version) == (
        ("apps", "Deployment"),
        ("apps", "v1"),
        "apps/v1",
    )
    resource = GroupVersionResource("", "v1", "pods")
    assert (resource.group_resource, resource.group_version, resource.api_version) == (("", "pods"), ("", "v1"), "v1")
    assert GroupVersionResource("apps", "v1", "x").api_version == "apps/v1"
    assert GroupVersionKind.of({}) == ("", "", "")


def test_preferred_versions_come_first() -> None:
    """Stable before beta before alpha, higher before lower, other names last by alphabet."""
    wanted = ["v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v11alpha2", "foo1", "foo10", "v0"]
    shuffled = sorted(wanted)
    assert sorted(shuffled, key=version_priority) == wanted
