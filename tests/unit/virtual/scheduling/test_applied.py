"""What an applied object would become, before anybody is asked."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.base import jsonio
from headwater.machinery.errors import Invalid
from headwater.virtual.scheduling.applied import applied_to, below, own_part


def placement(spec: dict[str, Any], last: dict[str, Any] | None = None, **labels: str) -> dict[str, Any]:
    meta: dict[str, Any] = {"name": "web"}
    if labels:
        meta["labels"] = labels
    if last is not None:
        meta["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": jsonio.dumps(last).decode()}
    return {"apiVersion": "placement.kcp.io/v1alpha1", "kind": "Placement", "metadata": meta, "spec": spec}


@pytest.mark.parametrize(
    ("live", "last", "given", "expected"),
    [
        ({"a": 1}, None, {"a": 2}, {"a": 2}),
        ({"a": 1, "b": 1}, None, {"a": 2}, {"a": 2, "b": 1}),
        ({"a": 1, "b": 1}, {"a": 1, "b": 1}, {"a": 2}, {"a": 2}),
        ({"a": {"x": 1, "y": 1}}, {"a": {"x": 1}}, {"a": {"z": 1}}, {"a": {"y": 1, "z": 1}}),
        ({"a": [1, 2]}, {"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"x": 1}, "b": 1}, {"a": {"x": 1}}, {}, {"b": 1}),
        ({"a": 1}, {"a": 1, "gone": 1}, {"a": 1}, {"a": 1}),
        ({"a": 1}, {"a": {"x": 1}}, {"a": {"y": 1}}, {"a": {"y": 1}}),
        ({"a": 1}, None, {"a": None}, {}),
    ],
)
def test_three_way(live: Any, last: Any, given: Any, expected: Any) -> None:
    """What was applied before and is not given any more goes, what others set stays: as with `kubectl apply`."""
    before = placement(last, None) if last is not None else None
    assert applied_to(placement(live, before), own_part(placement(given)))["spec"] == expected


def test_an_unreadable_configuration_is_none() -> None:
    """Somebody's annotation must not break a plan."""
    for text in ("nonsense", "[]", "3"):
        live = placement({"a": 1})
        live["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": text}
        assert applied_to(live, own_part(placement({"b": 2})))["spec"] == {"a": 1, "b": 2}


def test_metadata_of_the_system_stays() -> None:
    """An old copy of an object is applied like a manifest: what the system keeps is that of the live one."""
    live = placement({}, None, kept="yes")
    live["metadata"] |= {"uid": "live", "resourceVersion": "7"}
    given = placement({}, None, added="yes")
    given["metadata"] |= {"uid": "old", "resourceVersion": "3", "managedFields": []}
    result = applied_to(live, own_part({**given, "status": {"phase": "Bound"}}))
    assert result["metadata"] == {
        "name": "web",
        "labels": {"kept": "yes", "added": "yes"},
        "uid": "live",
        "resourceVersion": "7",
    }
    assert "status" not in result


def test_fields_are_named_from_the_root_of_the_plan() -> None:
    details = {"name": "web", "causes": [{"field": "spec.targets", "reason": "x", "message": "y"}, {"reason": "z"}]}
    error = below(Invalid("wrong", details=details), "spec.apply[2]")
    assert str(error) == "spec.apply[2]: wrong"
    assert [cause.get("field") for cause in error.causes] == ["spec.apply[2].spec.targets", None]
    assert below(Invalid("wrong"), "spec.apply[0]").details == {}
