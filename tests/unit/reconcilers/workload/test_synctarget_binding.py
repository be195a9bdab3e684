"""How a person binds a SyncTarget to another pcluster, and what is told of wrong ones."""

from __future__ import annotations

import pytest

from headwater.apis.sync.v1alpha1.synctarget import BIND_TO_PCLUSTER_ANNOTATION
from headwater.machinery.conditions import conditions
from headwater.machinery.objects import Object, annotations
from headwater.reconcilers.workload.synctarget.step_binding import bind, binding_notice, bound_to, consume_binding


def target(bound: str = "", *, wanted: str | None = None, wrong: str = "") -> Object:
    """A SyncTarget that is bound to a pcluster, with an annotation and with a condition of a wrong one."""
    notes = {} if wanted is None else {BIND_TO_PCLUSTER_ANNOTATION: wanted}
    said = {"type": "PClusterBound", "status": "False", "reason": "OtherPCluster", "message": wrong}
    status = {"conditions": [said] if wrong else [], **({"pclusterID": bound} if bound else {})}
    return {"metadata": {"name": "east", "annotations": notes}, "status": status}


@pytest.mark.parametrize(
    ("bound", "wanted", "after", "left"),
    [
        ("a", "b", "b", False),
        ("", "b", "b", False),
        ("a", "a", "a", True),
        ("a", None, "a", True),
        ("a", "", "a", True),
        ("a", "no id", "a", True),
        ("a", "b" * 65, "a", True),
        ("a", "b\n", "a", True),
    ],
)
def test_bind(bound: str, wanted: str | None, after: str, left: bool) -> None:
    """Only a possible ID that is another one changes anything, and that ends the warning."""
    obj = target(bound, wanted=wanted, wrong="x")
    bind(obj)
    assert bound_to(obj) == after
    assert bool(conditions(obj)) == left


@pytest.mark.parametrize(("bound", "wanted", "stays"), [("a", "a", False), ("a", "b", True), ("", "", False)])
def test_the_annotation_stays_until_it_is_so(bound: str, wanted: str, stays: bool) -> None:
    obj = target(bound, wanted=wanted)
    consume_binding(obj)
    assert (BIND_TO_PCLUSTER_ANNOTATION in annotations(obj)) == stays


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (target("a"), target("a", wrong="x"), "OtherPCluster"),
        (target("a", wrong="x"), target("a", wrong="x"), None),
        (target("a", wrong="x"), target("b"), "PClusterRebound"),
        (target(), target("a"), None),
        (None, target("a", wrong="x"), None),
    ],
    ids=["wrong one", "said already", "bound anew", "first report", "found"],
)
def test_notices(before: Object | None, after: Object, reason: str | None) -> None:
    notice = binding_notice(before, after)
    assert (notice.reason if notice is not None else None) == reason
