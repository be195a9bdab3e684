"""Objects in no namespace: offered to the targets of their workspace, and brought down when somebody says so."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.servers import eventually
from tests.integration.servers import namespace as namespace_object
from tests.integration.syncer.conftest import NAMESPACES, Line, bind, create_workspace
from tests.integration.syncer.test_upsync_volumes import VOLUMES, export_volumes

from headwater.apis.placement.v1alpha1.placement import PLACEMENT, PLACEMENTS
from headwater.apis.workload.labels import COMPUTE_EXPORT_ANNOTATION, STATE_SYNC, state_label, syncer_finalizer
from headwater.apis.workload.locator import parse_locator
from headwater.client.dynamic import Client
from headwater.machinery.errors import NotFound
from headwater.machinery.objects import Object, annotations, finalizers, labels, uid


def volume(object_name: str, **spec: Any) -> Object:
    fixed = {
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": "1Gi"},
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "manual",
        "csi": {"driver": "sim.headwater.io", "volumeHandle": object_name},
    }
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": object_name},
        "spec": {**fixed, **spec},
    }


async def offered(line: Line, workspace: Client, obj: Object) -> Object:
    """Make an object, and wait until it is offered to the target of the line."""
    volumes = workspace.resource(VOLUMES)
    await volumes.create(obj)

    async def has_label() -> Object | None:
        found = await volumes.get(obj["metadata"]["name"])
        return found if state_label(line.key) in labels(found) else None

    found: Object = await eventually(has_label)
    return found


async def accept(line: Line, workspace: Client, object_name: str) -> None:
    marks = {state_label(line.key): STATE_SYNC}
    await workspace.resource(VOLUMES).patch(object_name, {"metadata": {"labels": marks}})


async def is_gone(client: Client, object_name: str) -> bool:
    try:
        await client.resource(VOLUMES).get(object_name)
    except NotFound:
        return True
    return False


async def other_workspace(line: Line) -> Client:
    """A second tenant of the same pcluster."""
    workspace = await create_workspace(line.control_plane, "other")
    await bind(workspace, "root:compute", "kubernetes")
    await bind(workspace, line.cluster, "volumes")
    await workspace.resource(PLACEMENTS).create(
        {
            "apiVersion": PLACEMENT.api_version,
            "kind": "Placement",
            "metadata": {"name": "all"},
            "spec": {"namespaceSelector": {}, "locationSelector": {}, "locationWorkspace": "root:shop"},
        }
    )
    return workspace


@pytest.fixture
async def volumes_line(line: Line) -> Line:
    """A line whose compute exports have PersistentVolumes."""
    await export_volumes(line, {COMPUTE_EXPORT_ANNOTATION: "true"})
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    return line


async def test_a_volume_waits_goes_down_reports_and_goes(volumes_line: Line) -> None:
    """What is for a claim of the workspace is, below, for the copy of that claim."""
    line = volumes_line
    claim = {"kind": "PersistentVolumeClaim", "namespace": "web", "name": "data", "uid": "upstream"}
    found = await offered(line, line.workspace, volume("data", claimRef=claim))
    assert labels(found)[state_label(line.key)] == ""
    # What was made after it is down: so it would be, too.
    await offered(line, line.workspace, volume("later"))
    await accept(line, line.workspace, "later")
    below = line.downstream.resource(VOLUMES)
    await eventually(lambda: below.get("later"))
    assert await is_gone(line.downstream, "data")
    assert not finalizers(await line.workspace.resource(VOLUMES).get("data"))
    await accept(line, line.workspace, "data")
    copy = await eventually(lambda: below.get("data"))
    locator = parse_locator(annotations(copy)["kcp.io/namespace-locator"])
    assert (locator.cluster, locator.namespace) == (line.cluster, "")
    assert copy["spec"]["claimRef"] == {
        "kind": "PersistentVolumeClaim",
        "namespace": line.downstream_namespace("web"),
        "name": "data",
    }
    await below.patch_status("data", {"status": {"phase": "Available"}})

    async def reported() -> bool:
        status = (await line.workspace.resource(VOLUMES).get("data")).get("status") or {}
        return status.get("phase") == "Available"

    await eventually(reported)
    await line.workspace.resource(VOLUMES).delete("data")
    await eventually(lambda: is_gone(line.downstream, "data"))
    await eventually(lambda: is_gone(line.workspace, "data"))


async def test_a_soft_finalizer_keeps_the_copy(volumes_line: Line) -> None:
    """A volume that lost its Placement goes from below once nobody holds it, and stays in the workspace."""
    line = volumes_line
    volumes = line.workspace.resource(VOLUMES)
    await offered(line, line.workspace, volume("data"))
    await accept(line, line.workspace, "data")
    copy = await eventually(lambda: line.downstream.resource(VOLUMES).get("data"))
    soft = f"finalizers.workload.kcp.io/{line.key}"
    await volumes.patch("data", {"metadata": {"annotations": {soft: "backup"}}})
    await line.workspace.resource(PLACEMENTS).delete("all")

    async def marked() -> bool:
        return f"deletion.internal.workload.kcp.io/{line.key}" in annotations(await volumes.get("data"))

    await eventually(marked)
    assert uid(await line.downstream.resource(VOLUMES).get("data")) == uid(copy)
    await volumes.patch("data", {"metadata": {"annotations": {soft: None}}})
    await eventually(lambda: is_gone(line.downstream, "data"))

    async def forgotten() -> bool:
        found = await volumes.get("data")
        return state_label(line.key) not in labels(found) and not finalizers(found)

    await eventually(forgotten)


async def test_a_name_belongs_to_who_has_it_first(volumes_line: Line) -> None:
    """Neither another tenant's nor the pcluster's own object is taken over, reported about, or deleted."""
    line = volumes_line
    below = line.downstream.resource(VOLUMES)
    await below.create(volume("owned"))
    await offered(line, line.workspace, volume("data"))
    await accept(line, line.workspace, "data")
    copy = await eventually(lambda: below.get("data"))
    await below.patch_status("data", {"status": {"phase": "Available"}})
    other = await other_workspace(line)
    for object_name in ("data", "owned"):
        await offered(line, other, volume(object_name))
        await accept(line, other, object_name)

        async def refused(object_name: str = object_name) -> bool:
            found = await other.resource(VOLUMES).get(object_name)
            return annotations(found).get(f"sync-failed.workload.kcp.io/{line.key}", "").startswith("NameCollision")

        await eventually(refused)
        found = await other.resource(VOLUMES).get(object_name)
        assert syncer_finalizer(line.key) in finalizers(found)
        assert not found.get("status")
        await other.resource(VOLUMES).delete(object_name)
        await eventually(lambda object_name=object_name: is_gone(other, object_name))
    assert uid(await below.get("data")) == uid(copy)
    assert not annotations(await below.get("owned"))
