"""One status from several targets."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.base import jsonio
from headwater.reconcilers.scheduling.summary.step_aggregate import aggregate, summarizable, unpromoted

DEPLOYMENTS = ("apps", "deployments")


def workload(reports: dict[str, Any], leaving: tuple[str, ...] = (), *, divided: bool = False) -> dict[str, Any]:
    notes = {
        f"diff.syncer.internal.kcp.io/{key}": jsonio.dumps({"status": status}).decode()
        for key, status in reports.items()
        if status is not None
    }
    notes |= {f"deletion.internal.workload.kcp.io/{key}": "2026-01-01T00:00:00Z" for key in leaving}
    if divided:
        notes["experimental.spec-diff.workload.kcp.io/a"] = "[]"
    return {
        "metadata": {"labels": {f"state.workload.kcp.io/{key}": "Sync" for key in reports}, "annotations": notes},
        "status": {"readyReplicas": 9},
    }


def ready(count: int, available: str = "True") -> dict[str, Any]:
    return {"replicas": 3, "readyReplicas": count, "conditions": [{"type": "Available", "status": available}]}


CASES: dict[str, tuple[dict[str, Any], Any]] = {
    "one-target-left": (workload({"a": ready(3)}), (3, "True")),
    "one-target-silent": (workload({"a": None}), None),
    "none-reported": (workload({"a": None, "b": None}), None),
    "duplicated-worst": (workload({"a": ready(3), "b": ready(1, "False")}), (1, "False")),
    "duplicated-one-silent": (workload({"a": ready(3), "b": None}), (0, "True")),
    "divided-sum": (workload({"a": ready(3), "b": ready(1)}, divided=True), (4, "True")),
    "moving-not-yet": (workload({"a": ready(3), "b": None}, ("a",)), (3, "True")),
    "moving-partly": (workload({"a": ready(3), "b": ready(1)}, ("a",)), (3, "True")),
    "moved": (workload({"a": ready(0), "b": ready(3)}, ("a",)), (3, "True")),
    "promoted-counts": (workload({"a": "##promoted##", "b": ready(5)}), (5, "True")),
}


@pytest.mark.parametrize(("obj", "expected"), CASES.values(), ids=CASES)
def test_aggregate(obj: dict[str, Any], expected: Any) -> None:
    summary = aggregate(obj, *DEPLOYMENTS)
    if expected is None:
        assert summary is None
    else:
        assert summary is not None
        assert (summary.get("readyReplicas", 0), summary["conditions"][0]["status"]) == expected


@pytest.mark.parametrize(("wanted", "expected"), [(None, 0), ({"b"}, 3), ({"a", "b"}, 0), ({"a"}, 3)])
def test_a_move_is_no_outage(wanted: set[str] | None, expected: int) -> None:
    """A target that the namespace has lost is left, though the object still waits to be marked."""
    summary = aggregate(workload({"a": ready(3), "b": ready(0)}), *DEPLOYMENTS, wanted)
    assert summary is not None
    assert summary.get("readyReplicas", 0) == expected


def test_own_rules_are_not_overruled() -> None:
    obj = workload({"a": ready(3)})
    obj["metadata"]["annotations"]["experimental.summarizing.workload.kcp.io"] = "[]"
    assert aggregate(obj, *DEPLOYMENTS) is None


def test_unpromoted_keeps_the_report_of_the_first() -> None:
    """With a second target the marker becomes what it stood for, once."""
    both = workload({"a": "##promoted##", "b": None})
    apart = unpromoted(both)
    assert apart is not None
    assert apart["metadata"]["annotations"]["diff.syncer.internal.kcp.io/a"] == '{"status":{"readyReplicas":9}}'
    assert "##promoted##" in both["metadata"]["annotations"]["diff.syncer.internal.kcp.io/a"]
    assert unpromoted(apart) is None
    assert unpromoted(workload({"a": "##promoted##"})) is None
    for text in ('"##promoted##', '["##promoted##"]', '{"x":"##promoted##"}'):
        both["metadata"]["annotations"]["diff.syncer.internal.kcp.io/a"] = text
        assert unpromoted(both) is None


def test_addresses_are_put_together() -> None:
    def report(*ips: str) -> dict[str, Any]:
        return {"loadBalancer": {"ingress": [{"ip": ip} for ip in ips]}}

    obj = workload({"a": report("1.1.1.1", "2.2.2.2"), "b": report("2.2.2.2", "3.3.3.3")})
    assert aggregate(obj, "", "services") == report("1.1.1.1", "2.2.2.2", "3.3.3.3")


def test_only_known_kinds_are_summarized() -> None:
    assert summarizable("apps", "deployments")
    assert not summarizable("", "configmaps")
