"""What a syncer may do, and what it does when it may not."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.integration.servers import config_map, eventually
from tests.integration.servers import namespace as namespace_object
from tests.integration.syncer.conftest import CONFIG_MAPS, NAMESPACES, PLURALS, Line

from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.apis.workload.labels import syncer_id
from headwater.client.dynamic import ClusterClient
from headwater.client.kubeconfig import load_file
from headwater.client.transport import NetworkTransport
from headwater.machinery.conditions import get_condition, is_true
from headwater.machinery.errors import Forbidden
from headwater.machinery.objects import Object, name, namespace, uid
from headwater.sim.faults import FaultSettings
from headwater.syncer.run import run
from headwater.syncer.target import losses
from headwater.syncer.target.find import WrongSyncTarget


async def test_missing_rights_are_named_and_their_return_is_noticed(line: Line) -> None:
    """A resource that the pcluster's owner does not grant is left out; the SyncTarget says which."""
    roles = line.downstream.resource(PLURALS["ClusterRole"])
    role_name = syncer_id("west", uid(line.target))
    role = await roles.get(role_name)
    rules = [{**rule, "resources": [each for each in rule["resources"] if each != "secrets"]} for rule in role["rules"]]
    await roles.patch(role_name, {"rules": rules})
    await line.stop_agent()
    line.start_agent()

    async def authorized(wanted: bool) -> Object | None:
        target = await line.sync_target()
        condition = get_condition(target, "SyncerAuthorized")
        return condition if is_true(target, "SyncerAuthorized") is wanted else None

    condition = await eventually(lambda: authorized(False))
    assert condition["message"].startswith("SSAR check failed for gvrs: secrets.v1; ")
    assert "headwater sync-target manifest west --role" in condition["message"]
    assert condition["reason"] == "SyncerUnauthorized"
    await roles.patch(role_name, {"rules": role["rules"]})
    # Any change of the SyncTarget has it looked at again, at the latest a minute later.
    await line.workspace.resource(SYNC_TARGETS).patch("west", {"metadata": {"labels": {"look": "again"}}})
    await eventually(lambda: authorized(True))


async def test_unneeded_rights_are_named_until_they_go(line: Line) -> None:
    """Whatever role they come from. What the manifests grant is all needed."""
    assert get_condition(await line.sync_target(), "SyncerOverprivileged") is None
    identity = syncer_id("west", uid(line.target))
    bindings, roles = (
        line.downstream.resource(PLURALS["ClusterRoleBinding"]),
        line.downstream.resource(PLURALS["ClusterRole"]),
    )
    rules = [
        {"apiGroups": ["", "apps"], "resources": ["secrets", "deployments"], "verbs": ["get", "update"]},
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["watch", "*"]},
    ]
    role = await roles.get(identity)
    await roles.create({**role, "metadata": {"name": "more"}, "rules": rules})
    binding = await bindings.get(identity)
    reference = {**binding["roleRef"], "name": "more"}
    await bindings.create({**binding, "metadata": {"name": "more"}, "roleRef": reference})
    targets = line.workspace.resource(SYNC_TARGETS)
    await targets.patch("west", {"metadata": {"labels": {"look": "again"}}})

    async def named() -> Object | None:
        return get_condition(await line.sync_target(), "SyncerOverprivileged")

    condition = await eventually(named)
    said = "deployments: get, update; secrets: update; *.*: *; deployments.apps: update; secrets.apps: get, update"
    assert said in condition["message"]
    assert "headwater sync-target manifest west --role" in condition["message"]
    assert is_true(await line.sync_target(), "Ready")
    await bindings.delete("more")
    await targets.patch("west", {"metadata": {"labels": {"look": "once-more"}}})

    async def gone() -> bool:
        return await named() is None

    await eventually(gone)


async def test_a_resource_says_what_keeps_it_from_being_synced(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """A verb that is missing, for long, makes it incompatible, by name; when it is granted the reason goes."""
    monkeypatch.setattr(losses, "PATIENCE_SECONDS", 0.0)
    roles = line.downstream.resource(PLURALS["ClusterRole"])
    role_name = syncer_id("west", uid(line.target))
    role = await roles.get(role_name)

    def without_delete(rule: Object) -> Object:
        return {**rule, "verbs": [verb for verb in rule["verbs"] if verb != "delete"]}

    reduced = [without_delete(rule) if rule["apiGroups"] == ["apps"] else rule for rule in role["rules"]]

    async def state_of_deployments(wanted: str) -> Object | None:
        entries = (await line.sync_target())["status"]["syncedResources"]
        found = next(entry for entry in entries if entry["resource"] == "deployments")
        return found if found["state"] == wanted else None

    async def look_again() -> None:
        """Any change of the SyncTarget has its rights looked at again, at the latest a minute later."""
        label = {"look": (await line.sync_target())["metadata"]["resourceVersion"]}
        await line.workspace.resource(SYNC_TARGETS).patch("west", {"metadata": {"labels": label}})

    assert "message" not in await eventually(lambda: state_of_deployments("Accepted"))
    await roles.patch(role_name, {"rules": reduced})
    await look_again()
    refused = await eventually(lambda: state_of_deployments("Incompatible"))
    assert refused["message"] == "the syncer lacks delete on it"
    await roles.patch(role_name, {"rules": role["rules"]})
    await look_again()
    assert "message" not in await eventually(lambda: state_of_deployments("Accepted"))


async def test_a_distant_pcluster_is_judged_between_heartbeats(line: Line) -> None:
    """Heartbeats that change the SyncTarget while the pcluster is asked do not keep the answers from being reported."""
    roles = line.downstream.resource(PLURALS["ClusterRole"])
    await line.stop_agent()
    line.pcluster.faults.set(FaultSettings(latency_ms=500))
    # What tells the pcluster from others it has to read: else it can't know that it may speak for the SyncTarget.
    rules = [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]}]
    await roles.patch(syncer_id("west", uid(line.target)), {"rules": rules})
    line.start_agent()

    async def reported() -> bool:
        condition = get_condition(await line.sync_target(), "SyncerAuthorized")
        return condition is not None and condition["status"] == "False"

    await eventually(reported)


async def test_the_syncers_credential_opens_nothing_else(line: Line) -> None:
    """With the syncer's token neither the workspace's objects nor other SyncTargets can be read."""
    assert line.options.from_kubeconfig is not None
    transport = NetworkTransport(load_file(line.options.from_kubeconfig).settings())
    client = ClusterClient(transport).cluster("")
    await client.resource(SYNC_TARGETS).get("west")
    for call in (
        client.resource(CONFIG_MAPS, "default").list(),
        client.resource(SYNC_TARGETS).list(),
        client.resource(SYNC_TARGETS).patch("west", {"spec": {"unschedulable": True}}),
        client.resource(PLURALS["Secret"], "default").list(),
    ):
        with pytest.raises(Forbidden):
            await call
    await transport.close()


async def test_another_uid_is_refused(line: Line) -> None:
    """A syncer made for a SyncTarget that was since replaced does not touch its namesake."""
    await line.stop_agent()
    with pytest.raises(WrongSyncTarget, match="refusing to sync"):
        await asyncio.wait_for(run(replace(line.options, sync_target_uid="another")), 60)


async def test_a_foreign_namespace_is_never_taken_over(line: Line) -> None:
    """If the downstream namespace belongs to someone else, the object stays up and the namespace as it is."""
    space = line.downstream_namespace("web")
    await line.downstream.resource(NAMESPACES).create(namespace_object(space))
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await line.workspace.resource(NAMESPACES).create(namespace_object("other"))
    for each in ("web", "other"):
        await line.workspace.resource(CONFIG_MAPS, each).create(config_map("one"))

    async def other_is_there() -> bool:
        return any(namespace(each) == line.downstream_namespace("other") for each in await line.copies(CONFIG_MAPS))

    await eventually(other_is_there)
    assert not [name(each) for each in await line.copies(CONFIG_MAPS) if namespace(each) == space]
    assert (await line.downstream.resource(NAMESPACES).get(space))["metadata"].get("annotations") is None
