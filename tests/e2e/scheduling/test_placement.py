"""Placements from kubectl to pclusters: the stories of kcp's scheduling and placement tests (S1 to S5, S9)."""

from __future__ import annotations

import json

import pytest
from tests.e2e.harness import PLATFORM, wait_for
from tests.e2e.scheduling import manifests
from tests.e2e.scheduling.api import Object
from tests.e2e.scheduling.stage import Stage, condition, notes_of, states

pytestmark = pytest.mark.e2e
HOLD = "finalizers.workload.kcp.io/"


def test_two_workspaces_share_a_pcluster(stage: Stage) -> None:
    """S1: compute is bound by two workspaces, and a Service of each is on the pcluster, exactly those.

    kcp imports and negotiates the APIs of pclusters (APIResourceImport, NegotiatedAPIResource). Here the bound
    export says which APIs there are, and the SyncTarget's syncedResources which of them a pcluster has.
    """
    tenants = {name: stage.tenant(f"s1-{name}", compute=False) for name in ("first", "second")}

    def counts() -> tuple[object, object]:
        status = (stage.platform.find("locations", "east") or {})["status"]
        return status.get("instances"), status.get("availableInstances")

    wait_for("the Location has its pcluster", lambda: counts() == (1, 1))
    for name, tenant in tenants.items():
        assert "doesn't have a resource type" in tenant.kubectl("get", "services", check=False)
        said = tenant.headwater("bind", "compute", PLATFORM, "--location-selectors", "place=east")
        assert "created" in said
        assert tenant.kubectl("get", "services", "--no-headers", "-o", "name") == ""
        tenant.kubectl("create", "service", "clusterip", name, "--tcp=80")
        tenant.until("namespaces", "default", lambda obj: "scheduling.kcp.io/placement" in notes_of(obj), namespace="")
    for name, tenant in tenants.items():
        tenant.comes_down("east", "services", name)
    homes = {str(tenant.home("east")): name for name, tenant in tenants.items()}
    label = f"?labelSelector=internal.workload.kcp.io/cluster={stage.keys['east']}"
    found = [each["metadata"] for each in stage.pclusters["east"].list("services", query=label)]
    assert sorted((each["namespace"], each["name"]) for each in found if each["namespace"] in homes) == sorted(
        homes.items()
    )
    for pcluster in ("west", "north"):
        assert all(tenant.home(pcluster) is None for tenant in tenants.values())


def test_placement_before_any_location(stage: Stage) -> None:
    """S2: a Placement waits for the first pcluster of another workspace, and is ready when that has reported.

    The pcluster's owner makes no Location: with the first SyncTarget there is a default one.
    """
    frontier, user = stage.tenant("s2-frontier", compute=False), stage.tenant("s2-user")
    user.place(locationWorkspace=frontier.path, namespaceSelector={})
    for kind, reason in (("Ready", "LocationNoMatch"), ("Scheduled", "ScheduleLocationNotFound")):
        pending = user.judged("placements", "all", kind, "False", namespace="")
        assert condition(pending, kind)["reason"] == reason
    assert pending["status"]["phase"] == "Pending"
    stage.stack.register("pioneer", workspace=frontier.path, pcluster="north", heartbeat_seconds=1)
    user.kubectl("wait", "--for=condition=Ready", "placement/all", "--timeout=60s")
    user.phase("Bound")
    assert user.chosen() == ["pioneer"]
    user.kubectl("create", "configmap", "settler")
    wait_for("comes down", lambda: user.home("north", target="pioneer"))
    stage.stack.programs["syncer-pioneer"].stop()


def test_two_placements_run_a_workload_twice(stage: Stage) -> None:
    """S3: bound twice with different selectors, a Service is on both pclusters."""
    tenant = stage.tenant("s3", compute=False)
    for name in ("east", "west"):
        tenant.headwater("bind", "compute", PLATFORM, "--location-selectors", f"place={name}")
    tenant.kubectl("create", "service", "clusterip", "first", "--tcp=80")
    tenant.holds("services", "first", "east", "west")
    tenant.comes_down("east", "services", "first")
    tenant.comes_down("west", "services", "first")
    assert tenant.home("north") is None


def test_a_placement_changes_its_mind(stage: Stage) -> None:
    """S4: what a Placement no longer selects leaves as soon as nobody holds it, and comes back with another one."""
    tenant = stage.tenant("s4")
    key = stage.keys["east"]
    tenant.apply(manifests.service("first", **{HOLD + key: "wait-a-bit"}))
    tenant.place("all", "east")
    before = tenant.comes_down("east", "services", "first")
    nothing = {"spec": {"namespaceSelector": {"matchLabels": {"selected": "never"}}}}
    tenant.kubectl("patch", "placement", "all", "--type=merge", "-p", json.dumps(nothing))
    tenant.phase("Unbound")
    tenant.until("namespaces", "default", lambda obj: states(obj) == {key: "Sync-"}, namespace="")
    tenant.until("services", "first", lambda obj: states(obj) == {key: "Sync-"})
    held = tenant.below("east", "services", "first") or {}
    assert held["metadata"]["uid"] == before["metadata"]["uid"]
    tenant.kubectl("annotate", "service", "first", f"{HOLD}{key}=", "--overwrite")
    tenant.goes("east", "services", "first")
    tenant.until("services", "first", lambda obj: states(obj) == {})
    elsewhere = {"spec": {"namespaceSelector": {}, "locationSelector": {"matchLabels": {"foo": "bar"}}}}
    tenant.kubectl("patch", "placement", "all", "--type=merge", "-p", json.dumps(elsewhere))
    tenant.phase("Pending")
    tenant.place("new-placement", "east")
    tenant.kubectl("wait", "--for=condition=Ready", "placement/new-placement", "--timeout=60s")
    back = tenant.holds("services", "first", "east")
    assert not [note for note in notes_of(back) if note.startswith("deletion.")]
    tenant.comes_down("east", "services", "first")


def test_only_pclusters_that_support_the_api(stage: Stage) -> None:
    """S5: of two pclusters only the one that offers the bound export is ever chosen."""
    before = (stage.platform.find("synctargets", "north") or {})["spec"]["supportedAPIExports"]
    try:
        stage.change("north", supportedAPIExports=None)
        stage.target("north", lambda obj: not (obj.get("status") or {}).get("syncedResources"))
        tenant = stage.tenant("s5")
        tenant.place("all", "north", "east", targets={"min": 1, "max": 2})
        tenant.kubectl("wait", "--for=condition=Scheduled", "placement/all", "--timeout=60s")
        tenant.placed("east")
        found = tenant.api.find("placements", "all") or {}
        assert notes_of(found)["internal.workload.kcp.io/synctarget"] == stage.keys["east"]
        tenant.place("strict", "north", "east", targets={"min": 2, "max": 2})
        strict = tenant.judged("placements", "strict", "Scheduled", "False", namespace="")
        assert condition(strict, "Scheduled")["reason"] == "TooFewTargets"
        assert "north does not support APIBinding kubernetes" in condition(strict, "Scheduled")["message"]
        stage.change("north", supportedAPIExports=before)
        tenant.placed("east", "north", name="all")
        tenant.placed("east", "north", name="strict")
    finally:
        stage.change("north", supportedAPIExports=before)


def test_the_compute_export_offers_the_workload_kinds(stage: Stage) -> None:
    """S9: the compute export's kinds are accepted, a Service and a Deployment come down, and it scales upstream."""

    def accepts(target: Object) -> bool:
        entries = {each["resource"]: each["state"] for each in target["status"].get("syncedResources") or ()}
        wanted = {"services", "pods", "ingresses", "deployments"}
        return wanted <= set(entries) and set(entries.values()) == {"Accepted"}

    stage.ready("north")
    stage.target("north", accepts)
    tenant = stage.tenant("s9")
    tenant.place("all", "north")
    tenant.kubectl("create", "deployment", "web", "--image=nginx", "--replicas=1")
    tenant.kubectl("create", "service", "clusterip", "web", "--tcp=80")
    tenant.comes_down("north", "services", "web")
    tenant.runs("web", north=1)
    tenant.kubectl("scale", "deployment", "web", "--replicas=3")
    tenant.runs("web", north=3)
    tenant.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    assert (tenant.api.find("deployments", "web", "default") or {})["status"]["availableReplicas"] == 3


def test_what_is_placed_can_be_exposed(stage: Stage) -> None:
    """S9, as kubectl's users go on: `kubectl expose` copies the labels of the workload, the system's ones too."""
    tenant = stage.tenant("s9-expose")
    tenant.place("all", "north")
    tenant.kubectl("create", "deployment", "web", "--image=nginx")
    tenant.runs("web", north=1)
    tenant.kubectl("expose", "deployment", "web", "--port=80")
    tenant.comes_down("north", "services", "web")
