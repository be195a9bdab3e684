"""Which binding has a rule for a resource."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.apis.workload.coordination import COORDINATION_ANNOTATION, CoordinationRule
from headwater.machinery.gvk import GroupVersionResource
from headwater.reconcilers.scheduling.coordination import rule_in

BOATS = GroupVersionResource("example.org", "v1", "boats:abc")
RULE = '[{"group": "example.org", "resource": "boats", "replicasPath": "spec.size"}]'


def binding(text: str | None, identity: str = "abc") -> dict[str, Any]:
    notes = {} if text is None else {COORDINATION_ANNOTATION: text}
    bound = [{"group": "example.org", "resource": "boats", "schema": {"identityHash": identity}}]
    return {"metadata": {"name": "things", "annotations": notes}, "status": {"boundResources": bound}}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (binding(RULE), True),
        (binding(RULE, "another"), False),
        (binding(RULE.replace("boats", "rafts")), False),
        (binding("[{"), False),
        (binding(" " * 20_000), False),
        (binding(None), False),
        ({"metadata": {"annotations": {COORDINATION_ANNOTATION: RULE}}}, False),
    ],
    ids=["bound", "of another export", "for another resource", "unreadable", "too long", "without", "not yet bound"],
)
def test_rule_in(given: dict[str, Any], found: object) -> None:
    """Only an export's own rule for its own resource counts; what can't be read is as if it weren't there."""
    rule = rule_in(given, BOATS)
    assert rule == (CoordinationRule("example.org", "boats", ("size",)) if found else None)
