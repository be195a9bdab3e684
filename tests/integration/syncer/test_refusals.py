"""What the pcluster refuses is told on the object in the workspace, without its values, until it is taken."""

from __future__ import annotations

import pytest
from tests.integration.servers import config_map, eventually
from tests.integration.servers import namespace as namespace_object
from tests.integration.syncer.conftest import CONFIG_MAPS, NAMESPACES, PLURALS, Line

from headwater.apis.workload.labels import sync_failure_annotation
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, annotations, name
from headwater.sim.faults import FaultSettings

EVENTS = GroupVersionResource("", "v1", "events")
DENIED = FaultSettings(denied_resource="configmaps", denial='"password1" is no good')
SAID = 'Forbidden: admission webhook "deny.sim.example" denied the request: "…" is no good'


async def failure_of(line: Line, gvr: GroupVersionResource, object_name: str) -> str:
    found = await line.workspace.resource(gvr, "web").get(object_name)
    return annotations(found).get(sync_failure_annotation(line.key), "")


async def events_of(line: Line, reason: str) -> list[Object]:
    """What is told of the ConfigMap `one`."""
    events, _ = await line.workspace.resource(EVENTS, "web").list_all(field_selector="involvedObject.name=one")
    return [event for event in events if event["reason"] == reason]


async def test_a_denied_write_is_told_until_it_is_allowed(line: Line) -> None:
    line.pcluster.faults.set(DENIED)
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await line.workspace.resource(CONFIG_MAPS, "web").create(config_map("one", {"key": "password1"}))
    assert await eventually(lambda: failure_of(line, CONFIG_MAPS, "one")) == SAID
    (event,) = await eventually(lambda: events_of(line, "SyncFailed"))
    about = event["involvedObject"]
    assert (about["kind"], about["name"], event["type"]) == ("ConfigMap", "one", "Warning")
    assert event["message"] == f"SyncTarget west refuses it: {SAID}"
    line.pcluster.faults.set(FaultSettings())
    await line.workspace.resource(CONFIG_MAPS, "web").patch("one", {"data": {"key": "other"}})
    await eventually(lambda: events_of(line, "Synced"))
    assert await failure_of(line, CONFIG_MAPS, "one") == ""
    (copy,) = [each for each in await line.copies(CONFIG_MAPS) if name(each) == "one"]
    assert not [note for note in annotations(copy) if note.startswith("sync-failed")]


async def test_a_denied_deletion_is_told(line: Line) -> None:
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await line.workspace.resource(CONFIG_MAPS, "web").create(config_map("one"))

    async def copied() -> bool:
        return any(name(each) == "one" for each in await line.copies(CONFIG_MAPS))

    await eventually(copied)
    line.pcluster.faults.set(DENIED)
    await line.workspace.resource(CONFIG_MAPS, "web").delete("one")
    assert await eventually(lambda: failure_of(line, CONFIG_MAPS, "one")) == SAID
    line.pcluster.faults.set(FaultSettings())

    async def gone() -> bool:
        found, _ = await line.workspace.resource(CONFIG_MAPS, "web").list_all()
        return not [each for each in found if name(each) == "one"]

    await eventually(gone)


async def test_of_a_secret_nothing_is_told_but_the_reason(line: Line, capsys: pytest.CaptureFixture[str]) -> None:
    """Nor is it in the log, whatever the pcluster says of it."""
    line.pcluster.faults.set(FaultSettings(denied_resource="secrets", denial="password1 is no good"))
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"key": "password1"}}
    await line.workspace.resource(PLURALS["Secret"], "web").create(secret)
    assert await eventually(lambda: failure_of(line, PLURALS["Secret"], "s")) == "Forbidden"
    logged = ""

    async def told() -> bool:
        nonlocal logged
        logged += capsys.readouterr().err
        return "reconcile failed" in logged

    await eventually(told)
    assert "password1" not in logged


async def test_a_foreign_namespace_of_the_same_name_is_told(line: Line) -> None:
    await line.downstream.resource(NAMESPACES).create(namespace_object(line.downstream_namespace("web")))
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await line.workspace.resource(CONFIG_MAPS, "web").create(config_map("one"))
    said = "NameCollision: the pcluster has something else of this name"
    assert await eventually(lambda: failure_of(line, CONFIG_MAPS, "one")) == said
