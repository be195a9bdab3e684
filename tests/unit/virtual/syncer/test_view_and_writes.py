"""What a syncer sees and what its writes become."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from headwater.apis.workload.scheduled import REQUIRED_COUNTERS
from headwater.base import jsonio
from headwater.controller.events import Notice
from headwater.machinery.errors import BadRequest, Conflict, Forbidden, InternalError, RequestEntityTooLarge
from headwater.virtual.syncer.failures import failure_notice
from headwater.virtual.syncer.view import syncer_view
from headwater.virtual.syncer.writes import same_object, stored_change

URL = "https://shard/clusters/ws"
NORTH, SOUTH = "keyN", "keyS"


def finalizer(key: str) -> str:
    return f"workload.kcp.io/syncer-{key}"


def cowboy(
    *,
    targets: tuple[str, ...] = (NORTH,),
    held: tuple[str, ...] = (NORTH,),
    status: Any = None,
    annotations: dict[str, str] | None = None,
    **meta: Any,
) -> dict[str, Any]:
    obj: dict[str, Any] = {
        "apiVersion": "wildwest.dev/v1",
        "kind": "Cowboy",
        "metadata": {
            "name": "luke",
            "namespace": "default",
            "uid": "u",
            "resourceVersion": "7",
            "labels": {f"state.workload.kcp.io/{key}": "Sync" for key in targets},
            "annotations": dict(annotations or {}),
            "finalizers": [*(finalizer(key) for key in held), "user/finalizer"],
            **meta,
        },
        "spec": {"intent": "shoot", "replicas": 4},
    }
    if status is not None:
        obj["status"] = status
    return obj


def diff(key: str, **values: Any) -> dict[str, str]:
    return {f"diff.syncer.internal.kcp.io/{key}": jsonio.dumps(values).decode()}


def reported(key: str, at: str = "2026-02-01T00:00:00Z") -> dict[str, str]:
    return {f"reported.workload.kcp.io/{key}": at}


def failed(key: str, why: str = "Invalid: spec.intent: Invalid value") -> dict[str, str]:
    return {f"sync-failed.workload.kcp.io/{key}": why}


MARK = "2026-01-01T00:00:00Z"
NOW, LATER = "2026-02-01T00:00:00Z", "2026-02-01T00:00:09Z"
DELETION = {f"deletion.internal.workload.kcp.io/{NORTH}": MARK}


class TestView:
    @pytest.mark.parametrize("trace", ["", "00-trace-01"])
    def test_shows_the_trace_of_the_last_write_and_nobody_elses(self, trace: str) -> None:
        """It is in no object: what a tenant writes under the name is not shown, and a syncer's write keeps it out."""
        obj = cowboy(annotations={"internal.workload.kcp.io/traceparent": "made up"})
        view = syncer_view(obj, NORTH, URL, trace)
        assert view["metadata"]["annotations"].get("internal.workload.kcp.io/traceparent", "") == trace
        change = stored_change(cowboy(), view, key=NORTH, resource="cowboys", on_status=False, now=NOW)
        assert not change.main_changed

    def test_hides_what_belongs_to_others(self) -> None:
        """Upstream deletion, foreign finalizers and all diffs are hidden; the workspace URL is added."""
        obj = cowboy(held=(NORTH, SOUTH), annotations=diff(SOUTH, status={"a": 1}), deletionTimestamp=MARK)
        before = copy.deepcopy(obj)
        view = syncer_view(obj, NORTH, URL)
        assert obj == before
        assert view["metadata"]["finalizers"] == [finalizer(NORTH)]
        assert "deletionTimestamp" not in view["metadata"]
        assert view["metadata"]["annotations"] == {"internal.workload.kcp.io/workspace-url": URL}

    @pytest.mark.parametrize(("deleted", "shown"), [(True, ["orphan"]), (False, [])], ids=["deleted", "not yet"])
    def test_says_what_is_to_become_of_dependents(self, deleted: bool, shown: list[str]) -> None:
        """And what a syncer writes takes it away from nobody."""
        going = {"deletionTimestamp": MARK} if deleted else {}
        obj = cowboy(finalizers=["orphan", finalizer(NORTH), "user/finalizer"], annotations=DELETION, **going)
        view = syncer_view(obj, NORTH, URL)
        assert view["metadata"]["finalizers"] == [*shown, finalizer(NORTH)]
        view["metadata"]["finalizers"] = shown
        change = stored_change(obj, view, key=NORTH, resource="cowboys", on_status=False, now=NOW)
        assert change.object["metadata"]["finalizers"] == ["orphan", "user/finalizer"]

    def test_fields_of_its_own_within_a_promoted_one_are_in_the_view_only(self) -> None:
        """The object may belong to all who watch it."""
        rules = (
            '[{"FieldPath":"status","PromoteToUpstream":true},{"FieldPath":"status.result","PromoteToUpstream":false}]'
        )
        own = {f"diff.syncer.internal.kcp.io/{NORTH}": '{"status":"##promoted##","status.result":"mine"}'}
        notes = {"experimental.summarizing.workload.kcp.io": rules, **own}
        obj = cowboy(held=(NORTH,), annotations=notes, status={"result": "theirs", "since": 1})
        before = copy.deepcopy(obj)
        assert syncer_view(obj, NORTH, URL)["status"] == {"result": "mine", "since": 1}
        assert obj == before

    def test_deletion_mark_becomes_deletion_timestamp(self) -> None:
        assert syncer_view(cowboy(annotations=DELETION), NORTH, URL)["metadata"]["deletionTimestamp"] == MARK
        soft = {f"finalizers.workload.kcp.io/{NORTH}": "wait"}
        assert "deletionTimestamp" not in syncer_view(cowboy(annotations=DELETION | soft), NORTH, URL)["metadata"]

    @pytest.mark.parametrize(
        ("annotations", "expected"),
        [
            ({}, None),
            (diff(NORTH, status="##promoted##"), {"upstream": 1}),
            (diff(NORTH, status={"mine": 2}), {"mine": 2}),
            (diff(SOUTH, status={"theirs": 2}), None),
            ({"experimental.summarizing.workload.kcp.io": '[{"fieldPath":"status"}]'}, {"upstream": 1}),
            (
                {"experimental.summarizing.workload.kcp.io": '[{"FieldPath":"status","PromoteToUpstream":false}]'}
                | diff(NORTH, status={"mine": 2}),
                {"mine": 2},
            ),
        ],
        ids=["never-leaks", "promoted", "own", "others", "unpromoted-absent", "unpromoted-own"],
    )
    def test_status(self, annotations: dict[str, str], expected: Any) -> None:
        view = syncer_view(cowboy(status={"upstream": 1}, annotations=annotations), NORTH, URL)
        assert view.get("status") == expected

    def test_spec_diff(self) -> None:
        patch = '[{"op": "replace", "path": "/replicas", "value": 2}]'
        obj = cowboy(annotations={f"experimental.spec-diff.workload.kcp.io/{NORTH}": patch})
        assert syncer_view(obj, NORTH, URL)["spec"]["replicas"] == 2
        assert syncer_view(obj, SOUTH, URL)["spec"]["replicas"] == 4

    @pytest.mark.parametrize(
        "annotations",
        [
            {f"deletion.internal.workload.kcp.io/{NORTH}": "yesterday"},
            {f"diff.syncer.internal.kcp.io/{NORTH}": "{"},
            {"experimental.summarizing.workload.kcp.io": "{}"},
            {"experimental.summarizing.workload.kcp.io": '[{"fieldPath":"metadata.finalizers"}]'},
            {f"experimental.spec-diff.workload.kcp.io/{NORTH}": '[{"op":"remove","path":"/nothing"}]'},
        ],
    )
    def test_unreadable_annotation(self, annotations: dict[str, str]) -> None:
        with pytest.raises(InternalError, match="luke"):
            syncer_view(cowboy(annotations=annotations), NORTH, URL)


def write(existing: dict[str, Any], key: str, *, on_status: bool = False, now: str = NOW, **changes: Any) -> Any:
    written = syncer_view(existing, key, URL)
    written.update(changes)
    return stored_change(existing, written, key=key, resource="cowboys", on_status=on_status, now=now)


class TestWrites:
    def test_claim_adds_only_the_finalizer(self) -> None:
        """Whatever else a syncer changes in spec, labels or metadata is dropped."""
        existing = cowboy(held=())
        written = syncer_view(existing, NORTH, URL)
        written["metadata"]["finalizers"] = [finalizer(NORTH)]
        written["metadata"]["labels"] = {"x": "y"}
        written["spec"] = {"intent": "steal"}
        change = stored_change(existing, written, key=NORTH, resource="cowboys", on_status=False, now=NOW)
        expected = copy.deepcopy(existing)
        expected["metadata"]["finalizers"] = sorted([finalizer(NORTH), "user/finalizer"])
        assert change.object == expected
        assert (change.main_changed, change.status_changed) == (True, False)

    def test_single_target_status_is_promoted(self) -> None:
        change = write(cowboy(), NORTH, on_status=True, status={"ok": 1})
        assert change.object["status"] == {"ok": 1}
        assert change.object["metadata"]["annotations"] == diff(NORTH, status="##promoted##") | reported(NORTH)
        assert change.status_first
        again = write(change.object, NORTH, on_status=True, now=LATER, status={"ok": 2})
        assert (again.main_changed, again.status_changed, again.status_first) == (True, True, False)
        assert again.object["metadata"]["annotations"] == diff(NORTH, status="##promoted##") | reported(NORTH, LATER)
        same = write(again.object, NORTH, on_status=True, now=NOW, status={"ok": 2})
        assert (same.main_changed, same.status_changed) == (False, False)

    def test_each_target_has_its_own_time(self) -> None:
        """A report moves the time of its own target only, and goes with the target."""
        both = cowboy(
            targets=(NORTH, SOUTH),
            held=(NORTH, SOUTH),
            annotations=diff(NORTH, status={"n": 1}) | reported(NORTH) | DELETION,
        )
        change = write(both, SOUTH, on_status=True, now=LATER, status={"s": 1})
        notes = change.object["metadata"]["annotations"]
        assert notes == both["metadata"]["annotations"] | diff(SOUTH, status={"s": 1}) | reported(SOUTH, LATER)
        for key in (NORTH, SOUTH):
            shown = syncer_view(change.object, key, URL)["metadata"]["annotations"]
            assert not [note for note in shown if note.startswith("reported.")]
        written = syncer_view(change.object, NORTH, URL)
        written["metadata"].pop("finalizers")
        left = stored_change(change.object, written, key=NORTH, resource="cowboys", on_status=False, now=NOW).object
        assert left["metadata"]["annotations"] == diff(SOUTH, status="##promoted##") | reported(SOUTH, LATER)

    def test_status_in_a_main_write_is_dropped(self) -> None:
        change = write(cowboy(), NORTH, status={"ok": 1})
        assert (change.main_changed, change.status_changed) == (False, False)

    def test_two_targets_keep_their_own_status(self) -> None:
        """Nothing is promoted while two targets run it, and the first one's promoted value moves to its diff."""
        both = cowboy(
            targets=(NORTH, SOUTH), held=(NORTH, SOUTH), status={"n": 1}, annotations=diff(NORTH, status="##promoted##")
        )
        change = write(both, SOUTH, on_status=True, status={"s": 1})
        assert change.object["status"] == {"n": 1}
        assert syncer_view(change.object, NORTH, URL)["status"] == {"n": 1}
        assert syncer_view(change.object, SOUTH, URL)["status"] == {"s": 1}

    @pytest.mark.parametrize(
        ("status", "error"),
        [
            pytest.param({"s": "x" * 70_000}, RequestEntityTooLarge, id="large"),
            pytest.param(jsonio.loads("[" * 300 + "]" * 300), BadRequest, id="deep"),
        ],
    )
    def test_one_target_leaves_room_for_the_reports_of_others(self, status: Any, error: type[Exception]) -> None:
        """They share what annotations may hold; what is promoted does not stand there."""
        both = cowboy(targets=(NORTH, SOUTH), held=(NORTH, SOUTH), annotations=diff(NORTH, status={"n": 1}))
        with pytest.raises(error):
            write(both, SOUTH, on_status=True, status=status)
        assert write(cowboy(), NORTH, on_status=True, status=status).object["status"] == status

    def test_letting_go_promotes_the_last_target(self) -> None:
        both = cowboy(
            targets=(NORTH, SOUTH),
            held=(NORTH, SOUTH),
            status={"n": 1},
            annotations=DELETION | diff(NORTH, status={"n": 1}) | diff(SOUTH, status={"s": 1}),
        )
        written = syncer_view(both, NORTH, URL)
        written["metadata"].pop("finalizers")
        change = stored_change(both, written, key=NORTH, resource="cowboys", on_status=False, now=NOW)
        assert change.object["status"] == {"s": 1}
        assert change.object["metadata"]["labels"] == {f"state.workload.kcp.io/{SOUTH}": "Sync"}
        assert change.object["metadata"]["annotations"] == diff(SOUTH, status="##promoted##")
        assert change.object["metadata"]["finalizers"] == [finalizer(SOUTH), "user/finalizer"]

    @pytest.mark.parametrize(
        ("status", "notes", "meta", "kept"),
        [
            ({"readyReplicas": 3}, diff(NORTH, status="##promoted##"), {}, False),
            ({"readyReplicas": 3}, diff(NORTH, status={"readyReplicas": 3}), {}, False),
            ({"phase": "Active"}, {}, {}, True),
            (
                {"readyReplicas": 3},
                diff(NORTH, status="##promoted##"),
                {"deletionTimestamp": MARK, "finalizers": [finalizer(NORTH)]},
                True,
            ),
            ({"readyReplicas": 3}, diff(NORTH, status="##promoted##"), {"deletionTimestamp": MARK}, False),
            ({"conditions": [{"type": "Complete", "status": "True"}]}, diff(NORTH, status="##promoted##"), {}, True),
            ({"conditions": [{"type": "Available", "status": "True"}]}, diff(NORTH, status="##promoted##"), {}, False),
        ],
        ids=["promoted", "summarised", "not reported", "deleted by this", "held by others", "ended", "available"],
    )
    def test_letting_go_of_the_last_copy(
        self, status: dict[str, Any], notes: dict[str, str], meta: dict[str, Any], kept: bool
    ) -> None:
        """What nobody runs any more is not shown as ready, unless it is gone anyway."""
        job = {"apiVersion": "batch/v1", "kind": "Job"}
        existing = cowboy(status=status, annotations=DELETION | notes, **meta) | job
        written = cowboy(held=(), deletionTimestamp=MARK) | job
        change = stored_change(existing, written, key=NORTH, resource="cowboys", on_status=False, now=NOW)
        assert change.object.get("status") == (status if kept else None)
        assert change.status_changed is not kept

    def test_the_condition_scheduled_is_not_the_syncers(self) -> None:
        """Kept by every status write, never seen, and not to be forged by a report."""
        kind = {"apiVersion": "apps/v1", "kind": "Deployment"}
        ours = {"type": "Scheduled", "status": "True", "message": "on north"}
        good = {"type": "Available", "status": "True"}
        before = cowboy(status={"conditions": [ours]}) | kind
        assert "status" not in syncer_view(before, NORTH, URL)
        forged = {"ready": 1, "conditions": [good, ours | {"status": "False"}]}
        change = write(before, NORTH, on_status=True, status=forged)
        assert change.object["status"] == {"ready": 1, "conditions": [good, ours]}
        assert syncer_view(change.object, NORTH, URL)["status"] == {"ready": 1, "conditions": [good]}
        same = write(change.object, NORTH, on_status=True, now=LATER, status={"ready": 1, "conditions": [good]})
        assert (same.main_changed, same.status_changed) == (False, False)
        change.object["metadata"]["annotations"] |= DELETION
        gone = {**change.object, "metadata": {**change.object["metadata"], "finalizers": [], "deletionTimestamp": MARK}}
        left = stored_change(change.object, gone, key=NORTH, resource="deployments", on_status=False, now=NOW).object
        assert left["status"] == {"conditions": [ours]}

    @pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
    def test_what_kubernetes_requires_of_a_status_is_said(self, kind: str) -> None:
        """A status that is refused would keep the syncer from letting go."""
        ours = {"type": "Scheduled", "status": "True"}
        notes = DELETION | diff(NORTH, status="##promoted##")
        held = cowboy(status={"readyReplicas": 1, "conditions": [ours]}, annotations=notes)
        held |= {"apiVersion": "apps/v1", "kind": kind}
        gone = cowboy(held=(), deletionTimestamp=MARK) | {"apiVersion": "apps/v1", "kind": kind}
        left = stored_change(held, gone, key=NORTH, resource="sets", on_status=False, now=NOW).object
        assert left["status"] == {**dict.fromkeys(REQUIRED_COUNTERS[kind], 0), "conditions": [ours]}

    def test_a_second_target_does_not_get_the_condition_scheduled(self) -> None:
        ours = {"type": "Scheduled", "status": "True"}
        kind = {"apiVersion": "apps/v1", "kind": "Deployment"}
        both = cowboy(
            targets=(NORTH, SOUTH),
            held=(NORTH, SOUTH),
            status={"n": 1, "conditions": [ours]},
            annotations=diff(NORTH, status="##promoted##"),
        )
        change = write(both | kind, SOUTH, on_status=True, status={"s": 1})
        assert change.object["metadata"]["annotations"].items() >= diff(NORTH, status={"n": 1}).items()

    def test_refusals(self) -> None:
        """An object of another target, an unclaimed one, and letting go without a deletion mark are refused."""
        with pytest.raises(Forbidden, match="not assigned"):
            write(cowboy(targets=(SOUTH,)), NORTH)
        with pytest.raises(Forbidden, match="not owning"):
            write(cowboy(held=()), NORTH, on_status=True, status={})
        written = syncer_view(cowboy(), NORTH, URL)
        written["metadata"].update(deletionTimestamp=MARK, finalizers=[])
        with pytest.raises(Forbidden, match="not being removed"):
            stored_change(cowboy(), written, key=NORTH, resource="cowboys", on_status=False, now=NOW)

    def test_a_write_is_for_one_object(self) -> None:
        """By the UID in it: what has come in its place is not written, what it has become is."""
        same = {"metadata": {"uid": "u", "finalizers": [finalizer(NORTH)]}}
        assert same_object(cowboy(), same) is same
        unnamed: dict[str, Any] = {"metadata": {}}
        assert same_object(cowboy(), unnamed) is unnamed
        with pytest.raises(Conflict, match="UID in precondition: old, UID in object meta: u"):
            same_object(cowboy(), {"metadata": {"uid": "old"}})
        for nothing in ([], {}, {"metadata": None}):
            with pytest.raises(BadRequest, match="not an object with metadata"):
                same_object(cowboy(), nothing)

    @pytest.mark.parametrize(
        "crafted",
        [
            {"labels": {f"state.workload.kcp.io/{SOUTH}": None}},
            {"labels": {f"state.workload.kcp.io/{SOUTH}": "Upsync", "state.workload.kcp.io/keyX": "Sync"}},
            {"labels": {f"state.workload.kcp.io/{NORTH}": ""}},
            {"labels": {"internal.workload.kcp.io/cluster": SOUTH}},
            {"annotations": {f"deletion.internal.workload.kcp.io/{SOUTH}": MARK}},
            {"annotations": DELETION},
            {"annotations": {f"finalizers.workload.kcp.io/{SOUTH}": "wait"}},
            {"annotations": {f"experimental.spec-diff.workload.kcp.io/{NORTH}": "[]"}},
            {"annotations": {"experimental.summarizing.workload.kcp.io": "[]"}},
            {"annotations": {"kcp.io/cluster": "elsewhere", "kcp.io/namespace-locator": "{}"}},
            {"annotations": diff(SOUTH, status={"forged": 1})},
            {"annotations": {**reported(SOUTH, LATER), **failed(SOUTH)}},
            {"finalizers": [finalizer(NORTH)]},
            {"finalizers": [finalizer(NORTH), finalizer(SOUTH), "user/finalizer", "example.io/held"]},
            {"ownerReferences": [{"apiVersion": "v1", "kind": "Namespace", "name": "default", "uid": "u"}]},
            {"name": "leia", "namespace": "kube-system", "uid": "another", "generateName": "x"},
            {"deletionTimestamp": MARK},
            {"managedFields": [{"manager": "somebody"}], "generation": 99, "creationTimestamp": MARK},
        ],
        ids=lambda crafted: ",".join(
            next(iter(value), "") if isinstance(value, dict) else key for key, value in crafted.items()
        ),
    )
    @pytest.mark.parametrize("on_status", [False, True], ids=["object", "status"])
    def test_crafted_metadata_is_dropped(self, crafted: dict[str, Any], *, on_status: bool) -> None:
        """Whoever has a syncer's credential marks, moves, frees and renames nothing with it."""
        both = cowboy(targets=(NORTH, SOUTH), held=(NORTH, SOUTH), annotations=diff(NORTH, status={"n": 1}))
        written = syncer_view(both, NORTH, URL)
        for part, value in crafted.items():
            kept = written["metadata"].get(part)
            written["metadata"][part] = {**kept, **value} if isinstance(kept, dict) else value
        before = copy.deepcopy(both)
        change = stored_change(both, written, key=NORTH, resource="cowboys", on_status=on_status, now=NOW)
        assert (change.object, change.main_changed, change.status_changed) == (before, False, False)


class TestFailures:
    """Why a pcluster refuses an object."""

    def test_a_target_sees_its_own(self) -> None:
        both = cowboy(targets=(NORTH, SOUTH), annotations={**failed(NORTH), **failed(SOUTH)})
        notes = syncer_view(both, NORTH, URL)["metadata"]["annotations"]
        assert {note for note in notes if note.startswith("sync-failed")} == set(failed(NORTH))

    def test_is_taken_from_a_write_of_the_object_and_bounded(self) -> None:
        existing = cowboy(targets=(NORTH, SOUTH), annotations=failed(SOUTH))
        notes = noted(existing, failed(NORTH, "x" * 5000))
        assert notes == {**failed(SOUTH), **failed(NORTH, "x" * 1024)}

    def test_steers_no_terminal(self) -> None:
        assert noted(cowboy(), failed(NORTH, "a\x1b[2J\nb …")) == failed(NORTH, "a [2J b …")

    def test_goes_when_the_write_is_without_it(self) -> None:
        assert noted(cowboy(annotations=failed(NORTH)), {}) == {}

    def test_is_no_concern_of_a_status(self) -> None:
        existing = cowboy(annotations=failed(NORTH))
        assert noted(existing, {}, on_status=True).items() >= failed(NORTH).items()
        assert "sync-failed" not in str(noted(cowboy(), failed(NORTH), on_status=True))

    def test_goes_with_the_target(self) -> None:
        assert noted(cowboy(annotations={**failed(NORTH), **DELETION}), failed(NORTH), dropped=True) == {}

    def test_is_told_once_and_when_it_is_over(self) -> None:
        fine, refused = cowboy(), cowboy(annotations=failed(NORTH))
        told = failure_notice(fine, refused, NORTH, "north")
        assert told == Notice(
            refused, "SyncFailed", "SyncTarget north refuses it: Invalid: spec.intent: Invalid value", warning=True
        )
        assert failure_notice(refused, refused, NORTH, "north") is None
        assert failure_notice(refused, refused, SOUTH, "south") is None
        assert failure_notice(refused, fine, NORTH, "north") == Notice(
            fine, "Synced", "SyncTarget north takes it again"
        )


def noted(existing: Any, annotations: dict[str, str], *, on_status: bool = False, dropped: bool = False) -> Any:
    """The annotations of an object after the syncer in the north wrote it with these, or let go of it."""
    written = syncer_view(existing, NORTH, URL)
    written["metadata"]["annotations"] = annotations
    if dropped:
        del written["metadata"]["finalizers"]
    change = stored_change(existing, written, key=NORTH, resource="cowboys", on_status=on_status, now=NOW)
    return change.object["metadata"].get("annotations") or {}
