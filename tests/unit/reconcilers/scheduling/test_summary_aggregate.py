"""One status from several targets."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.apis.workload.coordination import CombinedField, CoordinationRule
from headwater.apis.workload.scheduled import REQUIRED_COUNTERS
from headwater.base import jsonio
from headwater.reconcilers.scheduling.reachability import Lost
from headwater.reconcilers.scheduling.summary.rules import declared_fields, known_fields
from headwater.reconcilers.scheduling.summary.step_aggregate import aggregate, unpromoted

DEPLOYMENTS = known_fields("apps", "deployments")
JOBS = known_fields("batch", "jobs")
SPEC_DIFF = "experimental.spec-diff.workload.kcp.io/"
GONE = Lost("east", "2026-01-01T00:00:00Z")


def workload(
    reports: dict[str, Any], leaving: tuple[str, ...] = (), *, divided: bool = False, **more: str
) -> dict[str, Any]:
    notes = {
        f"diff.syncer.internal.kcp.io/{key}": jsonio.dumps({"status": status}).decode()
        for key, status in reports.items()
        if status is not None
    }
    notes |= {f"deletion.internal.workload.kcp.io/{key}": "2026-01-01T00:00:00Z" for key in leaving}
    notes |= more
    if divided:
        notes[f"{SPEC_DIFF}a"] = '[{ "op": "replace", "path": "/replicas", "value": 2 }]'
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
    "overridden-is-not-divided": (
        workload(
            {"a": ready(3), "b": ready(1)}, **{f"{SPEC_DIFF}a": '[{"op":"replace","path":"/paused","value":true}]'}
        ),
        (1, "True"),
    ),
    "moving-not-yet": (workload({"a": ready(3), "b": None}, ("a",)), (3, "True")),
    "moving-partly": (workload({"a": ready(3), "b": ready(1)}, ("a",)), (3, "True")),
    "moved": (workload({"a": ready(0), "b": ready(3)}, ("a",)), (3, "True")),
    "promoted-counts": (workload({"a": "##promoted##", "b": ready(5)}), (5, "True")),
}


@pytest.mark.parametrize(("obj", "expected"), CASES.values(), ids=CASES)
def test_aggregate(obj: dict[str, Any], expected: Any) -> None:
    summary = aggregate(obj, DEPLOYMENTS)
    if expected is None:
        assert summary is None
    else:
        assert summary is not None
        assert (summary.get("readyReplicas", 0), summary["conditions"][0]["status"]) == expected


@pytest.mark.parametrize(("wanted", "expected"), [(None, 0), ({"b"}, 3), ({"a", "b"}, 0), ({"a"}, 3)])
def test_a_move_is_no_outage(wanted: set[str] | None, expected: int) -> None:
    """A target that the namespace has lost is left, though the object still waits to be marked."""
    summary = aggregate(workload({"a": ready(3), "b": ready(0)}), DEPLOYMENTS, wanted)
    assert summary is not None
    assert summary.get("readyReplicas", 0) == expected


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("[]", False),
        ("[{", False),
        ('[{"fieldPath": "status", "promoteToUpstream": false}]', False),
        ('[{"fieldPath": "status", "promoteToUpstream": true}, {"fieldPath": "spec.x"}]', True),
    ],
)
def test_own_rules_are_not_overruled(rules: str, expected: object) -> None:
    obj = workload({"a": ready(3)}, **{"experimental.summarizing.workload.kcp.io": rules})
    assert (aggregate(obj, DEPLOYMENTS) is not None) is expected


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
    assert aggregate(obj, known_fields("", "services")) == report("1.1.1.1", "2.2.2.2", "3.3.3.3")


def test_a_service_keeps_the_address_on_a_lost_pcluster() -> None:
    address = {"loadBalancer": {"ingress": [{"ip": "1.1.1.1"}]}}
    obj = workload({"a": address, "b": {}})
    assert aggregate(obj, known_fields("", "services"), lost={"a": GONE}) == address
    assert aggregate(workload({"a": {}, "b": None}), known_fields("", "services")) is None


def test_only_known_kinds_are_summarized() -> None:
    assert known_fields("apps", "deployments")
    assert not known_fields("", "configmaps")


def test_what_is_no_number_counts_as_zero() -> None:
    """A pcluster may report anything; it must not stop the summary."""
    obj = workload({"a": {"readyReplicas": "many", "conditions": 1}, "b": {"readyReplicas": 2}}, divided=True)
    assert aggregate(obj, DEPLOYMENTS) == {"readyReplicas": 2}


def test_nothing_ready_is_a_summary() -> None:
    """It must replace what the first target had promoted."""
    assert aggregate(workload({"a": {"readyReplicas": 3}, "b": None}), DEPLOYMENTS) == {}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (("apps", "statefulsets"), {"replicas": 0}),
        (("apps", "daemonsets"), dict.fromkeys(REQUIRED_COUNTERS["DaemonSet"], 0)),
        (("autoscaling", "horizontalpodautoscalers"), {"desiredReplicas": 0}),
    ],
)
def test_zeros_that_kubernetes_requires(kind: tuple[str, str], expected: dict[str, int]) -> None:
    assert aggregate(workload({"a": {"readyReplicas": 0}, "b": None}), known_fields(*kind)) == expected


def test_faults_of_a_move_are_the_lesser_ones() -> None:
    """What already runs well where it goes to is not shown as unavailable for what it leaves, nor the reverse."""
    good, bad = {"readyReplicas": 3}, {"unavailableReplicas": 3}
    for reports in ({"a": good, "b": bad}, {"a": bad, "b": good}):
        assert aggregate(workload(reports, ("a",)), DEPLOYMENTS) == good
    assert aggregate(workload({"a": bad, "b": None}, ("a",)), DEPLOYMENTS) == bad


class TestUnreachable:
    """Nothing of a lost target is shown as good."""

    FULL: ClassVar[dict[str, Any]] = {
        "replicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "updatedReplicas": 3,
        "observedGeneration": 1,
        "conditions": [{"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"}],
    }

    def test_the_only_target(self) -> None:
        obj = workload({"a": self.FULL})
        obj["metadata"]["annotations"]["reported.workload.kcp.io/a"] = "2025-12-31T00:00:00Z"
        status = aggregate(obj, DEPLOYMENTS, lost={"a": GONE})
        assert status is not None
        (condition,) = status.pop("conditions")
        assert status == {"replicas": 3, "observedGeneration": 1, "unavailableReplicas": 3}
        assert condition == {
            "type": "Available",
            "status": "Unknown",
            "reason": "SyncTargetUnreachable",
            "message": "SyncTarget east was last heard of at 2026-01-01T00:00:00Z; its last report, "
            "changed at 2025-12-31T00:00:00Z, was True: MinimumReplicasAvailable",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        assert aggregate(obj, DEPLOYMENTS) == self.FULL

    def test_one_of_several(self) -> None:
        """Where replicas are divided those of the others still count; where they are duplicated the worst counts."""
        for divided, ready in ((True, 3), (False, 0)):
            obj = workload({"a": self.FULL, "b": self.FULL}, divided=divided)
            status = aggregate(obj, DEPLOYMENTS, lost={"a": GONE})
            assert status is not None
            assert status.get("readyReplicas", 0) == status.get("updatedReplicas", 0) == ready
            assert status["unavailableReplicas"] == 3
            assert status["conditions"][0]["status"] == "Unknown"

    @pytest.mark.parametrize(("other", "expected"), [("True", "Unknown"), ("False", "False"), ("Unknown", "Unknown")])
    def test_unknown_is_worse_than_true_and_better_than_false(self, other: str, expected: str) -> None:
        obj = workload({"a": ready(3), "b": ready(3, other)})
        status = aggregate(obj, DEPLOYMENTS, lost={"a": GONE})
        assert status is not None
        assert status["conditions"][0]["status"] == expected

    def test_a_daemon_set(self) -> None:
        report = {"desiredNumberScheduled": 4, "numberReady": 4, "numberAvailable": 4, "updatedNumberScheduled": 4}
        status = aggregate(workload({"a": report}), known_fields("apps", "daemonsets"), lost={"a": GONE})
        assert status == {"desiredNumberScheduled": 4, "numberUnavailable": 4, "numberReady": 0}

    def test_a_job_that_has_ended_stays_ended(self) -> None:
        complete = {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}
        job = {"apiVersion": "batch/v1", "kind": "Job"}
        assert aggregate(workload({"a": complete}) | job, JOBS, lost={"a": GONE}) == complete
        running = {"active": 1, "ready": 1, "conditions": [{"type": "Suspended", "status": "False"}]}
        status = aggregate(workload({"a": running}) | job, JOBS, lost={"a": GONE})
        assert status is not None
        assert (status["active"], status.get("ready")) == (1, None)
        assert status["conditions"][0]["status"] == "Unknown"

    def test_a_promoted_report_is_kept_apart_first(self) -> None:
        obj = workload({"a": "##promoted##"})
        assert unpromoted(obj) is None
        assert unpromoted(obj, {"b": GONE}) is None
        apart = unpromoted(obj, {"a": GONE})
        assert apart is not None
        assert apart["metadata"]["annotations"]["diff.syncer.internal.kcp.io/a"] == '{"status":{"readyReplicas":9}}'


COUNTERS = st.dictionaries(
    st.sampled_from(["replicas", "readyReplicas", "availableReplicas", "updatedReplicas", "unavailableReplicas"]),
    st.integers(0, 9),
    min_size=1,
)


@given(st.dictionaries(st.sampled_from("abcd"), COUNTERS, min_size=2), st.sets(st.sampled_from("abcd")), st.booleans())
def test_a_loss_never_makes_more_of_it(reports: dict[str, Any], gone: set[str], divided: bool) -> None:
    """What is shown as good is at most what it was, and with divided replicas exactly what those seen report."""
    obj = workload(reports)
    if divided:
        obj["metadata"]["annotations"][f"{SPEC_DIFF}a"] = '[{ "op": "replace", "path": "/replicas", "value": 2 }]'
    before = aggregate(obj, DEPLOYMENTS) or {}
    after = aggregate(obj, DEPLOYMENTS, lost=dict.fromkeys(gone, GONE)) or {}
    for counter in ("readyReplicas", "availableReplicas", "updatedReplicas"):
        assert after.get(counter, 0) <= before.get(counter, 0)
        if divided:
            seen = (report.get(counter, 0) for key, report in reports.items() if key not in gone)
            assert after.get(counter, 0) == sum(seen)


class TestJobs:
    """Parts of a Job, on several targets."""

    DONE: ClassVar[dict[str, Any]] = {
        "succeeded": 2,
        "startTime": "2026-01-01T00:00:00Z",
        "completionTime": "2026-01-01T00:05:00Z",
        "conditions": [{"type": "Complete", "status": "True"}],
    }

    def test_it_is_complete_when_every_part_is(self) -> None:
        late = self.DONE | {"startTime": "2026-01-01T00:01:00Z", "completionTime": "2026-01-01T00:09:00Z"}
        status = aggregate(workload({"a": self.DONE, "b": late}, divided=True), JOBS)
        assert status == self.DONE | {"succeeded": 4, "completionTime": "2026-01-01T00:09:00Z"}

    @pytest.mark.parametrize("other", [None, {"active": 1, "startTime": "2026-01-01T00:01:00Z"}])
    def test_it_is_not_complete_while_a_part_is_not(self, other: Any) -> None:
        status = aggregate(workload({"a": self.DONE, "b": other}, divided=True), JOBS)
        assert status is not None
        assert not {"conditions", "completionTime"} & status.keys()
        assert (status["succeeded"], status["startTime"]) == (2, "2026-01-01T00:00:00Z")

    def test_it_has_failed_when_a_part_has(self) -> None:
        failed = {"failed": 1, "conditions": [{"type": "Failed", "status": "True"}]}
        status = aggregate(workload({"a": self.DONE, "b": failed}, divided=True), JOBS)
        assert status is not None
        assert [each["type"] for each in status["conditions"]] == ["Failed"]


DECLARED = declared_fields(
    CoordinationRule(
        "example.org",
        "boats",
        ready_path=("crew", "aboard"),
        status=tuple(
            CombinedField(tuple(path.split(".")), combine)  # type: ignore[arg-type]
            for path, combine in {
                "crew.aboard": "sum",
                "depth": "min",
                "speed": "max",
                "harbours": "union",
                "captain": "first",
                "conditions": "worst",
            }.items()
        ),
    )
)
ONE = {"crew": {"aboard": 2}, "depth": 3, "speed": 5, "harbours": ["x", "y"], "captain": "ann", "phase": "out"}
TWO = {"crew": {"aboard": 1}, "depth": 4, "speed": 0, "harbours": ["y", "z"], "captain": "bob"}


def test_declared_rules() -> None:
    """Each field as its rule says; what has no rule is nobody's. Zeros stay, as a user's own kind may show them."""
    assert aggregate(workload({"a": ONE, "b": TWO}), DECLARED) == {
        "crew": {"aboard": 3},
        "depth": 3,
        "speed": 5,
        "harbours": ["x", "y", "z"],
        "captain": "ann",
    }
    missing = aggregate(workload({"a": ONE, "b": None}), DECLARED)
    assert missing is not None
    assert (missing["crew"], missing["depth"], missing["speed"]) == ({"aboard": 2}, 0, 5)
    lost = aggregate(workload({"a": ONE, "b": TWO}), DECLARED, lost={"a": GONE})
    assert lost is not None
    assert (lost["crew"], lost["depth"]) == ({"aboard": 1}, 3)
    odd = aggregate(workload({"a": {"depth": "deep"}, "b": {"depth": 2, "harbours": 1}}), DECLARED)
    assert odd == {"depth": "deep"}
