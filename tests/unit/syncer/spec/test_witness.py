"""Which copies bear witness of how far the control plane had come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.unit.syncer.spec.test_model import HOME, IDENTITY, MAPS, World

from headwater.apis.workload.labels import CLUSTER_LABEL, LOCATOR_ANNOTATION
from headwater.machinery.objects import annotations, deep_copy
from headwater.syncer.mutate.body import REVISION_ANNOTATION

A = (MAPS, HOME.name, "a")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Two ConfigMaps and their copies."""
    world = World()
    await world.play("put", "a")
    await world.play("put", "b")
    await world.settle()
    yield world
    await world.stop()


async def test_what_an_earlier_sync_target_left_is_no_witness(world: World) -> None:
    """It has our key, as it had our name; but it was made from another control plane at the same URL."""
    marks = {CLUSTER_LABEL: IDENTITY.key}
    left = replace(IDENTITY, uid="earlier").namespace_for("shop", "web")
    space = {"name": left.name, "labels": marks, "annotations": {LOCATOR_ANNOTATION: left.locator}}
    world.below.put("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": space})
    notes = {**annotations(world.below.objects[A]), REVISION_ANNOTATION: "1000000"}
    copy = {"name": "old", "namespace": left.name, "labels": marks, "annotations": notes}
    world.below.put(MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": copy})
    await world.settle()
    await world.play("vanish", "a")
    await world.settle()
    assert A not in world.below.objects
    assert (MAPS, left.name, "old") in world.below.objects


@pytest.mark.parametrize("revision", ["²", "9" * 5000], ids=["no-number", "endless"])
async def test_a_revision_that_nobody_counted_to_is_none(world: World, revision: str) -> None:
    """Who edits a copy by hand doesn't keep the syncer from putting it right, or from letting it go."""
    edited = deep_copy(world.below.objects[A])
    edited["metadata"]["annotations"][REVISION_ANNOTATION] = revision
    world.below.put(MAPS, edited)
    await world.settle()
    world.below.put(MAPS, {**deep_copy(world.below.objects[A]), "data": {"by": "hand"}})
    await world.settle()
    world.check()
    world.below.put(MAPS, edited)
    world.below.deleting = lambda _: None  # Nobody can tell whether it was made from a state before the mark.
    await world.settle()
    await world.play("mark", "a")
    await world.settle()
    world.check()
