"""Fields of Placements and Locations that no schema can check: each refusal names the field."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.apis.placement.v1alpha1.validation import location_problems, placement_problems

NO_VALUES = {"matchExpressions": [{"key": "region", "operator": "In"}]}
NO_OPERATOR = {"matchExpressions": [{"key": "region", "operator": "Like", "values": ["x"]}]}
NO_KEY = {"matchLabels": {"a b": "c"}}


def tolerating(**toleration: Any) -> dict[str, Any]:
    return {"tolerations": [toleration]}


def preferring(selector: dict[str, Any]) -> dict[str, Any]:
    return {"preferences": [{"weight": 1, "syncTargetSelector": selector}]}


REFUSED = {
    "workloads": ({"workloadSelector": NO_VALUES}, "spec.workloadSelector.matchExpressions[0].values"),
    "namespaces": ({"namespaceSelector": NO_OPERATOR}, "spec.namespaceSelector.matchExpressions[0].operator"),
    "locations": ({"locationSelector": {"names": ["east"], **NO_KEY}}, "spec.locationSelector.matchLabels"),
    "sync-targets": ({"syncTargetSelector": NO_VALUES}, "spec.syncTargetSelector.matchExpressions[0].values"),
    "preference": (preferring(NO_KEY), "spec.preferences[0].syncTargetSelector.matchLabels"),
    "spread-by-no-label": ({"spread": [{"by": "label", "label": "a b"}]}, "spec.spread[0].label"),
    "spread-label-of-cells": ({"spread": [{"by": "cell", "label": "zone"}]}, "spec.spread[0].label"),
    "toleration-key": (tolerating(key="a b", operator="Exists"), "spec.tolerations[0].key"),
    "toleration-of-all-values": (tolerating(operator="Equal"), "spec.tolerations[0].operator"),
    "toleration-by-default": (tolerating(effect="NoSchedule"), "spec.tolerations[0].operator"),
    "toleration-value": (tolerating(key="gpu", value="a b"), "spec.tolerations[0].value"),
    "toleration-exists-value": (tolerating(key="gpu", operator="Exists", value="a"), "spec.tolerations[0].value"),
    "toleration-for-all-effects": (tolerating(key="gpu", tolerationSeconds=5), "spec.tolerations[0].effect"),
    "toleration-of-schedule": (
        tolerating(key="gpu", effect="NoSchedule", tolerationSeconds=5),
        "spec.tolerations[0].effect",
    ),
}


@pytest.mark.parametrize(("spec", "field"), REFUSED.values(), ids=REFUSED)
def test_the_field_is_named(spec: dict[str, Any], field: str) -> None:
    assert {each.field for each in placement_problems(spec, {})} == {field}
    assert placement_problems(spec, spec) == [], "what was there before is not judged again"


TAKEN = {
    "nothing": {},
    "all": {"workloadSelector": None, "namespaceSelector": {}, "locationSelector": {"names": ["east", "west"]}},
    "expression": {"namespaceSelector": {"matchExpressions": [{"key": "a/b", "operator": "NotIn", "values": [""]}]}},
    "spread": {"spread": [{"by": "label", "label": "example.org/zone"}, {"by": "cell"}]},
    "tolerate-everything": tolerating(operator="Exists"),
    "tolerate-for-a-time": tolerating(key="gpu", value="a100", effect="NoExecute", tolerationSeconds=0),
}


@pytest.mark.parametrize("spec", TAKEN.values(), ids=TAKEN)
def test_what_is_right_passes(spec: dict[str, Any]) -> None:
    assert placement_problems(spec, {}) == []


def test_instances_of_a_location() -> None:
    assert [each.field for each in location_problems({"instanceSelector": NO_VALUES}, {})] == [
        "spec.instanceSelector.matchExpressions[0].values"
    ]
    assert location_problems({"instanceSelector": NO_VALUES}, {"instanceSelector": NO_VALUES}) == []
    assert location_problems({"instanceSelector": {"matchLabels": {"region": "east"}}}, {}) == []
