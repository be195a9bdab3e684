"""Replicas shared out among several targets, and one status made of theirs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.integration.scheduling.ground import (
    DEPLOYMENTS,
    SERVICES,
    Ground,
    Space,
    Syncer,
    deployment,
    eventually,
    ready_status,
)

from headwater.apis.placement.v1alpha1.placement import PLACEMENTS
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.apis.workload.scheduled import without_scheduled
from headwater.apiserver.authn.interface import UserInfo
from headwater.base import jsonio
from headwater.machinery.objects import Object, annotations
from headwater.machinery.timestamps import format_time

SPEC_DIFF = "experimental.spec-diff.workload.kcp.io/"
DIVIDED = {"mode": "Divided"}


async def shares(space: Space, expected: dict[str, int], name: str = "web") -> Object:
    """Wait for the replicas of each target, by its name, as the spec diffs say."""
    names = {space.key(each["metadata"]["name"]): each["metadata"]["name"] for each in await all_targets(space)}

    def shared(obj: Object) -> bool:
        found = {
            names[note.removeprefix(SPEC_DIFF)]: int(re.findall(r'"value": (\d+)', text)[0])
            for note, text in annotations(obj).items()
            if note.startswith(SPEC_DIFF)
        }
        return found == expected

    return await eventually(lambda: space.resource(DEPLOYMENTS, "default").get(name), shared)


async def all_targets(space: Space) -> list[Object]:
    found: list[Object] = (await space.resource(SYNC_TARGETS).list())["items"]
    return found


async def divided(ground: Ground, replicas: int, *targets: str, **policy: Any) -> Space:
    """A workspace with a Deployment `web` divided among targets."""
    space = await ground.workspace("west")
    for name in targets:
        await space.target(name)
    await space.place(targets={"min": 1, "max": 4}, replicas={**DIVIDED, **policy})
    await space.chosen(*targets)
    await space.resource(DEPLOYMENTS, "default").create(deployment("web", replicas))
    return space


async def running(space: Space, replicas: dict[str, int]) -> dict[str, Syncer]:
    """Syncers that claimed `web` and report this many ready replicas."""
    syncers = {}
    for name, ready in replicas.items():
        syncers[name] = await space.ground.syncer(space, name)
        await syncers[name].claim(space, DEPLOYMENTS, "web")
        await syncers[name].report(space, DEPLOYMENTS, "web", **ready_status(ready))
    return syncers


async def test_equal_shares_follow_the_replicas(ground: Ground) -> None:
    """Each target's view has its part, in the exact text that others know; they always add up."""
    space = await divided(ground, 7, "one", "two", "three")
    obj = await eventually(
        lambda: space.resource(DEPLOYMENTS, "default").get("web"),
        lambda found: sum(note.startswith(SPEC_DIFF) for note in annotations(found)) == 3,
    )
    texts = sorted(text for note, text in annotations(obj).items() if note.startswith(SPEC_DIFF))
    one_of = '[{{ "op": "replace", "path": "/replicas", "value": {} }}]'.format
    assert texts == [one_of(2), one_of(2), one_of(3)]
    seen = 0
    for name in ("one", "two", "three"):
        syncer = await ground.syncer(space, name)
        seen += (await syncer.resource(space, DEPLOYMENTS).get("web"))["spec"]["replicas"]
    assert seen == 7
    await space.resource(DEPLOYMENTS, "default").patch("web", {"spec": {"replicas": 9}})
    await shares(space, {"one": 3, "two": 3, "three": 3})


async def test_weights_by_name(ground: Ground) -> None:
    """Shares go by weight from the first moment on; a target without a weight gets nothing."""
    space = await divided(ground, 8, "one", "two", "three", weights={"one": 3, "two": 1})
    found = await space.holds(DEPLOYMENTS, "web", dict.fromkeys(map(space.key, ("one", "two")), "Sync"))
    await shares(space, {"one": 6, "two": 2})
    weights = {"one": 1, "two": None, "three": 1}
    await space.resource(PLACEMENTS).patch("all", {"spec": {"replicas": {"weights": weights}}})
    await shares(space, {"one": 4, "two": 0, "three": 4})
    assert found["spec"]["replicas"] == 8


async def test_duplicated_again(ground: Ground) -> None:
    space = await divided(ground, 4, "one", "two")
    await shares(space, {"one": 2, "two": 2})
    await space.resource(PLACEMENTS).patch("all", {"spec": {"replicas": {"mode": "Duplicated"}}})
    await shares(space, {})


async def test_spec_diffs_of_others_stay(ground: Ground) -> None:
    space = await divided(ground, 4, "one", "two")
    await shares(space, {"one": 2, "two": 2})
    note = SPEC_DIFF + space.key("one")
    text = '[{"op": "replace", "path": "/replicas", "value": 9}]'
    web = space.resource(DEPLOYMENTS, "default")
    await web.patch("web", {"metadata": {"annotations": {note: text}}, "spec": {"replicas": 6}})
    found = await shares(space, {"one": 9, "two": 3})
    assert annotations(found)[note] == text


async def test_a_change_for_one_target_and_its_share_both_apply(ground: Ground) -> None:
    """Whichever comes first; the share follows, and the change stays when nothing is divided any more."""
    space = await divided(ground, 4, "one", "two")
    await shares(space, {"one": 2, "two": 2})
    note = SPEC_DIFF + space.key("one")
    own = '[{"op":"add","path":"/minReadySeconds","value":7}]'
    objects = space.resource(DEPLOYMENTS, "default")
    await objects.patch("web", {"metadata": {"annotations": {note: own}}})
    syncer = await ground.syncer(space, "one")

    async def seen() -> tuple[int, int]:
        spec = (await syncer.resource(space, DEPLOYMENTS).get("web"))["spec"]
        return spec["replicas"], spec.get("minReadySeconds", 0)

    await eventually(seen, lambda found: found == (2, 7))
    await objects.patch("web", {"spec": {"replicas": 8}})
    await eventually(seen, lambda found: found == (4, 7))
    await space.resource(PLACEMENTS).patch("all", {"spec": {"replicas": {"mode": "Duplicated"}}})
    await eventually(seen, lambda found: found == (8, 7))
    assert annotations(await objects.get("web"))[note] == own


async def test_no_write_of_a_user_takes_a_share_away(ground: Ground) -> None:
    """Not for a moment: what is answered to it has the share already, and so has whatever a syncer sees."""
    space = await divided(ground, 4, "one", "two")
    await shares(space, {"one": 2, "two": 2})
    await space.condition_of("web", "True", "Scheduled", "")  # Nothing is left to be written between get and update.
    admin = ground.as_user(UserInfo("admin", groups=("system:masters", "system:authenticated")))
    objects = admin.cluster(space.cluster).resource(DEPLOYMENTS, "default")
    note = SPEC_DIFF + space.key("one")
    ours = '{ "op": "replace", "path": "/replicas", "value": 2 }'
    own = '{"op":"add","path":"/minReadySeconds","value":7}'

    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", **deployment("web", 4)}
    manifest["metadata"] = {**manifest["metadata"], "annotations": {note: f"[{own}]"}}
    for force in (True, False):
        applied = await objects.apply(manifest, field_manager="kubectl", force=force)
        assert annotations(applied)[note] == f"[{own}, {ours}]"
    replaced = await objects.get("web")
    replaced["metadata"]["annotations"] = {}
    assert annotations(await objects.update(replaced))[note] == f"[{ours}]"
    changed = await objects.patch("web", {"metadata": {"annotations": {note: f"[{own}]"}}})
    assert annotations(changed)[note] == f"[{own}, {ours}]"
    removed = await objects.patch("web", {"metadata": {"annotations": {note: None}}})
    assert annotations(removed)[note] == f"[{ours}]"


async def test_a_share_shrinks_only_when_others_are_ready(ground: Ground) -> None:
    """A third target joins: the first two keep their replicas until its own are ready."""
    space = await divided(ground, 6, "one", "two")
    await shares(space, {"one": 3, "two": 3})
    await running(space, {"one": 3, "two": 3})
    await space.target("three")
    await space.chosen("one", "two", "three")
    await shares(space, {"one": 3, "two": 3, "three": 2})
    third = (await running(space, {"three": 1}))["three"]
    await shares(space, {"one": 3, "two": 3, "three": 2})
    await third.report(space, DEPLOYMENTS, "web", **ready_status(2))
    await shares(space, {"one": 2, "two": 2, "three": 2})


async def test_a_drained_target_keeps_its_share_to_the_end(ground: Ground) -> None:
    """The others grow first; the drained one is not told to run everything meanwhile."""
    space = await divided(ground, 6, "one", "two")
    await shares(space, {"one": 3, "two": 3})
    syncers = await running(space, {"one": 3, "two": 3})
    now = format_time(ground.clock.now())
    await space.resource(SYNC_TARGETS).patch("one", {"spec": {"evictAfter": now}})
    await shares(space, {"one": 3, "two": 6})
    one, two = space.key("one"), space.key("two")
    await space.holds(DEPLOYMENTS, "web", {one: "Sync", two: "Sync"})
    await syncers["two"].report(space, DEPLOYMENTS, "web", **ready_status(6))
    await space.holds(DEPLOYMENTS, "web", {one: "Sync-", two: "Sync"})
    await syncers["one"].let_go(space, DEPLOYMENTS, "web")
    await shares(space, {"two": 6})


async def status(space: Space, **expected: object) -> Object:
    """Wait until the upstream status has these values."""

    def summarised(obj: Object) -> bool:
        found = obj.get("status") or {}
        return {field: found.get(field) for field in expected} == expected

    return await eventually(lambda: space.resource(DEPLOYMENTS, "default").get("web"), summarised)


async def test_divided_status_adds_up(ground: Ground) -> None:
    space = await divided(ground, 4, "one", "two")
    syncers = await running(space, {"one": 2, "two": 1})
    await status(space, replicas=3, readyReplicas=3, availableReplicas=3)
    await syncers["two"].report(space, DEPLOYMENTS, "web", **ready_status(2))
    await status(space, replicas=4, readyReplicas=4)


async def test_duplicated_status_is_the_worst(ground: Ground) -> None:
    """As ready as the worst copy, with the worst condition of each type."""
    space = await ground.workspace("west")
    for name in ("one", "two"):
        await space.target(name)
    await space.place(targets={"min": 2, "max": 2})
    await space.chosen("one", "two")
    await space.resource(DEPLOYMENTS, "default").create(deployment("web", 3))
    syncers = await running(space, {"one": 3, "two": 1})
    await status(space, replicas=1, readyReplicas=1)
    good = {"type": "Available", "status": "True", "lastUpdateTime": "2026-01-01T00:00:00Z"}
    bad = {**good, "status": "False", "reason": "MinimumReplicasUnavailable"}
    for name, condition in (("one", good), ("two", bad)):
        await syncers[name].report(space, DEPLOYMENTS, "web", conditions=[condition])
    found = await eventually(
        lambda: space.resource(DEPLOYMENTS, "default").get("web"),
        lambda obj: without_scheduled(obj["status"]).get("conditions") == [bad],
    )
    assert found["metadata"]["generation"] == 1


async def test_a_second_target_does_not_cost_the_first_its_status(ground: Ground) -> None:
    """What the first one reported stays known, though the object's status is nobody's any more."""
    space = await ground.workspace("west")
    await space.target("one")
    await space.place(targets={"min": 1, "max": 2})
    await space.chosen("one")
    await space.resource(DEPLOYMENTS, "default").create(deployment("web", 3))
    first = (await running(space, {"one": 3}))["one"]
    await status(space, readyReplicas=3)
    await space.target("two")
    await space.holds(DEPLOYMENTS, "web", {space.key("one"): "Sync", space.key("two"): "Sync"})
    await status(space, readyReplicas=None)
    assert (await first.resource(space, DEPLOYMENTS).get("web"))["status"]["readyReplicas"] == 3
    await running(space, {"two": 3})
    await status(space, readyReplicas=3)


@pytest.mark.parametrize("how", ["let-go", "deleted"])
async def test_the_last_target_speaks_for_the_object(ground: Ground, how: str) -> None:
    """After one of two targets is gone, in order or not, the status is that of the other one."""
    space = await ground.workspace("west")
    for name in ("one", "two"):
        await space.target(name)
    await space.place(targets={"min": 1, "max": 2})
    await space.chosen("one", "two")
    await space.resource(DEPLOYMENTS, "default").create(deployment("web", 3))
    syncers = await running(space, {"one": 1, "two": 3})
    await status(space, readyReplicas=1)
    if how == "deleted":
        await space.resource(SYNC_TARGETS).delete("one")
    else:
        now = format_time(ground.clock.now())
        await space.resource(SYNC_TARGETS).patch("one", {"spec": {"evictAfter": now}})
        await syncers["one"].let_go(space, DEPLOYMENTS, "web")
    await space.holds(DEPLOYMENTS, "web", {space.key("two"): "Sync"})
    await status(space, readyReplicas=3)
    view = await syncers["two"].resource(space, DEPLOYMENTS).get("web")
    assert view["status"]["readyReplicas"] == 3


async def test_a_status_that_is_not_to_be_promoted(ground: Ground) -> None:
    """The owner of the object may say that its status stays below."""
    space = await ground.workspace("west")
    await space.target("one")
    await space.place()
    web = deployment("web", 3)
    rule = jsonio.dumps([{"fieldPath": "status", "promoteToUpstream": False}]).decode()
    web["metadata"]["annotations"] = {"experimental.summarizing.workload.kcp.io": rule}
    await space.resource(DEPLOYMENTS, "default").create(web)
    syncers = await running(space, {"one": 3})
    assert (await syncers["one"].resource(space, DEPLOYMENTS).get("web"))["status"]["readyReplicas"] == 3
    await ground.skip(1)
    status = (await space.resource(DEPLOYMENTS, "default").get("web")).get("status")
    assert not without_scheduled(status)


async def test_addresses_are_put_together(ground: Ground) -> None:
    space = await ground.workspace("west")
    for name in ("one", "two"):
        await space.target(name)
    await space.place(targets={"min": 2, "max": 2})
    await space.chosen("one", "two")
    spec = {"type": "LoadBalancer", "ports": [{"port": 80}]}
    services = space.resource(SERVICES, "default")
    await services.create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec})
    for number, name in enumerate(("one", "two")):
        syncer = await ground.syncer(space, name)
        await syncer.claim(space, SERVICES, "web")
        address = {"loadBalancer": {"ingress": [{"ip": f"192.0.2.{number}"}, {"ip": "192.0.2.9"}]}}
        await syncer.report(space, SERVICES, "web", **address)

    def together(obj: Object) -> bool:
        found = (obj.get("status") or {}).get("loadBalancer", {}).get("ingress") or ()
        return sorted(each["ip"] for each in found) == ["192.0.2.0", "192.0.2.1", "192.0.2.9"]

    await eventually(lambda: services.get("web"), together)
