"""Why a workload runs where it does, over HTTP: what is told, to whom, and what is not."""

from __future__ import annotations

import pytest
from tests.integration.scheduling.ground import (
    BINDINGS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    EXPORTS,
    PODS,
    SCHEMAS,
    config_map,
    deployment,
)
from tests.integration.scheduling.test_synctargets import export, schema
from tests.integration.virtual.outlook import ALICE, STRANGER, Outlook, grant, rule

from headwater.apis.placement.v1alpha1.placement import PLACEMENTS
from headwater.apiserver.authn.interface import UserInfo
from headwater.base import jsonio
from headwater.client.answers import decode_object
from headwater.machinery.errors import Forbidden, NotAcceptable, NotFound, ServiceUnavailable
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import uid
from headwater.scheduling.snapshot import policy_from, required_resources
from headwater.scheduling.workload import Workload, workload_id

DEPLOYMENT = "/apis/apps/v1/namespaces/default/deployments/web/explanation"
CRON_JOBS = GroupVersionResource("batch", "v1", "cronjobs")
CRON_JOB = {
    "apiVersion": "batch/v1",
    "kind": "CronJob",
    "metadata": {"name": "hourly"},
    "spec": {
        "schedule": "0 * * * *",
        "jobTemplate": {
            "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "c"}]}}}
        },
    },
}
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


async def test_a_workload_is_explained(outlook: Outlook) -> None:
    """By path and by name of the workspace: where it is, every other target with reasons, what was reported."""
    notes = {
        "scheduling.kcp.io/history": jsonio.dumps([{"at": "2026-01-01T00:00:00Z", "targets": ["north"], "cause": "x"}]),
        f"reported.workload.kcp.io/{outlook.west.key('north')}": "2026-01-02T00:00:00Z",
        f"diff.syncer.internal.kcp.io/{outlook.west.key('north')}": '{"status":{"readyReplicas":1,"replicas":2}}',
    }
    notes = {note: text if isinstance(text, str) else text.decode() for note, text in notes.items()}
    deployments = outlook.shop.resource(DEPLOYMENTS, "default")
    await deployments.patch("web", {"metadata": {"annotations": notes}})
    found = await outlook.explanation(ALICE, outlook.shop, "web")
    assert (found["kind"], found["apiVersion"]) == ("Explanation", "placement.kcp.io/v1alpha1")
    status = found["status"]
    assert status["scheduled"] == "True"
    assert status["placements"] == ["all"]
    assert status["workload"]["request"] == {"cpu": "100m", "memory": "1Mi"}
    assert status["workload"]["replicas"] == 2
    assert [move["cause"] for move in status["history"]] == ["x"]
    north, south = status["targets"]
    assert (north["name"], north["decision"], north["replicas"]) == ("north", "Kept", 2)
    assert (south["name"], south["replicas"]) == ("south", 0)
    assert north["since"] == "2026-01-01T00:00:00Z"
    assert north["reported"] == {"at": "2026-01-02T00:00:00Z", "readyReplicas": 1, "replicas": 2}
    assert north["reachable"] is True
    assert north["lastHeartbeatTime"]
    assert "reachable" not in south
    assert south["reasons"]
    by_name = await outlook.get(ALICE, f"/clusters/{outlook.shop.cluster}{DEPLOYMENT}")
    assert by_name["status"]["workload"] == status["workload"]


async def test_as_a_table(outlook: Outlook) -> None:
    """A row for each target, with the columns that people need first."""
    found = await outlook.explanation(ALICE, outlook.shop, "web", accept=TABLE)
    assert (found["kind"], found["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    names = [column["name"] for column in found["columnDefinitions"]]
    assert names[:4] == ["Name", "Decision", "Replicas", "Ready"]
    assert all(len(row["cells"]) == len(names) for row in found["rows"])
    assert [row["cells"][:3] for row in found["rows"]] == [
        ["north", "Kept", 2],
        ["south", found["rows"][1]["cells"][1], 0],
    ]
    with pytest.raises(NotAcceptable):
        await outlook.explanation(ALICE, outlook.shop, "web", accept="text/html")


async def test_what_is_not_placed_is_explained_too(outlook: Outlook) -> None:
    """Why no Placement selects it; a resource that is no workload has no explanation."""
    placements = outlook.shop.resource(PLACEMENTS)
    await outlook.shop.resource(DEPLOYMENTS, "default").create(deployment("idle"))
    found = (await outlook.explanation(ALICE, outlook.shop, "idle"))["status"]
    assert (found["scheduled"], found["targets"], found["placements"]) == ("False", [], [])
    assert found["message"].startswith("selected by Placement all: ")
    await placements.patch("all", {"spec": {"locationSelector": {"names": ["none"]}}})
    await outlook.shop.condition(PLACEMENTS, "all", "Ready", "False")
    found = (await outlook.explanation(ALICE, outlook.shop, "idle"))["status"]
    assert found["message"] == "selected by Placement all: No valid location is found"
    await placements.patch("all", {"spec": {"workloadSelector": {"matchLabels": {"app": "other"}}}})
    found = (await outlook.explanation(ALICE, outlook.shop, "idle"))["status"]
    assert found["message"].startswith("no Placement selects it")
    await placements.delete("all")
    found = (await outlook.explanation(ALICE, outlook.shop, "idle"))["status"]
    assert found["message"].startswith("the workspace has no placements")
    await outlook.shop.resource(CONFIG_MAPS, "default").create(config_map("settings"))
    await outlook.shop.resource(CRON_JOBS, "default").create(CRON_JOB)
    for place in ("api/v1/namespaces/default/configmaps/settings", "apis/batch/v1/namespaces/default/cronjobs/hourly"):
        with pytest.raises(NotFound, match="no workloads of their own"):
            await outlook.get(ALICE, f"/clusters/{outlook.shop.path}/{place}/explanation")


@pytest.mark.parametrize("pods", [True, False], ids=["with pods", "without pods"])
async def test_what_is_bound_from_no_compute_export(outlook: Outlook, pods: bool) -> None:
    """The export is named, and what its owner does: nobody will ever decide on such an object."""
    cats = schema("cats")
    for version in cats["spec"]["versions"]:
        version["schema"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    body = export(cats)
    del body["metadata"]["annotations"]
    await outlook.other.resource(SCHEMAS).create(cats)
    await outlook.other.resource(EXPORTS).create(body)
    await outlook.other.condition(EXPORTS, "things", "IdentityValid", "True")
    await outlook.shop.bind(outlook.other.path, "things")
    tom = {"apiVersion": "example.io/v1", "kind": "Cat", "metadata": {"name": "tom"}}
    spec = deployment("tom")["spec"] if pods else {}
    await outlook.shop.resource(GroupVersionResource("example.io", "v1", "cats"), "default").create(
        {**tom, "spec": spec}
    )
    path = f"/clusters/{outlook.shop.path}/apis/example.io/v1/namespaces/default/cats/tom/explanation"
    if pods:
        message = (await outlook.get(ALICE, path))["status"]["message"]
    else:
        with pytest.raises(NotFound) as refused:
            await outlook.get(ALICE, path)
        message = str(refused.value)
    assert message.startswith(f"APIExport {outlook.other.path}:things is no compute export")
    assert f"in workspace {outlook.other.path}" in message


async def test_pods_that_two_targets_name_alike(outlook: Outlook) -> None:
    """Those of the one that came second are named, with where they can be seen."""
    bindings = (await outlook.shop.resource(BINDINGS).list())["items"]
    both = await outlook.shop.place("both", locationWorkspace=outlook.west.path, targets={"min": 2, "max": 2})
    outlook.world.put_policy(policy_from(both, required_resources(bindings), outlook.west.cluster))
    north, south = (outlook.west.key(each) for each in ("north", "south"))
    notes = {f"diff.syncer.internal.kcp.io/{key}": '{"status":{"replicas":2}}' for key in (north, south)}
    body = deployment("db")
    body.update(kind="StatefulSet", spec={**body["spec"], "replicas": 2, "serviceName": "db"})
    body["metadata"]["annotations"] = notes
    stateful_sets = outlook.shop.resource(GroupVersionResource("apps", "v1", "statefulsets"), "default")
    await stateful_sets.create(body)
    known = workload_id("apps", "statefulsets", f"{outlook.shop.cluster}|default/db")
    outlook.world.put_workload(Workload(known, (uid(both),), 2, {"cpu": 1}, {north: 2, south: 2}))
    for ordinal in range(2):
        marks = {"app": "db", f"state.workload.kcp.io/{north}": "Upsync"}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"db-{ordinal}", "labels": marks}}
        await outlook.shop.resource(PODS, "default").create({**pod, "spec": body["spec"]["template"]["spec"]})
    path = f"/clusters/{outlook.shop.path}/apis/apps/v1/namespaces/default/statefulsets/db/explanation"
    targets = {each["name"]: each for each in (await outlook.get(ALICE, path))["status"]["targets"]}
    assert "unseenPods" not in targets["north"]
    unseen = targets["south"]["unseenPods"]
    assert (unseen["count"], unseen["names"]) == (2, ["db-0", "db-1"])
    assert unseen["namespace"].startswith("kcp-")


async def test_without_a_world(outlook: Outlook) -> None:
    """A server that does not schedule says so, to those who may know."""
    outlook.horizon.world = None
    with pytest.raises(ServiceUnavailable, match="does not run in this server") as refused:
        await outlook.explanation(ALICE, outlook.shop, "web")
    assert refused.value.retry_after_seconds
    with pytest.raises(Forbidden):
        await outlook.explanation(STRANGER, outlook.shop, "web")


async def test_a_syncer_may_not_ask(outlook: Outlook) -> None:
    """The right to sync a target is none to read what tenants run."""
    syncer = UserInfo("syncer", groups=("system:authenticated",))
    await grant(outlook.west, syncer, rule("sync.kcp.io", "synctargets", "sync", "get", "list", "watch"))
    with pytest.raises(Forbidden):
        await outlook.explanation(syncer, outlook.shop, "web")


async def test_whoever_reads_the_workload_may_ask(outlook: Outlook) -> None:
    """Nothing more than `get` on this one is needed, and nothing is told of others."""
    reader = UserInfo("reader", groups=("system:authenticated",))
    await grant(outlook.shop, reader, rule("apps", "deployments", "get", names=("web",)))
    answer = await outlook.send(reader, "GET", f"/clusters/{outlook.shop.path}{DEPLOYMENT}")
    assert decode_object(answer)["status"]["scheduled"] == "True"
    for hidden in (b"root:other", b"ledger", b"zone", b"allocatable", outlook.other.cluster.encode()):
        assert hidden not in answer.body
    with pytest.raises(Forbidden):
        await outlook.explanation(reader, outlook.shop, "none")


async def test_discovery(outlook: Outlook) -> None:
    """Enough for clients that look before they ask."""
    root = f"/clusters/{outlook.shop.path}"
    groups = await outlook.get(ALICE, f"{root}/apis")
    assert {group["name"] for group in groups["groups"]} == {"apps", "batch", "placement.kcp.io"}
    assert (await outlook.get(ALICE, f"{root}/apis/apps"))["preferredVersion"]["version"] == "v1"
    apps = await outlook.get(ALICE, f"{root}/apis/apps/v1")
    assert "deployments/explanation" in {each["name"] for each in apps["resources"]}
    plans = await outlook.get(ALICE, f"{root}/apis/placement.kcp.io/v1alpha1")
    assert [(each["name"], each["verbs"]) for each in plans["resources"]] == [("plans", ["create"])]
    assert (await outlook.get(ALICE, f"{root}/api"))["versions"] == []
