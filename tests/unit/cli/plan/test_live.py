"""What the control plane says against a plan, in words for people."""

from __future__ import annotations

import pytest

from headwater.cli.plan.live import absence

CAUSES = {
    "target": ({"field": "spec.drain[0]", "message": 'Not found: "x"'}, 'SyncTarget "x" not found'),
    "failing": ({"field": "spec.fail.targets[1]", "message": 'Not found: "x"'}, 'SyncTarget "x" not found'),
    "cell": ({"field": "spec.fail.cells[0]", "message": 'Not found: "x"'}, 'cell "x" not found'),
    "workspace": ({"field": "spec.apply[0].spec.locationWorkspace", "message": 'Not found: "root:x"'}, ""),
    "other": ({"reason": "FieldValueInvalid", "field": "spec.drain[0]", "message": "must be a name"}, ""),
}


@pytest.mark.parametrize(("cause", "words"), CAUSES.values(), ids=CAUSES)
def test_what_is_not_there(cause: dict[str, str], words: str) -> None:
    """What has nothing to do with a list of SyncTargets stays as the server says it."""
    assert absence({"reason": "FieldValueNotFound", **cause}) == words
