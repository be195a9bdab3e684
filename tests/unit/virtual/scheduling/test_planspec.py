"""The body of a plan is checked to the last field."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.machinery.errors import BadRequest, Invalid
from headwater.virtual.scheduling.planspec import PlanSpec, parse_plan

PLACEMENT = {"apiVersion": "placement.kcp.io/v1alpha1", "kind": "Placement", "metadata": {"name": "web"}}
TARGET = {"apiVersion": "sync.kcp.io/v1alpha1", "kind": "SyncTarget", "metadata": {"name": "east"}}


def body(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "placement.kcp.io/v1alpha1", "kind": "Plan", "spec": spec}


def test_everything_at_once() -> None:
    """All kinds of changes may come together; empty parts are as good as absent ones."""
    spec = parse_plan(
        body(
            drain=["a", "b"],
            cordon=["c"],
            fail={"targets": ["d"], "cells": ["x"]},
            remove=["e"],
            apply=[PLACEMENT, TARGET],
        )
    )
    assert spec == PlanSpec(("a", "b"), ("c",), ("d",), ("x",), ("e",), (PLACEMENT, TARGET))
    assert spec.named == (
        ("spec.drain[0]", "a", "update"),
        ("spec.drain[1]", "b", "update"),
        ("spec.cordon[0]", "c", "update"),
        ("spec.fail.targets[0]", "d", "update"),
        ("spec.remove[0]", "e", "delete"),
    )
    assert parse_plan(body(drain=["a"], cordon=None, fail=None, apply=[])) == PlanSpec(drain=("a",))


@pytest.mark.parametrize(
    "wrong",
    [None, [], "x", {}, {"kind": "Plan"}, {"apiVersion": "placement.kcp.io/v1alpha1", "kind": "Placement", "spec": {}}],
    ids=str,
)
def test_what_is_no_plan(wrong: object) -> None:
    with pytest.raises(BadRequest):
        parse_plan(wrong)


@pytest.mark.parametrize(
    ("spec", "field", "reason"),
    [
        ({}, "spec", "FieldValueRequired"),
        ({"drain": []}, "spec", "FieldValueRequired"),
        ({"drains": ["a"]}, "spec.drains", "FieldValueForbidden"),
        ({"drain": "a"}, "spec.drain", "FieldValueTypeInvalid"),
        ({"drain": {"a": 1}}, "spec.drain", "FieldValueTypeInvalid"),
        ({"drain": [1]}, "spec.drain[0]", "FieldValueTypeInvalid"),
        ({"drain": [""]}, "spec.drain[0]", "FieldValueInvalid"),
        ({"cordon": ["a/b"]}, "spec.cordon[0]", "FieldValueInvalid"),
        ({"cordon": ["a\n"]}, "spec.cordon[0]", "FieldValueInvalid"),
        ({"remove": ["a", "b" * 254]}, "spec.remove[1]", "FieldValueTooLong"),
        ({"remove": ["a", "a"]}, "spec.remove[1]", "FieldValueDuplicate"),
        ({"drain": [str(number) for number in range(65)]}, "spec.drain", "FieldValueTooMany"),
        ({"fail": ["a"]}, "spec.fail", "FieldValueTypeInvalid"),
        ({"fail": {"target": ["a"]}}, "spec.fail.target", "FieldValueForbidden"),
        ({"fail": {"cells": 1}}, "spec.fail.cells", "FieldValueTypeInvalid"),
        ({"apply": {}}, "spec.apply", "FieldValueTypeInvalid"),
        ({"apply": ["x"]}, "spec.apply[0]", "FieldValueTypeInvalid"),
        ({"apply": [PLACEMENT] * 65}, "spec.apply", "FieldValueTooMany"),
        ({"apply": [{"apiVersion": "v1", "kind": "Secret"}]}, "spec.apply[0].kind", "FieldValueNotSupported"),
        ({"apply": [{**PLACEMENT, "apiVersion": "v1"}]}, "spec.apply[0].apiVersion", "FieldValueNotSupported"),
        ({"apply": [{**PLACEMENT, "metadata": {}}]}, "spec.apply[0].metadata.name", "FieldValueRequired"),
        ({"apply": [{**PLACEMENT, "metadata": 3}]}, "spec.apply[0].metadata.name", "FieldValueRequired"),
        ({"apply": [{**PLACEMENT, "metadata": {"name": "a/b"}}]}, "spec.apply[0].metadata.name", "FieldValueInvalid"),
        ({"apply": [PLACEMENT, PLACEMENT]}, "spec.apply[1].metadata.name", "FieldValueDuplicate"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_fields_that_are_wrong(spec: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_plan(body(**spec))
    assert [(cause["field"], cause["reason"]) for cause in refused.value.causes] == [(field, reason)]


def test_all_fields_at_once() -> None:
    """One answer names everything that is wrong, also beside the spec."""
    with pytest.raises(Invalid) as refused:
        parse_plan({**body(drain=[1], extra=2), "status": {}})
    assert [cause["field"] for cause in refused.value.causes] == ["status", "spec.extra", "spec.drain[0]"]
