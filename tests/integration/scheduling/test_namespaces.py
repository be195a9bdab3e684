"""Namespaces get and lose the targets of the Placements that select them."""

from __future__ import annotations

import pytest
from tests.integration.scheduling.ground import NAMESPACES, Ground, eventually, states

from headwater.apis.placement.v1alpha1.placement import PLACEMENTS
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.machinery.objects import annotations
from headwater.machinery.timestamps import format_time
from headwater.reconcilers.scheduling.namespace import step_schedule

PLACED = "scheduling.kcp.io/placement"


async def test_binding_and_condition(ground: Ground) -> None:
    """Unschedulable without a Placement, without a target, and scheduled with both; the mark comes and goes."""
    space = await ground.workspace("west")
    condition = ("default", "NamespaceScheduled")
    await space.condition(NAMESPACES, *condition, "False", "Unschedulable", "No available placements")
    await space.location("everywhere")
    await space.place()
    await space.condition(NAMESPACES, *condition, "False", "Unschedulable", "No available sync targets")
    key = await space.target("one")
    placed = await space.condition(NAMESPACES, *condition, "True")
    assert annotations(placed)[PLACED] == ""
    assert states(placed) == {key: "Sync"}
    await space.resource(PLACEMENTS).delete("all")
    left = await space.condition(NAMESPACES, *condition, "False", "Unschedulable", "No available placements")
    assert PLACED not in annotations(left)


async def test_the_grace_of_a_removal(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that is given up is marked first; its label goes some time later."""
    monkeypatch.setattr(step_schedule, "REMOVAL_GRACE_SECONDS", 60.0)
    space = await ground.workspace("west")
    one = await space.target("one")
    await space.place()
    await space.holds_namespace("default", {one: "Sync"})
    two = await space.target("two")
    await space.resource(SYNC_TARGETS).patch("one", {"spec": {"evictAfter": format_time(ground.clock.now())}})
    marked = await space.holds_namespace("default", {one: "Sync-", two: "Sync"})
    assert annotations(marked)[f"deletion.internal.workload.kcp.io/{one}"].endswith("Z")
    await ground.skip(30)
    await space.namespace("probe")
    await space.holds_namespace("probe", {two: "Sync"})
    await space.holds_namespace("default", {one: "Sync-", two: "Sync"})
    await ground.skip(31)
    await space.holds_namespace("default", {two: "Sync"})


async def test_chosen_again_within_the_grace(ground: Ground) -> None:
    space = await ground.workspace("west")
    key = await space.target("one")
    await space.place(namespaceSelector={"matchLabels": {"tier": "web"}})
    await space.namespace("web", tier="web")
    await space.holds_namespace("web", {key: "Sync"})
    namespaces = space.resource(NAMESPACES)
    await namespaces.patch("web", {"metadata": {"labels": {"tier": None}}})
    await space.holds_namespace("web", {key: "Sync-"})
    await namespaces.patch("web", {"metadata": {"labels": {"tier": "web"}}})
    await space.holds_namespace("web", {key: "Sync"})


async def test_union_of_placements(ground: Ground) -> None:
    """Each Placement adds its targets; one that two Placements chose stays until both let go."""
    space = await ground.workspace("west")
    keys = {name: await space.target(name) for name in ("one", "two")}
    for name in keys:
        await space.location(name, {"matchLabels": {"name": name}})
        await space.place(name, locationSelector={"names": [name]})
    await space.place("second-one", locationSelector={"names": ["one"]})
    both = {keys["one"]: "Sync", keys["two"]: "Sync"}
    await space.holds_namespace("default", both)
    await space.chosen("one", name="second-one")
    await space.resource(PLACEMENTS).delete("one")
    await space.namespace("probe")
    await space.holds_namespace("probe", both)
    assert states(await space.resource(NAMESPACES).get("default")) == both
    await space.resource(PLACEMENTS).delete("second-one")
    await space.holds_namespace("default", {keys["one"]: "Sync-", keys["two"]: "Sync"})


async def test_system_namespaces_stay_here(ground: Ground) -> None:
    space = await ground.workspace("west")
    key = await space.target("one")
    await space.place()
    await space.namespace("kcp-system")
    await space.holds_namespace("default", {key: "Sync"})
    for name in ("kube-system", "kcp-system"):
        found = await space.resource(NAMESPACES).get(name)
        assert (states(found), PLACED in annotations(found)) == ({}, False)


async def test_an_unreadable_mark_ends_at_once(ground: Ground) -> None:
    space = await ground.workspace("west")
    key = await space.target("one", ready=False)
    marks = {"labels": {f"state.workload.kcp.io/{key}": "Sync"}}
    notes = {"annotations": {f"deletion.internal.workload.kcp.io/{key}": "soon"}}
    await space.resource(NAMESPACES).patch("default", {"metadata": {**marks, **notes}})
    await eventually(
        lambda: space.resource(NAMESPACES).get("default"),
        lambda obj: not states(obj) and not any("deletion" in note for note in annotations(obj)),
    )
