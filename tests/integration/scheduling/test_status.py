"""A status that can be trusted: whose word it is, how old, and what is not known any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.integration.scheduling.ground import (
    DEPLOYMENTS,
    EXPORTS,
    SCHEMAS,
    Ground,
    Space,
    Syncer,
    deployment,
    eventually,
    ready_status,
)
from tests.integration.scheduling.test_synctargets import export, schema

from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.apis.workload.coordination import COORDINATION_ANNOTATION
from headwater.apis.workload.scheduled import without_scheduled
from headwater.base import jsonio
from headwater.machinery.conditions import get_condition
from headwater.machinery.errors import Invalid
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, annotations, name, resource_version

JOBS = GroupVersionResource("batch", "v1", "jobs")
AVAILABLE = {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"}


async def web(space: Space, accept: Callable[[Object], object]) -> Object:
    """Wait until the Deployment `web` is accepted."""
    return await eventually(lambda: space.resource(DEPLOYMENTS, "default").get("web"), accept)


async def placed(ground: Ground, *targets: str, **policy: Any) -> Space:
    """A workspace whose Placement uses all of these targets."""
    space = await ground.workspace("west")
    for each in targets:
        await space.target(each)
    await space.place(targets={"min": len(targets), "max": len(targets)}, **policy)
    await space.chosen(*targets)
    return space


async def running(space: Space, target: str, **status: Any) -> Syncer:
    """The syncer of a target, which claimed `web` and reports a status."""
    syncer = await space.ground.syncer(space, target)
    await syncer.claim(space, DEPLOYMENTS, "web")
    await syncer.report(space, DEPLOYMENTS, "web", **status)
    return syncer


async def lose(space: Space, target: str, *others: str) -> None:
    """Let the heartbeat of one target come too late."""
    await space.ground.skip(61)
    for other in others:
        await space.beat(other)
    await space.condition(SYNC_TARGETS, target, "Ready", "False", "ErrorHeartbeat")


def available(obj: Object) -> str:
    return str((get_condition(obj, "Available") or {}).get("status", ""))


async def test_a_lost_target_makes_its_status_unknown(ground: Ground) -> None:
    """Nothing is ready that nobody sees; the syncer's own view stays, and its last word comes back with it."""
    space = await placed(ground, "one")
    await space.resource(DEPLOYMENTS, "default").create(deployment("web", 3))
    full = {**ready_status(3), "conditions": [AVAILABLE], "observedGeneration": 1}
    syncer = await running(space, "one", **full)
    await web(space, lambda obj: without_scheduled(obj.get("status")) == full)
    await lose(space, "one")
    found = await web(space, lambda obj: available(obj) == "Unknown")
    condition = get_condition(found, "Available") or {}
    assert condition["reason"] == "SyncTargetUnreachable"
    assert condition["message"].startswith("SyncTarget one was last heard of at ")
    assert condition["message"].endswith("was True: MinimumReplicasAvailable")
    del found["status"]["conditions"]
    assert found["status"] == {"replicas": 3, "unavailableReplicas": 3, "observedGeneration": 1}
    assert (await syncer.resource(space, DEPLOYMENTS).get("web"))["status"] == full
    await space.beat("one")
    await web(space, lambda obj: without_scheduled(obj.get("status")) == full)
    await syncer.report(space, DEPLOYMENTS, "web", **ready_status(2))
    await web(space, lambda obj: obj["status"]["readyReplicas"] == 2)


async def test_one_of_several_is_lost(ground: Ground) -> None:
    """The others still count; what is true of them alone isn't known to be true of the whole."""
    space = await placed(ground, "one", "two", replicas={"mode": "Divided"})
    await space.resource(DEPLOYMENTS, "default").create(deployment("web", 4))
    for each in ("one", "two"):
        await running(space, each, **ready_status(2), conditions=[AVAILABLE])
    await web(space, lambda obj: obj.get("status", {}).get("readyReplicas") == 4 and available(obj) == "True")
    await lose(space, "one", "two")
    found = await web(space, lambda obj: available(obj) == "Unknown")
    counters = {field: value for field, value in found["status"].items() if field != "conditions"}
    assert counters == {
        "replicas": 4,
        "readyReplicas": 2,
        "availableReplicas": 2,
        "updatedReplicas": 2,
        "unavailableReplicas": 2,
    }
    await space.beat("one")
    await web(space, lambda obj: obj.get("status", {}).get("readyReplicas") == 4 and available(obj) == "True")


async def test_a_loss_costs_two_writes_and_only_what_runs_there(ground: Ground) -> None:
    """Each object is written once, after its report was kept apart; others, and a second look, cost nothing."""
    space = await placed(ground, "one")
    await space.resource(DEPLOYMENTS, "default").create(deployment("web", 1))
    await space.resource(DEPLOYMENTS, "default").create(deployment("idle", 1))
    await running(space, "one", **ready_status(1), conditions=[AVAILABLE])

    def scheduled(obj: Object) -> bool:
        return (get_condition(obj, "Scheduled") or {}).get("status") == "True"

    await web(space, lambda obj: available(obj) == "True" and scheduled(obj))
    read = space.resource(DEPLOYMENTS, "default").get
    await eventually(lambda: read("idle"), scheduled)
    await ground.skip(0)
    idle = await read("idle")
    before = await space.resource(DEPLOYMENTS, "default").list()
    writes: list[str] = []

    async def follow() -> None:
        watch = space.resource(DEPLOYMENTS, "default").watch(resource_version=resource_version(before))
        async with watch:
            async for batch in watch.batches():
                writes.extend(name(obj) for _, obj in batch if name(obj))

    task = asyncio.create_task(follow())
    await lose(space, "one")
    await web(space, lambda obj: available(obj) == "Unknown")
    await ground.skip(30)
    await ground.skip(30)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert writes == ["web", "web"]
    assert await space.resource(DEPLOYMENTS, "default").get("idle") == idle


async def test_a_job_that_has_ended_stays_ended(ground: Ground) -> None:
    space = await placed(ground, "one")
    pod = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox"}]}}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "sum"}, "spec": {"template": pod}}
    jobs = space.resource(JOBS, "default")
    await jobs.create(job)
    await space.resource(DEPLOYMENTS, "default").create(deployment("web", 1))
    await running(space, "one", **ready_status(1), conditions=[AVAILABLE])
    syncer = await ground.syncer(space, "one")
    await syncer.claim(space, JOBS, "sum")
    done = {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}
    await syncer.report(space, JOBS, "sum", **done)
    await lose(space, "one")
    await web(space, lambda obj: available(obj) == "Unknown")
    assert without_scheduled((await jobs.get("sum"))["status"]) == done


async def test_every_report_has_its_time(ground: Ground) -> None:
    """Per target, moved by a change of status only, unseen by syncers, and gone with the target."""
    space = await placed(ground, "one", "two")
    await space.resource(DEPLOYMENTS, "default").create(deployment("web", 1))
    one, two = [f"reported.workload.kcp.io/{space.key(each)}" for each in ("one", "two")]
    first = await running(space, "one", **ready_status(1))
    await running(space, "two", **ready_status(1))
    before = annotations(await web(space, lambda obj: {one, two} <= annotations(obj).keys()))
    await ground.skip(10)
    await first.report(space, DEPLOYMENTS, "web", **ready_status(1))
    assert annotations(await space.resource(DEPLOYMENTS, "default").get("web"))[one] == before[one]
    await first.report(space, DEPLOYMENTS, "web", **ready_status(0))
    after = annotations(await space.resource(DEPLOYMENTS, "default").get("web"))
    assert (after[one] > before[one], after[two]) == (True, before[two])
    assert not {one, two} & annotations(await first.resource(space, DEPLOYMENTS).get("web")).keys()
    await space.resource(SYNC_TARGETS).delete("two")
    await web(space, lambda obj: two not in annotations(obj) and one in annotations(obj))


async def test_scheduled_stands_beside_what_is_reported(ground: Ground) -> None:
    """Before any report, through reports, a loss and its end, and a new decision; the syncer never sees it."""
    space = await placed(ground, "one")
    await space.capacity("one", cpu="0")
    created = await space.resource(DEPLOYMENTS, "default").create(deployment("web", 1, cpu="1"))

    def says(obj: Object, status: str) -> bool:
        return (get_condition(obj, "Scheduled") or {}).get("status") == status

    found = await web(space, lambda obj: says(obj, "False"))
    (condition,) = found["status"]["conditions"]
    assert condition["reason"] == "InsufficientCapacity"
    assert "SyncTarget one has too little cpu" in condition["message"]
    await space.capacity("one", cpu="1")
    await web(space, lambda obj: says(obj, "True"))
    syncer = await running(space, "one", **ready_status(1), conditions=[AVAILABLE])
    await web(space, lambda obj: says(obj, "True") and available(obj) == "True")
    view = await syncer.resource(space, DEPLOYMENTS).get("web")
    assert view["status"]["conditions"] == [AVAILABLE]
    await lose(space, "one")
    await web(space, lambda obj: says(obj, "True") and available(obj) == "Unknown")
    await space.beat("one")
    found = await web(space, lambda obj: says(obj, "True") and available(obj) == "True")
    assert found["metadata"]["generation"] == created["metadata"]["generation"]


@pytest.mark.parametrize("resource", ["statefulsets", "daemonsets", "jobs"])
async def test_every_kind_with_pods_can_say_scheduled(ground: Ground, resource: str) -> None:
    """Also one that no Placement selects: its only condition says what to do."""
    space = await ground.workspace("west")
    body = deployment("web", 1)
    kind = {"statefulsets": "StatefulSet", "daemonsets": "DaemonSet", "jobs": "Job"}[resource]
    group = "batch" if resource == "jobs" else "apps"
    spec = {field: body["spec"][field] for field in ("selector", "template")}
    if resource == "jobs":
        del spec["selector"]
        spec["template"]["spec"]["restartPolicy"] = "Never"
    objects = space.resource(GroupVersionResource(group, "v1", resource), "default")
    await objects.create({**body, "apiVersion": f"{group}/v1", "kind": kind, "spec": spec})
    found = await eventually(lambda: objects.get("web"), lambda obj: get_condition(obj, "Scheduled"))
    (condition,) = found["status"]["conditions"]
    assert (condition["status"], condition["reason"]) == ("False", "NoPlacement")


async def test_declared_rules_make_one_status_of_a_kind_of_ones_own(ground: Ground) -> None:
    """They come with the export's binding; a rule that can't be read is refused there, by field."""
    makers, space = await ground.workspace("makers", compute=False), await ground.workspace("west")
    cats = schema("cats")
    for version in cats["spec"]["versions"]:
        version["schema"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        version["subresources"] = {"status": {}}
    await makers.resource(SCHEMAS).create(cats)
    offer = export(cats)
    field = {"fieldPath": "status.fed", "combine": "mean"}
    rule = {"group": "example.io", "resource": "cats", "readyPath": "status.fed", "status": [field]}
    notes = offer["metadata"].setdefault("annotations", {})
    notes[COORDINATION_ANNOTATION] = jsonio.dumps([rule]).decode()
    try:
        await makers.resource(EXPORTS).create(offer)
    except Invalid as error:
        assert 'status[0].combine: Unsupported value: "mean"' in str(error)
    else:
        raise AssertionError("a rule of an unknown sort was accepted")
    field["combine"] = "sum"
    notes[COORDINATION_ANNOTATION] = jsonio.dumps([rule]).decode()
    await makers.resource(EXPORTS).create(offer)
    await space.bind(makers.path, "things")
    both = [{"path": "root:compute", "export": "kubernetes"}, {"path": makers.path, "export": "things"}]
    for each in ("one", "two"):
        await space.target(each, supportedAPIExports=both)
    await space.place(targets={"min": 2, "max": 2})
    await space.chosen("one", "two")
    gvr = GroupVersionResource("example.io", "v1", "cats")
    body = {"apiVersion": "example.io/v1", "kind": "Cat", "metadata": {"name": "tom"}}
    tom = space.resource(gvr, "default")
    await tom.create(body)
    for each, fed in (("one", 2), ("two", 3)):
        syncer = await ground.syncer(space, each)
        await syncer.claim(space, gvr, "tom")
        await syncer.report(space, gvr, "tom", fed=fed)
    await eventually(lambda: tom.get("tom"), lambda obj: obj.get("status") == {"fed": 5})
    rule["status"] = [{**field, "combine": "max"}]
    text = jsonio.dumps([rule]).decode()
    await makers.resource(EXPORTS).patch("things", {"metadata": {"annotations": {COORDINATION_ANNOTATION: text}}})
    await eventually(lambda: tom.get("tom"), lambda obj: obj.get("status") == {"fed": 3})


async def test_scale_acts_on_the_whole(ground: Ground) -> None:
    """Whoever writes the scale subresource upstream changes the total, and reads the total and the pods' selector."""
    space = await placed(ground, "one", "two", replicas={"mode": "Divided"})
    await space.resource(DEPLOYMENTS, "default").create(deployment("web", 2))
    syncers = [await running(space, each, **ready_status(1)) for each in ("one", "two")]
    await web(space, lambda obj: obj.get("status", {}).get("replicas") == 2)
    await space.resource(DEPLOYMENTS, "default").patch("web", {"spec": {"replicas": 6}}, subresource="scale")

    async def shares() -> list[int]:
        return [(await each.resource(space, DEPLOYMENTS).get("web"))["spec"]["replicas"] for each in syncers]

    await eventually(shares, lambda found: found == [3, 3])
    for each in syncers:
        await each.report(space, DEPLOYMENTS, "web", **ready_status(3))
    await web(space, lambda obj: obj.get("status", {}).get("replicas") == 6)
    scale = await space.resource(DEPLOYMENTS, "default").get("web", subresource="scale")
    assert (scale["spec"], scale["status"]) == ({"replicas": 6}, {"replicas": 6, "selector": "app=web"})
