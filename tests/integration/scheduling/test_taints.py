"""Taints and cells as owners of pclusters write them: since when a taint is there, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.scheduling.ground import Ground, Space

from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.machinery.errors import Invalid
from headwater.machinery.objects import Object
from headwater.machinery.timestamps import parse_time

NO_EXECUTE = {"key": "broken", "value": "disk", "effect": "NoExecute"}
NO_SCHEDULE = {"key": "gpu", "effect": "NoSchedule"}


async def taints(space: Space) -> list[Object]:
    found: list[Object] = (await space.resource(SYNC_TARGETS).get("one"))["spec"]["taints"]
    return found


async def set_taints(space: Space, *wanted: Object) -> list[Object]:
    await space.resource(SYNC_TARGETS).patch("one", {"spec": {"taints": list(wanted)}})
    return await taints(space)


async def test_a_taint_that_moves_workloads_away_says_since_when(ground: Ground) -> None:
    """Nobody can move the time: not backwards, not forwards, not by leaving it out."""
    space = await ground.workspace("west", compute=False)
    forged = {**NO_EXECUTE, "timeAdded": "2001-01-01T00:00:00Z"}
    before = ground.clock.now().replace(microsecond=0)
    await space.target("one", ready=False, taints=[forged, {**NO_SCHEDULE, "timeAdded": "2001-01-01T00:00:00Z"}])
    dated, plain = await taints(space)
    assert plain == NO_SCHEDULE
    assert before <= parse_time(dated["timeAdded"]) <= ground.clock.now()
    ground.clock.skip(100)
    assert await set_taints(space, NO_SCHEDULE, NO_EXECUTE) == [NO_SCHEDULE, dated]
    assert await set_taints(space, {**NO_EXECUTE, "timeAdded": "2099-01-01T00:00:00Z"}) == [dated]
    await space.resource(SYNC_TARGETS).patch_status("one", {"status": {"lastSyncTime": "2026-01-01T00:00:00Z"}})
    assert await taints(space) == [dated]
    (other,) = await set_taints(space, {**NO_EXECUTE, "value": "fan"})
    assert other["timeAdded"] > dated["timeAdded"]
    await set_taints(space, NO_SCHEDULE)
    (again,) = await set_taints(space, NO_EXECUTE)
    assert again["timeAdded"] >= other["timeAdded"]


async def test_applied_taints_keep_their_time(ground: Ground) -> None:
    """A manifest without the time can be applied again and again, by anyone."""
    space = await ground.workspace("west", compute=False)
    body: Object = {
        "apiVersion": "sync.kcp.io/v1alpha1",
        "kind": "SyncTarget",
        "metadata": {"name": "one"},
        "spec": {"taints": [NO_EXECUTE]},
    }
    targets = space.resource(SYNC_TARGETS)
    seen = []
    for manager in ("a", "b", "a"):
        await targets.apply(body, field_manager=manager, force=True)
        seen += await taints(space)
        ground.clock.skip(10)
    assert seen == [seen[0]] * 3
    await targets.apply({**body, "spec": {}}, field_manager="a", force=True)
    assert await taints(space) == seen[:1]
    await targets.apply({**body, "spec": {}}, field_manager="b", force=True)
    assert not (await targets.get("one"))["spec"].get("taints")


REFUSED = {
    "twice": ({"taints": [NO_EXECUTE, {**NO_EXECUTE, "value": "fan"}]}, r"spec\.taints\[1\]: Duplicate value"),
    "key": ({"taints": [{**NO_SCHEDULE, "key": "no key"}]}, r"spec.taints\[0\].key: .*: key must be a label key"),
    "value": ({"taints": [NO_SCHEDULE, {**NO_SCHEDULE, "key": "a", "value": "a b"}]}, r"spec\.taints\[1\]\.value"),
    "effect": ({"taints": [{**NO_SCHEDULE, "effect": "PreferNoSchedule"}]}, r"spec\.taints\[0\]\.effect"),
    "no list": ({"taints": "gpu"}, r"spec\.taints"),
    "no map": ({"taints": ["gpu"]}, r"spec\.taints\[0\]"),
    "cell": ({"cells": ["a", "zone a"]}, r'spec\.cells\[1\]: Invalid value: "zone a": must be a label value'),
    "same cells": ({"cells": ["a", "a"]}, r"spec\.cells\[1\]: Duplicate value"),
    "time": ({"evictAfter": "tomorrow"}, r"spec\.evictAfter"),
    "time before all times": ({"evictAfter": "0001-01-01T00:00:00+10:00"}, r"spec\.evictAfter.*years 1 to 9999"),
}


@pytest.mark.parametrize(("spec", "message"), REFUSED.values(), ids=REFUSED)
async def test_what_makes_no_sense_is_refused_by_field(ground: Ground, spec: dict[str, Any], message: str) -> None:
    space = ground.space("root", "root")
    with pytest.raises(Invalid, match=message):
        await space.target("one", ready=False, **spec)
