"""A SyncTarget belongs to one pcluster, whoever else was given its manifest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from tests.integration.servers import config_map, eventually
from tests.integration.servers import namespace as namespace_object
from tests.integration.syncer.conftest import CONFIG_MAPS, NAMESPACES, PLURALS, Line, token_of

from headwater.apis.sync.v1alpha1.synctarget import BIND_TO_PCLUSTER_ANNOTATION, SYNC_TARGETS
from headwater.base.clock import SystemClock
from headwater.client.dynamic import Client, ClusterClient
from headwater.client.kubeconfig import load_file
from headwater.client.transport import NetworkTransport
from headwater.machinery.conditions import get_condition, is_true
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, annotations, name, uid
from headwater.sim.pcluster import PCluster, PClusterOptions
from headwater.syncer.run import run
from headwater.syncer.target.binding import PClusterBinding, bound_to

EVENTS = GroupVersionResource("", "v1", "events")


@pytest.fixture
async def other(line: Line) -> AsyncIterator[PCluster]:
    """A pcluster that is not the one of the SyncTarget."""
    options = PClusterOptions(name="other", directory=line.directory / "other", nodes=1, in_memory=True)
    pcluster = PCluster(options)
    await pcluster.start()
    yield pcluster
    await pcluster.stop()


async def id_of(pcluster: Client) -> str:
    """What tells a pcluster from others."""
    return uid(await pcluster.resource(NAMESPACES).get("kube-system"))


async def said(line: Line) -> Object | None:
    """The condition, while it is False."""
    condition = get_condition(await line.sync_target(), "PClusterBound")
    return condition if condition is not None and condition["status"] == "False" else None


async def maps(line: Line, pcluster: Client) -> dict[str, str]:
    """Name and uid of the copies on a pcluster."""
    selector = f"internal.workload.kcp.io/cluster={line.key}"
    found, _ = await pcluster.resource(CONFIG_MAPS).list_all(label_selector=selector)
    return {name(each): uid(each) for each in found}


async def create(line: Line, object_name: str) -> None:
    await line.workspace.resource(CONFIG_MAPS, "web").create(config_map(object_name))


async def is_on(line: Line, pcluster: Client, object_name: str) -> None:
    async def there() -> bool:
        return object_name in await maps(line, pcluster)

    await eventually(there)


def binding(line: Line, pcluster: Client) -> PClusterBinding:
    targets = line.workspace.resource(SYNC_TARGETS)
    return PClusterBinding(targets=targets, downstream=pcluster, clock=SystemClock())


async def unbound(line: Line) -> Object:
    """The SyncTarget without a pcluster, as one that was made before there was such a field."""
    await line.stop_agent()
    return await line.workspace.resource(SYNC_TARGETS).patch_status("west", {"status": {"pclusterID": None}})


async def without_rights(pcluster: PCluster) -> str:
    """The token of an account that may do nothing."""
    client = pcluster.client().cluster("")
    meta = {"name": "nobody", "namespace": "default"}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta}
    await client.resource(PLURALS["ServiceAccount"], "default").create(account)
    notes = {"kubernetes.io/service-account.name": "nobody"}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/service-account-token",
        "metadata": {"name": "nobody-token", "namespace": "default", "annotations": notes},
    }
    await client.resource(PLURALS["Secret"], "default").create(secret)
    return await token_of(client, "nobody", "default")


@asynccontextmanager
async def copied(line: Line, pcluster: PCluster) -> AsyncIterator[None]:
    """A second syncer with the same manifest, on another pcluster."""
    agent = asyncio.create_task(run(replace(line.options, to_kubeconfig=pcluster.kubeconfig_path)))
    yield
    agent.cancel()
    await asyncio.gather(agent, return_exceptions=True)


async def test_a_copied_manifest_gets_no_work_until_a_person_says_so(line: Line, other: PCluster) -> None:
    """It writes nothing, says why, and disturbs nobody; told to take over it does, and nothing is deleted."""
    there = other.client().cluster("")
    first, second = await id_of(line.downstream), await id_of(there)
    assert bound_to(await line.sync_target()) == first
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await create(line, "one")
    await is_on(line, line.downstream, "one")
    async with copied(line, other):
        condition = await eventually(lambda: said(line))
        assert condition["reason"] == "OtherPCluster"
        assert first in condition["message"] and second in condition["message"]

        async def told() -> bool:
            events, _ = await line.workspace.resource(EVENTS, "default").list_all()
            return any(each["reason"] == "OtherPCluster" and each["type"] == "Warning" for each in events)

        await eventually(told)
        await create(line, "two")
        await is_on(line, line.downstream, "two")
        assert is_true(await line.sync_target(), "Ready")
        assert not await maps(line, there)
        before = await maps(line, line.downstream)
        note = {"metadata": {"annotations": {BIND_TO_PCLUSTER_ANNOTATION: second}}}
        await line.workspace.resource(SYNC_TARGETS).patch("west", note)
        await is_on(line, there, "two")
        await create(line, "three")
        await is_on(line, there, "three")
        assert await maps(line, line.downstream) == before, "what ran on the first one stays as it is"

        async def used_up() -> bool:
            target = await line.sync_target()
            return BIND_TO_PCLUSTER_ANNOTATION not in annotations(target) and bound_to(target) == second

        await eventually(used_up)

        async def of_the_first() -> bool:
            """What was said of the second one may still be there."""
            return f"pcluster {first} asks" in ((await said(line)) or {}).get("message", "")

        await eventually(of_the_first)  # Now it is the first one that gets no work.


async def test_the_first_to_report_wins(line: Line, other: PCluster) -> None:
    """Of two that report at once to a SyncTarget that has no pcluster yet one gets the work."""
    target = await unbound(line)
    pair = [binding(line, each) for each in (line.downstream, other.client().cluster(""))]
    for each in pair:
        await each.look()
    assert sorted(await asyncio.gather(*(each.holds(target) for each in pair))) == [False, True]
    winner, loser = sorted(pair, key=lambda each: each.refused)
    assert winner.bound.is_set() and not winner.problem
    assert not loser.bound.is_set() and "is bound to" in loser.problem
    assert await winner.holds(await line.sync_target()) and not await loser.holds(await line.sync_target())
    restored = await unbound(line)
    assert not await loser.holds(restored), "who was refused does not come first in an older copy of the store"
    assert await winner.holds(restored) and bound_to(await line.sync_target())


async def test_a_pcluster_that_does_not_say_who_it_is(line: Line, other: PCluster) -> None:
    """It may have a SyncTarget that nobody else has, and none that belongs to somebody."""
    settings = load_file(other.kubeconfig_path).settings()
    stranger = replace(settings, client_certificate_data=b"", client_key_data=b"", token=await without_rights(other))
    transport = NetworkTransport(stranger)
    there = ClusterClient(transport).cluster("")
    nameless, known = binding(line, there), binding(line, line.downstream)
    target = await unbound(line)
    await nameless.look()
    assert await nameless.holds(target)
    assert not bound_to(await line.sync_target())
    await known.look()
    assert await known.holds(target)
    assert not await nameless.holds(await line.sync_target())
    condition = await said(line)
    assert condition is not None and condition["reason"] == "PClusterUnknown"
    await transport.close()


async def test_only_the_annotation_binds_anew(line: Line) -> None:
    """A syncer's own credential can't take a SyncTarget over, and nonsense in the annotation does nothing."""
    first = bound_to(await line.sync_target())
    transport = NetworkTransport(load_file(line.options.from_kubeconfig).settings())
    targets = ClusterClient(transport).cluster("").resource(SYNC_TARGETS)
    for value in ("9a8b7c6d", None):
        answer = await targets.patch_status("west", {"status": {"pclusterID": value}})
        assert bound_to(answer) == first
    await transport.close()
    note = {"metadata": {"annotations": {BIND_TO_PCLUSTER_ANNOTATION: "not an id"}}}
    await line.workspace.resource(SYNC_TARGETS).patch("west", note)
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await create(line, "one")
    await is_on(line, line.downstream, "one")
    assert bound_to(await line.sync_target()) == first
