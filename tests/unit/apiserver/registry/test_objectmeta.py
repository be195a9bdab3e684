"""Rules of ObjectMeta."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.apiserver.registry.objectmeta import metadata_errors
from headwater.apiserver.resources import ResourceInfo

INFO = ResourceInfo(group="g.io", version="v1", resource="things", kind="Thing", namespaced=True)
OWNER = {"apiVersion": "v1", "kind": "K", "name": "n", "uid": "u"}


def errors(old: dict[str, Any] | None = None, **meta: Any) -> list[str]:
    before = None if old is None else {"metadata": {"name": "a", **old}}
    return [str(error) for error in metadata_errors(INFO, {"metadata": {"name": "a", **meta}}, before)]


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        pytest.param({}, "", id="fine"),
        pytest.param(
            {"labels": {"a": "b"}, "annotations": {"X.io/Y": "any text"}, "finalizers": ["a.io/b"]}, "", id="all"
        ),
        pytest.param(
            {"labels": {"a": 1}}, "metadata.labels.a: Invalid value: 1: must be of type string", id="label type"
        ),
        pytest.param({"labels": []}, "", id="empty labels of any type"),
        pytest.param({"labels": ["a"]}, "metadata.labels: Invalid value", id="labels as list"),
        pytest.param({"labels": {"a": "b c"}}, "a valid label must be an empty string or consist of", id="label value"),
        pytest.param({"annotations": {"a b": "c"}}, "metadata.annotations: Invalid value", id="annotation key"),
        pytest.param({"annotations": {"a": None}}, "must be of type string", id="annotation null"),
        pytest.param(
            {"annotations": {"a": "x" * 300_000}}, "may not be more than 262144 bytes", id="annotations too long"
        ),
        pytest.param({"finalizers": "a"}, "must be of type array", id="finalizers as text"),
        pytest.param({"finalizers": [1]}, "must be of type string", id="finalizer as number"),
        pytest.param({"finalizers": ["a b"]}, "metadata.finalizers: Invalid value", id="finalizer name"),
        pytest.param({"finalizers": ["orphan", "foregroundDeletion"]}, "cannot be both set", id="both propagations"),
        pytest.param({"ownerReferences": [OWNER]}, "", id="owner"),
        pytest.param({"ownerReferences": {}}, "", id="no owners"),
        pytest.param({"ownerReferences": {"a": 1}}, "must be an array of objects", id="owners as object"),
        pytest.param({"ownerReferences": [OWNER | {"uid": ""}]}, "uid must not be empty", id="owner without uid"),
        pytest.param(
            {"ownerReferences": [OWNER | {"apiVersion": ""}]}, "version must not be empty", id="owner version"
        ),
        pytest.param(
            {"ownerReferences": [OWNER | {"controller": True}, OWNER | {"controller": True, "name": "m"}]},
            "Only one reference can have Controller set to true. Found K/n and K/m",
            id="two controllers",
        ),
    ],
)
def test_errors(meta: dict[str, Any], expected: str) -> None:
    """Each rule in Kubernetes' words."""
    found = errors(**meta)
    if expected:
        assert any(expected in error for error in found), found
    else:
        assert found == []


def test_unchanged_parts_are_not_looked_at_again() -> None:
    """What was stored once doesn't stop an update of something else."""
    wrong = {"labels": {"a": "b c"}, "finalizers": ["a b"], "ownerReferences": [{}]}
    assert errors(wrong, **wrong) == []
    assert errors({"labels": {"a": "b"}}, **wrong) != []
