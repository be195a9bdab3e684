"""A workload that an autoscaler of the pcluster scales; the test plays the autoscaler by the scale subresource."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.integration.servers import eventually
from tests.integration.servers import namespace as namespace_object
from tests.integration.syncer.conftest import DEPLOYMENTS, NAMESPACES, Line
from tests.integration.syncer.test_line import copy_of, deployment

from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, annotations, namespace
from headwater.syncer.spec.autoscaling import hand_over

AUTOSCALERS = GroupVersionResource("autoscaling", "v2", "horizontalpodautoscalers")


def autoscaler(name: str, **spec: int) -> Object:
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}, **spec},
    }


async def ends_with(seen: list[int], *last: int) -> None:
    """Wait until something was seen, or until these were the last."""

    async def ended() -> bool:
        return bool(seen) and seen[len(seen) - len(last) :] == list(last)

    await eventually(ended)


@asynccontextmanager
async def seen_replicas(line: Line, name: str) -> AsyncIterator[list[int]]:
    """All replicas that the copy has had meanwhile, each change once."""
    seen: list[int] = []

    async def follow() -> None:
        watch = line.downstream.resource(DEPLOYMENTS, line.downstream_namespace("web")).watch()
        async with watch:
            async for batch in watch.batches():
                for _, obj in batch:
                    if obj["metadata"].get("name") == name and obj["spec"]["replicas"] not in seen[-1:]:
                        seen.append(obj["spec"]["replicas"])

    task = asyncio.create_task(follow())
    try:
        await ends_with(seen)
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def scale(line: Line, name: str, replicas: int) -> None:
    """What the pcluster's autoscaler does."""
    local = line.downstream.resource(DEPLOYMENTS, line.downstream_namespace("web"))
    await local.patch(name, {"spec": {"replicas": replicas}}, subresource="scale")


async def arrived(line: Line, name: str, generation: int) -> Object:
    """The copy, once this generation of the object was applied to it."""

    async def applied() -> Object | None:
        found = await copy_of(line, name)
        note = annotations(found or {}).get("internal.workload.kcp.io/upstream-generation")
        return found if note == str(generation) else None

    found: Object = await eventually(applied)
    return found


async def image(line: Line, name: str, text: str) -> int:
    """Change the image upstream; the generation that the object has then."""
    change = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": text}]}}}}
    found = await line.workspace.resource(DEPLOYMENTS, "web").patch(name, change)
    return int(found["metadata"]["generation"])


async def test_an_autoscaler_and_the_syncer_never_fight(line: Line) -> None:
    """The share is where it begins; then the number is the autoscaler's, through changes, repairs and restarts."""
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await line.workspace.resource(AUTOSCALERS, "web").create(autoscaler("frontend", minReplicas=1, maxReplicas=9))
    await line.workspace.resource(DEPLOYMENTS, "web").create(deployment("frontend"))
    await eventually(lambda: copy_of(line, "frontend", AUTOSCALERS))
    assert (await arrived(line, "frontend", 1))["spec"]["replicas"] == 2
    async with seen_replicas(line, "frontend") as seen:
        await scale(line, "frontend", 5)
        assert (await arrived(line, "frontend", await image(line, "frontend", "nginx:2")))["spec"]["replicas"] == 5
        upstream = line.workspace.resource(DEPLOYMENTS, "web")
        await upstream.patch("frontend", {"spec": {"replicas": 3}}, subresource="scale")
        await scale(line, "frontend", 6)
        assert (await arrived(line, "frontend", await image(line, "frontend", "nginx:3")))["spec"]["replicas"] == 6
        await line.stop_agent()
        await scale(line, "frontend", 7)
        generation = await image(line, "frontend", "nginx:4")
        line.start_agent()
        assert (await arrived(line, "frontend", generation))["spec"]["replicas"] == 7
        await line.workspace.resource(AUTOSCALERS, "web").delete("frontend")

        async def given_back() -> bool:
            return ((await copy_of(line, "frontend")) or {"spec": {}})["spec"].get("replicas") == 3

        await eventually(given_back)
        assert await copy_of(line, "frontend", AUTOSCALERS) is None
        await ends_with(seen, 3)
    assert seen == [2, 5, 6, 7, 3]


async def test_an_autoscaler_that_comes_later_causes_no_dip(line: Line) -> None:
    """Nobody sets the replicas any more, and they stay; other drift is still repaired. Zero is not autoscaled."""
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    upstream = line.workspace.resource(DEPLOYMENTS, "web")
    await upstream.create(deployment("frontend", 4))
    copy = await arrived(line, "frontend", 1)
    local = line.downstream.resource(DEPLOYMENTS, namespace(copy))
    async with seen_replicas(line, "frontend") as seen:
        await line.workspace.resource(AUTOSCALERS, "web").create(autoscaler("frontend", maxReplicas=9))

        async def given_up() -> bool:
            fields = (await local.get("frontend"))["metadata"]["managedFields"]
            owners = {each["manager"] for each in fields if "f:replicas" in each["fieldsV1"].get("f:spec", {})}
            return "syncer" not in owners

        await eventually(given_up)
        await scale(line, "frontend", 6)
        await local.patch("frontend", {"spec": {"paused": True, "minReadySeconds": 9}})
        generation = int((await upstream.patch("frontend", {"spec": {"minReadySeconds": 3}}))["metadata"]["generation"])
        assert (await arrived(line, "frontend", generation))["spec"]["minReadySeconds"] == 3
        await upstream.patch("frontend", {"spec": {"replicas": 0}})

        async def off() -> bool:
            return (await local.get("frontend"))["spec"]["replicas"] == 0  # type: ignore[no-any-return]

        await eventually(off)
        await upstream.patch("frontend", {"spec": {"replicas": 2}})
        await ends_with(seen, 0, 2)
    assert seen == [4, 6, 0, 2]


async def test_what_was_scaled_meanwhile_is_handed_over_as_it_is(line: Line) -> None:
    """The copy that the syncer knows is older than what the autoscaler did."""
    local = line.downstream.resource(DEPLOYMENTS, "default")
    stale = await local.apply(deployment("own"), field_manager="syncer", force=True)
    await local.patch("own", {"spec": {"replicas": 5}}, subresource="scale")
    await hand_over(local, stale)
    body = deployment("own")
    del body["spec"]["replicas"]
    assert (await local.apply(body, field_manager="syncer", force=True))["spec"]["replicas"] == 5
