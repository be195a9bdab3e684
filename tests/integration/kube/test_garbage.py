"""The garbage collector over real objects."""

from __future__ import annotations

import pytest
from tests.integration.kube.conftest import World
from tests.integration.servers import config_map, eventually, namespace

from headwater.client.resource import ResourceClient
from headwater.machinery.errors import NotFound
from headwater.machinery.objects import Object, finalizers, name, owner_references, uid
from headwater.reconcilers.kube.kinds import CONFIG_MAPS, NAMESPACES


def owned(object_name: str, owner: Object, *, block: bool = False) -> Object:
    obj = config_map(object_name)
    reference: Object = {"apiVersion": "v1", "kind": "ConfigMap", "name": name(owner), "uid": uid(owner)}
    if block:
        reference["blockOwnerDeletion"] = True
    obj["metadata"]["ownerReferences"] = [reference]
    return obj


@pytest.fixture
async def maps(world: World) -> ResourceClient:
    await world.client.resource(NAMESPACES).create(namespace("a"))
    return world.client.resource(CONFIG_MAPS, "a")


async def names(maps: ResourceClient) -> set[str]:
    return {name(each) for each in (await maps.list_all())[0]} - {"kube-root-ca.crt"}


async def test_background_deletion_cascades(world: World, maps: ResourceClient) -> None:
    """Dependents of dependents go too; what has another owner stays, without the reference to the one that went."""
    top = await maps.create(config_map("top"))
    keeper = await maps.create(config_map("keeper"))
    middle = await maps.create(owned("middle", top))
    await maps.create(owned("leaf", middle))
    shared = owned("shared", top)
    shared["metadata"]["ownerReferences"] += owned("x", keeper)["metadata"]["ownerReferences"]
    await maps.create(shared)
    await maps.delete("top", propagation_policy="Background")

    async def settled() -> bool:
        left = await names(maps)
        return left == {"keeper", "shared"} and len(owner_references(await maps.get("shared"))) == 1

    await eventually(settled)


async def test_foreground_deletion_waits_for_blocking_dependents(world: World, maps: ResourceClient) -> None:
    top = await maps.create(config_map("top"))
    dependent = owned("dependent", top, block=True)
    dependent["metadata"]["finalizers"] = ["example.com/hold"]
    await maps.create(dependent)
    await maps.delete("top", propagation_policy="Foreground")

    async def dependent_is_going() -> bool:
        return bool((await maps.get("dependent"))["metadata"].get("deletionTimestamp"))

    await eventually(dependent_is_going)
    assert "foregroundDeletion" in finalizers(await maps.get("top"))
    await maps.patch("dependent", {"metadata": {"finalizers": None}})

    async def gone() -> bool:
        return await names(maps) == set()

    await eventually(gone)


async def test_orphans_are_freed(world: World, maps: ResourceClient) -> None:
    top = await maps.create(config_map("top"))
    await maps.create(owned("orphan", top))
    await maps.delete("top", propagation_policy="Orphan")

    async def freed() -> bool:
        return await names(maps) == {"orphan"} and not owner_references(await maps.get("orphan"))

    await eventually(freed)


async def test_an_owner_that_never_was(world: World, maps: ResourceClient) -> None:
    """A reference to an absent owner gets the dependent deleted; one to a kind nobody serves does not."""
    ghost = config_map("ghost")
    ghost["metadata"]["uid"] = "00000000-0000-0000-0000-000000000000"
    unknown = owned("stays", ghost)
    unknown["metadata"]["ownerReferences"][0].update(apiVersion="no.such/v1", kind="Thing")
    await maps.create(unknown)
    await maps.create(owned("goes", ghost))

    async def gone() -> bool:
        return await names(maps) == {"stays"}

    await eventually(gone)


async def test_the_same_name_is_not_the_same_owner(world: World, maps: ResourceClient) -> None:
    """An owner deleted and made anew does not keep the dependents of the old one."""
    top = await maps.create(config_map("top"))
    await maps.delete("top", propagation_policy="Background")
    with pytest.raises(NotFound):
        await maps.get("top")
    await maps.create(config_map("top"))
    await maps.create(owned("old", top))

    async def gone() -> bool:
        return await names(maps) == {"top"}

    await eventually(gone)


async def test_other_logical_clusters_are_out_of_reach(world: World, maps: ResourceClient) -> None:
    """A reference by uid to an object of another logical cluster neither keeps nor deletes anything there."""
    if not world.cluster:
        return
    other = world.cluster_client.cluster("blue")
    await other.resource(NAMESPACES).create(namespace("a"))
    foreign = await other.resource(CONFIG_MAPS, "a").create(config_map("top"))
    await maps.create(owned("thief", foreign))

    async def gone() -> bool:
        return await names(maps) == set()

    await eventually(gone)
    assert uid(await other.resource(CONFIG_MAPS, "a").get("top")) == uid(foreign)
