"""What is divided of a workload, and what a share means for its spec."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.apis.workload.coordination import CoordinationRule
from headwater.base import jsonio
from headwater.reconcilers.scheduling.division.shares import Divisible, divisible
from headwater.reconcilers.scheduling.division.step_divide import division_change

RULE = CoordinationRule("example.org", "boats", ("crew", "size"), ("aboard",))
JOB = ("batch", "jobs")
PREFIX = "experimental.spec-diff.workload.kcp.io/"


def of(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"annotations": {}}, "spec": spec}


@pytest.mark.parametrize(
    ("kind", "spec", "rule", "size"),
    [
        (("apps", "deployments"), {"replicas": 4}, None, 4),
        (("apps", "statefulsets"), {"replicas": 0}, None, 0),
        (("apps", "deployments"), {}, None, None),
        (("apps", "daemonsets"), {}, None, None),
        (JOB, {"completions": 6, "parallelism": 2}, None, 6),
        (JOB, {"parallelism": 2}, None, 2),
        (JOB, {}, None, 1),
        (JOB, {"completions": 6, "completionMode": "Indexed"}, None, None),
        (("example.org", "boats"), {"crew": {"size": 5}}, RULE, 5),
        (("example.org", "boats"), {"crew": {"size": "5"}}, RULE, None),
        (("example.org", "boats"), {"crew": {"size": 5}}, None, None),
        (("example.org", "boats"), {"crew": {"size": 5}}, CoordinationRule("example.org", "boats"), None),
    ],
)
def test_what_is_divided(
    kind: tuple[str, str], spec: dict[str, Any], rule: CoordinationRule | None, size: int | None
) -> None:
    obj = of(**spec)
    found = divisible(obj, *kind, rule)
    assert (found.size(obj) if found is not None else None) == size


def division(obj: dict[str, Any], shares: dict[str, int], kind: tuple[str, str] = JOB) -> dict[str, dict[str, int]]:
    """The numbers of each target after a change; the object has them afterwards."""
    divided = divisible(obj, *kind, RULE)
    assert divided is not None
    notes = obj["metadata"]["annotations"]
    notes |= division_change(obj, shares, divided=divided)
    return {
        note.removeprefix(PREFIX): {each["path"]: each["value"] for each in jsonio.loads(text)}
        for note, text in notes.items()
        if note.startswith(PREFIX)
    }


def test_a_job() -> None:
    """Completions by share, parallelism in proportion; what a target was given of the completions stays."""
    job = of(completions=10, parallelism=4)
    first = {
        "a": {"/parallelism": 3, "/completions": 7},
        "b": {"/parallelism": 1, "/completions": 3},
    }
    assert division(job, {"a": 7, "b": 3}) == first
    job["spec"]["parallelism"] = 10
    wide = {
        "a": {"/parallelism": 7, "/completions": 7},
        "b": {"/parallelism": 3, "/completions": 3},
    }
    assert division(job, {"a": 5, "b": 5}) == wide
    late = {"c": {"/parallelism": 0, "/completions": 0}}
    assert division(job, {"a": 4, "b": 3, "c": 3}) == wide | late


def test_a_job_with_more_targets_than_parallelism() -> None:
    """Where there is something to do there is at least one to do it; a Job that is held stays held."""
    job = of(completions=4, parallelism=1)
    assert division(job, {"a": 2, "b": 2, "c": 0}) == {
        "a": {"/parallelism": 1, "/completions": 2},
        "b": {"/parallelism": 1, "/completions": 2},
        "c": {"/parallelism": 0, "/completions": 0},
    }
    job["spec"]["parallelism"] = 0
    assert {each["/parallelism"] for each in division(job, {"a": 2, "b": 2, "c": 0}).values()} == {0}


def test_a_job_without_completions() -> None:
    assert division(of(parallelism=3), {"a": 2, "b": 1}) == {"a": {"/parallelism": 2}, "b": {"/parallelism": 1}}


def test_a_declared_kind() -> None:
    boats = ("example.org", "boats")
    obj = of(crew={"size": 5})
    assert division(obj, {"a": 3, "b": 2}, boats) == {"a": {"/crew/size": 3}, "b": {"/crew/size": 2}}
    text = jsonio.dumps({"status": {"aboard": 3}}).decode()
    obj["metadata"]["annotations"]["diff.syncer.internal.kcp.io/a"] = text
    divided = divisible(obj, *boats, RULE)
    assert divided is not None
    gentle = division_change(obj, {"a": 1, "c": 4}, divided=divided, gently=True)
    assert gentle[f"{PREFIX}c"] == '[{ "op": "add", "path": "/crew/size", "value": 4 }]'
    assert f"{PREFIX}a" not in gentle
    lost = division_change(obj, {"a": 1, "c": 4}, divided=divided, gently=True, unreachable={"a"})
    assert lost[f"{PREFIX}a"] == '[{ "op": "add", "path": "/crew/size", "value": 1 }]'


def test_what_is_not_said_to_be_ready_is_not() -> None:
    assert Divisible(("size",), ()).ready_on(of(size=1), "a") == 0
