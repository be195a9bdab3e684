"""What was made for one object is not deleted, or taken, for another that somebody wrote into a locator by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import pytest
from tests.unit.syncer.spec.test_model import HOME, IDENTITY, MAPS, RESOURCES, World

from headwater.apis.workload.labels import LOCATOR_ANNOTATION
from headwater.machinery.gvk import GroupResource, GroupVersionResource
from headwater.machinery.objects import Object, annotations, deep_copy, uid

VOLUMES: Final = "persistentvolumes"
KEY: Final = (VOLUMES, "", "data")
BOTH: Final = {**RESOURCES, GroupResource("", VOLUMES): GroupVersionResource("", "v1", VOLUMES)}


@pytest.fixture(params=[False, True], ids=["running", "restarted"])
async def restarted(request: pytest.FixtureRequest) -> bool:
    """Whether the syncer starts anew once somebody has meddled, and has heard of nothing."""
    return bool(request.param)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A volume and a ConfigMap of workspace `shop`, and their copies."""
    world = World()
    world.sync(BOTH)
    put_volume(world, "shop")
    await world.play("put", "a")
    await world.settle()
    assert KEY in world.below.objects
    yield world
    await world.stop()


def put_volume(world: World, cluster: str) -> None:
    meta = {"name": "data", "annotations": {"kcp.io/cluster": cluster}}
    body = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": meta, "spec": {"of": cluster}}
    world.above.put(VOLUMES, body)


def write_locator(world: World, key: tuple[str, str, str], cluster: str, namespace: str = "") -> None:
    """Somebody edits the locator of an object of the pcluster."""
    edited: Object = deep_copy(world.below.objects[key])
    edited["metadata"]["annotations"][LOCATOR_ANNOTATION] = IDENTITY.locator(cluster, namespace).to_json()
    world.below.put(key[0], edited)


async def meddle(world: World, restarted: bool, key: tuple[str, str, str], cluster: str, namespace: str = "") -> None:
    """As above, while the syncer works or while it is stopped."""
    if restarted:
        await world.stop()
    write_locator(world, key, cluster, namespace)
    if restarted:
        await world.play("restart", "")
    await world.settle()


async def test_a_cluster_scoped_copy_gets_its_locator_back(world: World, restarted: bool) -> None:
    """It was deleted as absent from the workspace that the locator named, with all that hangs on it."""
    before = world.below.objects[KEY]
    await meddle(world, restarted, KEY, "other")
    after = world.below.objects[KEY]
    assert uid(after) == uid(before)
    assert annotations(after)[LOCATOR_ANNOTATION] == IDENTITY.locator("shop", "").to_json()


async def test_a_cluster_scoped_copy_is_kept_whose_own_object_went_meanwhile(world: World) -> None:
    """So nobody puts its locator right, and there is nothing that it could be compared with."""
    before = world.below.objects[KEY]
    await world.stop()
    world.above.remove(KEY)
    await meddle(world, True, KEY, "other")
    assert uid(world.below.objects[KEY]) == uid(before)


async def test_a_cluster_scoped_copy_is_not_taken_over(world: World) -> None:
    """The workspace that the locator names has one of this name, too; it is the other's all the same."""
    await world.stop()
    write_locator(world, KEY, "other")
    world.above.remove(KEY)
    put_volume(world, "other")
    await world.play("restart", "")
    await world.settle()
    assert world.below.objects[KEY]["spec"] == {"of": "shop"}


async def test_what_is_in_a_namespace_is_kept(world: World, restarted: bool) -> None:
    key = (MAPS, HOME.name, "a")
    before = world.below.objects[key]
    await meddle(world, restarted, ("namespaces", "", HOME.name), "shop", "other")
    assert uid(world.below.objects[key]) == uid(before)


async def test_absence_counts_in_a_namespace_of_another_name_too() -> None:
    """What was made there for an object goes with it."""
    world = World(adopted=True)
    try:
        await world.play("put", "a")
        await world.settle()
        await world.play("vanish", "a")
        await world.settle()
        world.check()
    finally:
        await world.stop()


async def test_a_copy_of_an_older_syncer_gets_its_note(world: World) -> None:
    """And goes on absence as before, where nothing speaks against it."""
    older = deep_copy(world.below.objects[KEY])
    note = annotations(older).pop("internal.workload.kcp.io/upstream-origin")
    world.below.put(VOLUMES, older)
    await world.settle()
    assert annotations(world.below.objects[KEY])["internal.workload.kcp.io/upstream-origin"] == note
    world.above.remove(KEY)
    await world.settle()
    assert KEY not in world.below.objects


async def test_namespaces_that_collide_are_cleaned_like_others(world: World) -> None:
    """Somebody wrote the locator into another one, too, and both have to go with the namespace that it names."""
    twin = deep_copy(world.below.objects["namespaces", "", HOME.name])
    world.below.put("namespaces", {**twin, "metadata": {**twin["metadata"], "name": "twin"}})
    await world.settle()
    await world.play("unplace", "")
    await world.play("mark", "a")
    await world.settle()
    world.below.remove(("namespaces", "", "twin"))
    await world.settle()
    world.check()
    assert not [key for key in world.below.objects if key[0] == "namespaces"]


async def test_what_became_of_a_copy_meanwhile_is_reported(world: World) -> None:
    """Its status changed while its locator named somebody else."""
    await world.stop()
    write_locator(world, KEY, "other")
    await world.play("restart", "")
    world.below.trouble.requests.extend(["busy"] * 8)
    await world.turn()
    world.below.put(VOLUMES, {**deep_copy(world.below.objects[KEY]), "status": {"phase": "Bound"}})
    await world.turn()
    assert annotations(world.below.objects[KEY])[LOCATOR_ANNOTATION] != IDENTITY.locator("shop", "").to_json()
    await world.settle()
    assert annotations(world.below.objects[KEY])[LOCATOR_ANNOTATION] == IDENTITY.locator("shop", "").to_json()
    assert world.above.objects[KEY]["status"] == {"phase": "Bound"}


async def test_a_copy_whose_locator_was_edited_goes_with_its_own_object(world: World) -> None:
    await world.stop()
    write_locator(world, KEY, "other")
    marked = deep_copy(world.above.objects[KEY])
    marked["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    world.signs["data"] = int(world.above.put(VOLUMES, marked)["metadata"]["resourceVersion"])
    await world.play("restart", "")
    await world.settle()
    assert KEY not in world.above.objects
    assert KEY not in world.below.objects
    world.check()
