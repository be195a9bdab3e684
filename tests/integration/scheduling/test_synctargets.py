"""What the control plane says of a SyncTarget: its key, its URLs, what it may run, and whether it is alive."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.integration.scheduling.ground import COMPUTE, EXPORTS, SCHEMAS, Ground, eventually

from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.apis.workload.labels import COMPUTE_EXPORT_ANNOTATION
from headwater.machinery.conditions import get_condition
from headwater.machinery.errors import Invalid
from headwater.machinery.objects import Object, labels, uid
from headwater.machinery.timestamps import format_time


def synced(target: Object) -> list[tuple[str, str]]:
    """(resource, state) of all entries, in their order."""
    return [(each["resource"], each["state"]) for each in target["status"].get("syncedResources") or ()]


def schema(resource: str, prefix: str = "v1", group: str = "example.io") -> Object:
    kind = resource.removesuffix("s").capitalize()
    names = {"plural": resource, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"type": "object"}}
    old = {"name": "v1beta1", "served": True, "storage": False, "schema": {"type": "object"}}
    unserved = {"name": "v1alpha1", "served": False, "storage": False, "schema": {"type": "object"}}
    return {
        "apiVersion": "apis.kcp.io/v1alpha1",
        "kind": "APIResourceSchema",
        "metadata": {"name": f"{prefix}.{resource}.{group}"},
        "spec": {
            "group": group,
            "names": names,
            "scope": "Namespaced",
            "versions": [old, version, unserved],
            "conversion": {"strategy": "None"},
        },
    }


def export(*schemas: Object) -> Object:
    resources = [
        {"group": each["spec"]["group"], "name": each["spec"]["names"]["plural"], "schema": each["metadata"]["name"]}
        for each in schemas
    ]
    meta = {"name": "things", "annotations": {"extra.apis.kcp.io/compute.workload.kcp.io": "true"}}
    body = {"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIExport", "metadata": meta}
    return {**body, "spec": {"resources": resources}}


async def test_identity_and_urls(ground: Ground) -> None:
    """The key label is kept right, the home cluster filled in and immutable, the URLs name cluster, name and UID."""
    space = await ground.workspace("west", compute=False)
    key = await space.target("one", ready=False)
    targets = space.resource(SYNC_TARGETS)
    target = await eventually(lambda: targets.get("one"), lambda obj: obj["status"].get("virtualWorkspaces"))
    assert labels(target)["internal.workload.kcp.io/key"] == key
    assert target["spec"]["kcpCluster"] == space.cluster
    tail = f"{space.cluster}/one/{uid(target)}"
    assert target["status"]["virtualWorkspaces"] == [
        {
            "syncerURL": f"{ground.process.url}/services/syncer/{tail}",
            "upsyncerURL": f"{ground.process.url}/services/upsyncer/{tail}",
        }
    ]
    assert target["status"]["tunnelWorkspaces"] == [{"url": f"{ground.process.url}/clusters/{space.cluster}"}]
    assert target["status"]["observedGeneration"] == target["metadata"]["generation"]
    await targets.patch("one", {"metadata": {"labels": {"internal.workload.kcp.io/key": "wrong"}}})
    await eventually(lambda: targets.get("one"), lambda obj: labels(obj)["internal.workload.kcp.io/key"] == key)
    with pytest.raises(Invalid, match="kcpCluster is immutable"):
        await targets.patch("one", {"spec": {"kcpCluster": "another"}})


async def test_offered_resources_are_sorted_and_pending(ground: Ground) -> None:
    """The compute export's resources, by group and name; the syncer's verdict is kept while all else changes."""
    space = await ground.workspace("west", compute=False)
    await space.target("one", ready=False)
    targets = space.resource(SYNC_TARGETS)
    target = await eventually(lambda: targets.get("one"), synced_any)
    found = [(each.get("group", ""), each["resource"]) for each in target["status"]["syncedResources"]]
    assert found == sorted(found)
    assert {("apps", "deployments"), ("", "services"), ("", "pods")} <= set(found)
    assert {state for _, state in synced(target)} == {"Pending"}
    assert len({each["identityHash"] for each in target["status"]["syncedResources"]}) == 1
    await space.accept("one")
    await targets.patch("one", {"metadata": {"labels": {"region": "west"}}, "spec": {"cells": ["a"]}})
    settled = await eventually(
        lambda: targets.get("one"), lambda obj: obj["status"]["observedGeneration"] == obj["metadata"]["generation"]
    )
    assert {state for _, state in synced(settled)} == {"Accepted"}


async def test_a_refusal_keeps_its_reason(ground: Ground) -> None:
    """What the syncer says of a resource stays with its state, while the control plane writes the list anew."""
    space = await ground.workspace("west", compute=False)
    await space.target("one", ready=False, supportedAPIs=[{"group": "apps", "kind": "Deployment"}, {"kind": "Service"}])
    targets = space.resource(SYNC_TARGETS)
    target = await eventually(lambda: targets.get("one"), lambda obj: len(synced(obj)) == 2)
    said = {"state": "Incompatible", "message": "not served by the pcluster"}
    services, deployments = target["status"]["syncedResources"]
    entries = [{**services, "state": "Accepted"}, {**deployments, **said}]
    await targets.patch_status("one", {"status": {"syncedResources": entries}})
    await targets.patch("one", {"spec": {"supportedAPIs": [{"group": "apps", "kind": "Deployment"}]}})
    kept = await eventually(lambda: targets.get("one"), lambda obj: len(synced(obj)) == 1)
    assert kept["status"]["syncedResources"] == [{**deployments, **said}]


def synced_any(target: Object) -> bool:
    return bool(target["status"].get("syncedResources"))


async def test_supported_apis_narrow_the_offer(ground: Ground) -> None:
    space = await ground.workspace("west", compute=False)
    wanted = [{"group": "apps", "kind": "Deployment"}, {"kind": "Service"}, {"group": "none", "kind": "Nothing"}]
    await space.target("one", ready=False, supportedAPIs=wanted)
    targets = space.resource(SYNC_TARGETS)
    await eventually(
        lambda: targets.get("one"),
        lambda obj: synced(obj) == [("services", "Pending"), ("deployments", "Pending")],
    )
    await targets.patch("one", {"spec": {"supportedAPIs": wanted[:1]}})
    await eventually(lambda: targets.get("one"), lambda obj: synced(obj) == [("deployments", "Pending")])


async def test_exports_come_change_and_go(ground: Ground) -> None:
    """A missing export offers nothing; its resources appear with it, follow its changes, and disappear with it."""
    space = await ground.workspace("west", compute=False)
    await space.target("one", ready=False, supportedAPIExports=[{"export": "things"}])
    targets = space.resource(SYNC_TARGETS)
    await space.condition(SYNC_TARGETS, "one", "Ready", "False", "ErrorHeartbeat")
    assert synced(await targets.get("one")) == []
    cats, dogs = schema("cats"), schema("dogs")
    for each in (cats, dogs):
        await space.resource(SCHEMAS).create(each)
    await space.resource(EXPORTS).create(export(cats))
    target = await eventually(lambda: targets.get("one"), lambda obj: synced(obj) == [("cats", "Pending")])
    assert target["status"]["syncedResources"][0]["versions"] == ["v1", "v1beta1"]
    await space.accept("one")
    resources = export(cats, dogs)["spec"]["resources"]
    await space.resource(EXPORTS).patch("things", {"spec": {"resources": resources}})
    await eventually(lambda: targets.get("one"), lambda obj: synced(obj) == [("cats", "Accepted"), ("dogs", "Pending")])
    await space.resource(EXPORTS).delete("things")
    await eventually(lambda: targets.get("one"), lambda obj: synced(obj) == [])


async def test_an_export_of_which_nothing_is_placed_is_named(ground: Ground) -> None:
    """With what its owner has to do; the condition goes when that was done, and Ready does not depend on it."""
    space = await ground.workspace("west", compute=False)
    cats = schema("cats")
    await space.resource(SCHEMAS).create(cats)
    unmarked = export(cats)
    del unmarked["metadata"]["annotations"]
    await space.resource(EXPORTS).create(unmarked)
    await space.target("one", supportedAPIExports=[COMPUTE, {"export": "things"}])
    mending = f"`kubectl annotate apiexport things {COMPUTE_EXPORT_ANNOTATION}=true` in workspace root:west"
    said = await space.condition(SYNC_TARGETS, "one", "SupportedAPIExportsPlaced", "False", "NotComputeExport", mending)
    message = (get_condition(said, "SupportedAPIExportsPlaced") or {})["message"]
    assert message.startswith("APIExport root:west:things is no compute export")
    assert "root:compute" not in message
    await space.resource(EXPORTS).patch("things", {"metadata": {"annotations": {COMPUTE_EXPORT_ANNOTATION: "true"}}})
    settled = await eventually(
        lambda: space.resource(SYNC_TARGETS).get("one"),
        lambda obj: get_condition(obj, "SupportedAPIExportsPlaced") is None,
    )
    assert (get_condition(settled, "Ready") or {})["status"] == "True"


async def test_a_schema_that_comes_after_its_export(ground: Ground) -> None:
    """An export may name a schema that is not there yet; nothing else changes when it comes."""
    space = await ground.workspace("west", compute=False)
    cats, dogs = schema("cats"), schema("dogs")
    await space.resource(SCHEMAS).create(cats)
    await space.resource(EXPORTS).create(export(cats, dogs))
    await space.target("one", ready=False, supportedAPIExports=[{"export": "things"}])
    targets = space.resource(SYNC_TARGETS)
    await eventually(lambda: targets.get("one"), lambda obj: synced(obj) == [("cats", "Pending")])
    await space.resource(SCHEMAS).create(dogs)
    await ground.skip(30)
    await eventually(lambda: targets.get("one"), lambda obj: synced(obj) == [("cats", "Pending"), ("dogs", "Pending")])


async def test_silence_makes_a_target_unready(ground: Ground) -> None:
    """No heartbeat yet, then healthy, then silent for longer than the threshold, then healthy again."""
    space = await ground.workspace("west", compute=False)
    await space.target("one", ready=False, supportedAPIExports=[COMPUTE])
    for kind in ("HeartbeatHealthy", "Ready"):
        await space.condition(SYNC_TARGETS, "one", kind, "False", "ErrorHeartbeat", "No heartbeat yet seen")
    await space.beat("one")
    await ground.skip(30)
    await space.condition(SYNC_TARGETS, "one", "HeartbeatHealthy", "True")
    await ground.skip(32)
    silent = await space.condition(SYNC_TARGETS, "one", "Ready", "False", "ErrorHeartbeat", "No heartbeat since 20")
    assert silent["status"]["lastSyncerHeartbeatTime"]
    await space.beat("one")


async def test_what_the_syncer_says_of_itself_counts(ground: Ground) -> None:
    """Ready summarises the syncer's own conditions, the worst first."""
    space = await ground.workspace("west", compute=False)
    await space.target("one")
    condition = {
        "type": "SyncerAuthorized",
        "status": "False",
        "severity": "Error",
        "reason": "SyncerUnauthorized",
        "message": "SSAR check failed",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    known = (await space.resource(SYNC_TARGETS).get("one"))["status"]["conditions"]
    await space.resource(SYNC_TARGETS).patch_status("one", {"status": {"conditions": [*known, condition]}})
    await space.condition(SYNC_TARGETS, "one", "Ready", "False", "SyncerUnauthorized", "SSAR check failed")
    await space.condition(SYNC_TARGETS, "one", "HeartbeatHealthy", "True")


async def test_wrong_clocks_of_syncers_do_no_harm(ground: Ground) -> None:
    """A heartbeat from tomorrow is healthy for as long as another one, and so is one from yesterday that arrives."""
    space = await ground.workspace("west", compute=False)
    await space.target("one", ready=False)
    targets = space.resource(SYNC_TARGETS)
    for skew in (timedelta(days=1), timedelta(days=-1)):
        at = format_time(ground.clock.now() + skew)
        await targets.patch_status("one", {"status": {"lastSyncerHeartbeatTime": at}})
        await space.condition(SYNC_TARGETS, "one", "HeartbeatHealthy", "True")
        await ground.skip(62)
        await space.condition(SYNC_TARGETS, "one", "HeartbeatHealthy", "False", "ErrorHeartbeat", at)
