"""Steps, commits and triggers."""

from __future__ import annotations

import pytest

from headwater.controller import Outcome, Result, requeue_after, run_steps
from headwater.controller.commit import merge_patch_of
from headwater.controller.steps import STOP
from headwater.controller.triggers import spec_or_metadata_changed
from headwater.machinery.objects import Object


async def test_steps_run_in_order_until_one_stops() -> None:
    seen: list[str] = []

    def first(obj: Object) -> None:
        seen.append("first")

    async def second(obj: Object) -> Outcome:
        seen.append("second")
        return requeue_after(20)

    def third(obj: Object) -> Outcome:
        seen.append("third")
        return requeue_after(10, stop=True)

    def fourth(obj: Object) -> Outcome:
        raise AssertionError("not reached")

    assert await run_steps([first, second, third, fourth], {}) == Result(requeue_after_seconds=10)
    assert seen == ["first", "second", "third"]
    assert await run_steps([lambda _: STOP], {}) == Result()


OLD: Object = {
    "metadata": {"name": "a", "uid": "u", "resourceVersion": "7"},
    "spec": {"x": 1, "y": 2},
    "status": {"z": 1},
}


@pytest.mark.parametrize(
    ("new", "patch"),
    [
        pytest.param(OLD, None, id="nothing"),
        pytest.param(
            {**OLD, "spec": {"x": 1}},
            ({"metadata": {"uid": "u", "resourceVersion": "7"}, "spec": {"y": None}}, ""),
            id="spec",
        ),
        pytest.param(
            {**OLD, "metadata": {**OLD["metadata"], "labels": {"l": "v"}}},
            ({"metadata": {"labels": {"l": "v"}, "uid": "u", "resourceVersion": "7"}}, ""),
            id="metadata",
        ),
        pytest.param(
            {**OLD, "status": {"z": 2}},
            ({"metadata": {"uid": "u", "resourceVersion": "7"}, "status": {"z": 2}}, "status"),
            id="status",
        ),
        pytest.param(
            {field: value for field, value in OLD.items() if field != "status"},
            ({"metadata": {"uid": "u", "resourceVersion": "7"}, "status": {"z": None}}, "status"),
            id="status removed",
        ),
    ],
)
def test_commits(new: Object, patch: tuple[Object, str] | None) -> None:
    """A commit has only what changed, with uid and resourceVersion as preconditions."""
    assert merge_patch_of(OLD, new) == patch


def test_a_pass_changes_status_or_the_rest() -> None:
    with pytest.raises(AssertionError, match="never both"):
        merge_patch_of(OLD, {**OLD, "spec": {}, "status": {}})


@pytest.mark.parametrize(
    ("new", "changed"),
    [
        (OLD, False),
        ({**OLD, "status": {}}, False),
        ({**OLD, "metadata": {**OLD["metadata"], "resourceVersion": "8", "managedFields": []}}, False),
        ({**OLD, "metadata": {**OLD["metadata"], "labels": {}}}, True),
        ({**OLD, "spec": {}}, True),
        ({**OLD, "data": {}}, True),
        (None, True),
    ],
)
def test_changes_that_are_more_than_status(new: Object | None, changed: bool) -> None:
    assert spec_or_metadata_changed(OLD, new) is changed
