"""What a change would do, over HTTP: who may plan what, and what of the answer is theirs to see."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from tests.integration.scheduling.ground import CONFIG_MAPS
from tests.integration.servers import at_rest
from tests.integration.virtual.outlook import ALICE, ANONYMOUS, BOB, CAROL, PLANS, STRANGER, Outlook, grant, rule

from headwater.apis.placement.v1alpha1.placement import PLACEMENTS
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.apiserver.authn.interface import UserInfo
from headwater.base import jsonio
from headwater.client.answers import decode_object
from headwater.machinery.errors import (
    BadRequest,
    Forbidden,
    Invalid,
    ServiceUnavailable,
    TooManyRequests,
)
from headwater.machinery.objects import Object
from headwater.scheduling.snapshot import policy_from
from headwater.virtual.scheduling.planning import MAX_AT_ONCE, Slots

PLAN = {"apiVersion": "placement.kcp.io/v1alpha1", "kind": "Plan"}
SYNCER = UserInfo("syncer", groups=("system:authenticated",))


def applied(kind: str, name: str, spec: Any = None, **rest: Any) -> Object:
    group = "sync.kcp.io" if kind == "SyncTarget" else "placement.kcp.io"
    meta = {"name": name, "labels": rest.pop("labels", {})}
    return {"apiVersion": f"{group}/v1alpha1", "kind": kind, "metadata": meta, "spec": spec or {}, **rest}


def names(entries: list[Object]) -> set[tuple[str, str]]:
    return {(entry["workspace"], entry["name"]) for entry in entries}


async def test_the_owner_of_a_pcluster_sees_who_has_to_leave(outlook: Outlook) -> None:
    """All workloads with their workspaces, and the load of the targets; and nothing changes."""
    await outlook.ground.skip(5)  # What is requested on a target is written some seconds later.
    before = await at_rest(outlook.ground.process.api.store.backend)
    status = await outlook.plan(CAROL, outlook.west, drain=["north"])
    assert names(status["moves"]) == {("root:shop", "web"), ("root:other", "ledger")}
    move = next(each for each in status["moves"] if each["name"] == "web")
    assert (move["resource"], move["namespace"]) == ("deployments.apps", "default")
    assert (move["before"], move["after"]) == ({"north": 2}, {"south": 2})
    assert move["cause"]
    assert status["summary"] == {"workloads": 2, "moves": 2, "dips": len(status["dips"]), "unplaced": 0}
    loads = {each["name"]: each for each in status["targets"]}
    assert loads["north"]["before"]["cpu"] == "400m"
    assert "truncated" not in status
    assert outlook.ground.process.api.store.backend.revision() == before
    assert outlook.world.on_target(outlook.west.key("south")) == ()
    made = decode_object(
        await outlook.send(
            CAROL,
            "POST",
            f"/clusters/{outlook.west.cluster}{PLANS}",
            jsonio.dumps({**PLAN, "spec": {"drain": ["north"]}}),
        )
    )
    assert (made["kind"], made["spec"], made["status"]) == ("Plan", {"drain": ["north"]}, status)


async def test_one_target_of_many(outlook: Outlook) -> None:
    """Who may change one SyncTarget plans with that one, and sees what has to do with it."""
    owner = UserInfo("owner", groups=("system:authenticated",))
    await grant(outlook.west, owner, rule("sync.kcp.io", "synctargets", "update", "delete", names=("north",)))
    for spec in ({"drain": ["north"]}, {"remove": ["north"]}, {"cordon": ["north"]}, {"fail": {"targets": ["north"]}}):
        status = await outlook.plan(owner, outlook.west, **spec)
        assert {target["name"] for target in status["targets"]} <= {"north"}
    status = await outlook.plan(owner, outlook.west, drain=["north"])
    assert [(each["before"], each["after"]) for each in status["moves"]] == [({"north": 2}, {})] * 2
    for spec in ({"drain": ["south"]}, {"remove": ["south"]}, {"drain": ["north", "none"]}, {"fail": {"cells": ["a"]}}):
        with pytest.raises(Forbidden):
            await outlook.plan(owner, outlook.west, **spec)


async def test_an_author_of_placements_sees_the_workspace(outlook: Outlook) -> None:
    """The workloads of the workspace wherever they are; nothing of others, and no loads."""
    outlook.know(outlook.shop, "second", {"south": 1})
    await outlook.west.location("north-only", {"matchLabels": {"name": "north"}})
    spec = {"locationWorkspace": outlook.west.path, "syncTargetSelector": {"names": ["south"]}}
    status = await outlook.plan(ALICE, outlook.shop, apply=[applied("Placement", "all", spec)])
    assert {workspace for workspace, _ in names(status["moves"])} <= {"root:shop"}
    assert status["targets"] == [], "of the workspace's own, which has none"
    assert status["summary"]["workloads"] == 2
    author = UserInfo("author", groups=("system:authenticated",))
    await grant(outlook.shop, author, rule("placement.kcp.io", "placements", "create", "update"))
    assert "targets" not in await outlook.plan(author, outlook.shop, apply=[applied("Placement", "all")])
    stored = await outlook.shop.resource(PLACEMENTS).get("all")
    assert stored["spec"]["syncTargetSelector"] == {}


async def test_placements_are_admitted_as_their_authors(outlook: Outlook) -> None:
    """Defaults, validation and the right to use Locations are those of a write; fields are named in the plan."""
    here = outlook.west.path
    with pytest.raises(Invalid) as refused:
        wrong = applied("Placement", "new", {"locationWorkspace": here, "targets": {"min": 3, "max": 2}})
        await outlook.plan(ALICE, outlook.shop, apply=[applied("Placement", "fine"), wrong])
    assert {cause["field"] for cause in refused.value.causes} == {"spec.apply[1].spec.targets"}
    with pytest.raises(BadRequest, match="nonsense"):
        await outlook.plan(ALICE, outlook.shop, apply=[applied("Placement", "new", {"nonsense": 1})])
    with pytest.raises(Invalid, match="Near"):
        near = {"matchExpressions": [{"key": "a", "operator": "Near", "values": ["b"]}]}
        await outlook.plan(ALICE, outlook.shop, apply=[applied("Placement", "new", {"namespaceSelector": near})])
    mine = await outlook.plan(ALICE, outlook.shop, apply=[applied("Placement", "new", {"locationWorkspace": here})])
    assert mine["summary"]["workloads"] == 1
    for workspace in (here, "root:none"):
        with pytest.raises(Forbidden, match="or it does not exist"):
            await outlook.plan(
                BOB, outlook.other, apply=[applied("Placement", "new", {"locationWorkspace": workspace})]
            )
    marked = applied("Placement", "new")
    marked["metadata"]["annotations"] = {"internal.workload.kcp.io/synctarget": outlook.west.key("south")}
    unmarked = await outlook.plan(ALICE, outlook.shop, apply=[applied("Placement", "new")])
    assert await outlook.plan(ALICE, outlook.shop, apply=[marked]) == unmarked


async def test_targets_and_locations_that_are_not_there_yet(outlook: Outlook) -> None:
    """A SyncTarget is planned as it will be with its syncer; what is known of one that is there stays."""
    new = applied("SyncTarget", "huge", {"cells": ["c"]}, status={"allocatable": {"cpu": "7", "memory": "1Gi"}})
    status = await outlook.plan(CAROL, outlook.west, apply=[new, applied("Location", "more")], drain=["north", "huge"])
    load = next(each for each in status["targets"] if each["name"] == "huge")
    assert load["before"] == load["after"] == {}
    found = await outlook.west.resource(SYNC_TARGETS).list()
    assert {each["metadata"]["name"] for each in found["items"]} == {"north", "south"}
    for allocatable in ({"cpu": "much"}, ["cpu"], {"cpu": 1}):
        with pytest.raises(Invalid) as refused:
            broken = applied("SyncTarget", "huge", status={"allocatable": allocatable})
            await outlook.plan(CAROL, outlook.west, apply=[broken])
        assert [cause["field"] for cause in refused.value.causes] == ["spec.apply[0].status.allocatable"]
    status = await outlook.plan(CAROL, outlook.west, apply=[applied("SyncTarget", "south", {"unschedulable": True})])
    assert {each["name"] for each in status["targets"]} <= {"north", "south"}


async def test_what_changes_come_to(outlook: Outlook) -> None:
    """Losses dip, moves that are asked for don't; what changes nothing moves nothing."""
    both = {("root:shop", "web"), ("root:other", "ledger")}
    lost = await outlook.plan(CAROL, outlook.west, fail={"cells": ["a"]})
    assert names(lost["moves"]) == names(lost["dips"]) == both
    assert {(dip["wanted"], dip["floor"]) for dip in lost["dips"]} == {(2, 0)}
    taint = {"key": "broken", "effect": "NoExecute"}
    tainted = await outlook.plan(CAROL, outlook.west, apply=[applied("SyncTarget", "north", {"taints": [taint]})])
    assert (names(tainted["moves"]), tainted["dips"]) == (both, [])
    tolerates = {"key": "broken", "operator": "Exists"}
    for toleration, moved in (
        ({**tolerates, "tolerationSeconds": 3600}, both),
        (tolerates, {("root:other", "ledger")}),
    ):
        stored = await outlook.shop.resource(PLACEMENTS).patch("all", {"spec": {"tolerations": [toleration]}})
        before = outlook.world.policy(stored["metadata"]["uid"])
        assert before is not None
        outlook.world.put_policy(policy_from(stored, before.required, outlook.west.cluster))
        again = await outlook.plan(CAROL, outlook.west, apply=[applied("SyncTarget", "north", {"taints": [taint]})])
        assert names(again["moves"]) == moved
    narrow = {"instanceSelector": {"matchLabels": {"name": "south"}}}
    locations = [applied("Location", name, narrow) for name in ("all", "default")]
    left = await outlook.plan(CAROL, outlook.west, apply=locations)
    assert names(left["moves"]) == both
    assert {each["cause"] for each in left["moves"]} == {"Location all is changed"}
    same = await outlook.plan(ALICE, outlook.shop, apply=[applied("Placement", "all")])
    assert (same["moves"], same["dips"], same["unplaced"]) == ([], [], [])
    elsewhere = {"syncTargetSelector": {"names": ["south"]}}
    moved = await outlook.plan(ALICE, outlook.shop, apply=[applied("Placement", "all", elsewhere)])
    assert [(each["before"], each["after"]) for each in moved["moves"]] == [({"north": 2}, {"south": 2})]
    full = {"syncTargetSelector": {"names": ["none"]}}
    nowhere = await outlook.plan(ALICE, outlook.shop, apply=[applied("Placement", "all", full)])
    assert [(each["name"], each["replicas"]) for each in nowhere["unplaced"]] == [("web", 2)]
    assert nowhere["unplaced"][0]["reasons"]


async def test_names_must_be_there(outlook: Outlook) -> None:
    """Every name that leads nowhere is told at once, to those who may know."""
    spec = {"drain": ["north", "x"], "cordon": ["y"], "remove": ["z"], "fail": {"targets": ["w"], "cells": ["a", "q"]}}
    with pytest.raises(Invalid) as refused:
        await outlook.plan(CAROL, outlook.west, **spec)
    fields = ["spec.drain[1]", "spec.cordon[0]", "spec.fail.targets[0]", "spec.remove[0]", "spec.fail.cells[1]"]
    assert [cause["field"] for cause in refused.value.causes] == fields
    assert {cause["reason"] for cause in refused.value.causes} == {"FieldValueNotFound"}


SPECS: tuple[dict[str, Any], ...] = (
    {"drain": ["north"]},
    {"cordon": ["none"]},
    {"fail": {"targets": ["north"]}},
    {"fail": {"cells": ["a"]}},
    {"remove": ["north"]},
    {"apply": [applied("Placement", "all")]},
    {"apply": [applied("Placement", "none")]},
    {"apply": [applied("SyncTarget", "north")]},
    {"apply": [applied("Location", "all")]},
)


async def test_others_can_plan_nothing(outlook: Outlook) -> None:
    """Strangers, tenants of other workspaces and syncers are refused alike, and nothing of anybody is in the text."""
    sync = rule("sync.kcp.io", "synctargets", "sync", "get", "list", "watch")
    await grant(outlook.west, SYNCER, sync, rule("sync.kcp.io", "synctargets/status", "get", "patch", "update"))
    reader = UserInfo("reader", groups=("system:authenticated",))
    await grant(outlook.shop, reader, rule("placement.kcp.io", "placements", "get", "list", "watch", "patch"))
    asked = [
        *itertools.product((STRANGER, ANONYMOUS, BOB, SYNCER), (outlook.west.path, outlook.west.cluster, "root:none")),
        *itertools.product((STRANGER, ANONYMOUS, BOB, CAROL, reader), (outlook.shop.path, outlook.shop.cluster)),
    ]
    answers: dict[tuple[str, str], set[bytes]] = {}
    for (user, workspace), spec in itertools.product(asked, SPECS):
        body = jsonio.dumps({**PLAN, "spec": spec})
        answer = await outlook.send(user, "POST", f"/clusters/{workspace}{PLANS}", body)
        assert answer.status == 403, (user.name, workspace, spec, answer.body)
        for hidden in (b"web", b"ledger", b"south", outlook.shop.cluster.encode(), outlook.other.cluster.encode()):
            assert hidden not in answer.body
        answers.setdefault((user.name, str(spec)), set()).add(answer.body)
    assert all(len(bodies) == 1 for bodies in answers.values()), "the same for what exists and what does not"


async def test_without_a_world(outlook: Outlook) -> None:
    outlook.horizon.world = None
    with pytest.raises(ServiceUnavailable) as refused:
        await outlook.plan(CAROL, outlook.west, drain=["north"])
    assert refused.value.retry_after_seconds
    with pytest.raises(Forbidden):
        await outlook.plan(BOB, outlook.west, drain=["north"])


async def test_yaml_is_read(outlook: Outlook) -> None:
    body = b"kind: Plan\napiVersion: placement.kcp.io/v1alpha1\nspec:\n  cordon: [north]\n"
    answer = await outlook.send(CAROL, "POST", f"/clusters/{outlook.west.path}{PLANS}", body, "application/yaml")
    assert answer.status == 201
    assert decode_object(answer)["status"]["moves"] == []


async def test_nothing_secret_is_read(outlook: Outlook) -> None:
    """What a plan can't apply it does not look at."""
    await outlook.shop.resource(CONFIG_MAPS, "default").create(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}
    )
    with pytest.raises(Invalid, match="Unsupported value"):
        await outlook.plan(
            ALICE, outlook.shop, apply=[{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}]
        )


async def test_slots() -> None:
    """A place stays taken until the work in it is done, also when nobody waits for it any more; each has one."""
    slots, begun, go_on = Slots(MAX_AT_ONCE), asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def work() -> int:
        loop.call_soon_threadsafe(begun.set)
        return asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()

    async def hold() -> int:
        async with slots.take("one") as slot:
            return await slot.in_thread(work)

    task = asyncio.create_task(hold())
    await begun.wait()
    with pytest.raises(TooManyRequests):
        slots.take("one")
    async with slots.take("other"):
        with pytest.raises(TooManyRequests) as refused:
            slots.take("third")
        assert refused.value.retry_after_seconds
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert slots.free == MAX_AT_ONCE - 1
    go_on.set()
    async with asyncio.timeout(30):
        while slots.free < MAX_AT_ONCE:
            await asyncio.sleep(0)
    assert await hold() is True
    assert slots.free == MAX_AT_ONCE
