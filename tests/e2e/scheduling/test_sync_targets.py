"""SyncTargets: what a pcluster has and allows, cordon and drain, an API of one's own (S10 to S13, Y2, Y3)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from tests.e2e.harness import PLATFORM, wait_for
from tests.e2e.scheduling import manifests
from tests.e2e.scheduling.api import Api, Object, Refused
from tests.e2e.scheduling.stage import Stage, condition

pytestmark = pytest.mark.e2e
COWBOYS = f"cowboys.{manifests.GROUP}"
COMPUTE = {"path": "root:compute", "export": "kubernetes"}
OWN = {"export": "wildwest"}


@pytest.fixture
def north(stage: Stage) -> Iterator[Stage]:
    """The pcluster `north`, which has no cowboys yet; afterwards it is as it was."""
    yield stage
    stage.change("north", supportedAPIExports=[COMPUTE])
    below(stage, "delete", "crd", COWBOYS, "--ignore-not-found")
    allow(stage, cowboys=False)
    look_again(stage)
    stage.target("north", lambda obj: COWBOYS not in synced(obj) and authorized(obj) == "True")


def below(stage: Stage, *arguments: str, stdin: str = "") -> str:
    """kubectl on the pcluster."""
    config = str(stage.stack.pcluster_kubeconfig("north"))
    return stage.stack.command(stage.stack.kubectl_path, "--kubeconfig", config, *arguments, stdin=stdin).stdout


def look_again(stage: Stage) -> None:
    """Touch the SyncTarget. Without that its syncer looks at the pcluster's APIs and its rights once a minute."""
    now = datetime.now(UTC).isoformat()
    stage.stack.kubectl("annotate", "synctarget", "north", f"looked={now}", "--overwrite", workspace=PLATFORM)


def allow(stage: Stage, *, cowboys: bool) -> None:
    """Give the syncer rights on cowboys below, as the owner of the pcluster does, or take them back."""
    api = stage.pclusters["north"]
    role = next(each for each in api.list("clusterroles") if each["metadata"]["name"].startswith("kcp-syncer-north-"))
    rules = [each for each in role["rules"] if manifests.GROUP not in each.get("apiGroups", ())]
    if cowboys:
        rules.append({"apiGroups": [manifests.GROUP], "resources": ["cowboys"], "verbs": ["*"]})
    api.patch("clusterroles", role["metadata"]["name"], {"rules": rules})


def synced(target: Object) -> dict[str, str]:
    """`<resource>[.<group>]` -> state, in order."""
    entries = (target.get("status") or {}).get("syncedResources") or ()
    return {".".join(filter(None, (each["resource"], each.get("group")))): each["state"] for each in entries}


def authorized(target: Object) -> Any:
    return condition(target, "SyncerAuthorized").get("status")


def view(stage: Stage, path: str) -> Object:
    """What north's syncer sees, with the syncer's own account."""
    found = stage.platform.find("synctargets", "north") or {}
    meta = found["metadata"]
    base = f"/services/syncer/{meta['annotations']['kcp.io/cluster']}/north/{meta['uid']}/clusters/*"
    return Api(stage.stack.credential_kubeconfig("north")).at(base).request("GET", path)


def resources_in(stage: Stage, path: str) -> set[str]:
    """Names in a discovery document of north's syncer's view; none where there is no such group."""
    try:
        return {each["name"] for each in view(stage, path)["resources"]}
    except Refused as refused:
        assert refused.status == 404
        return set()


def test_an_api_that_the_pcluster_lacks_is_incompatible(north: Stage) -> None:
    """S10: it is listed with the reason and not served to the syncer; the others are, and the target stays ready."""
    north.change("north", supportedAPIExports=[OWN, COMPUTE])
    target = north.target("north", lambda obj: synced(obj).get(COWBOYS) == "Incompatible")
    states = synced(target)
    assert states["services"] == states["deployments.apps"] == "Accepted"
    entry = next(each for each in target["status"]["syncedResources"] if each["resource"] == "cowboys")
    assert "not served" in entry["message"]
    assert authorized(target) == "True"
    north.ready("north")
    assert {"configmaps", "namespaces", "secrets", "services", "services/status"} <= resources_in(north, "/api/v1")
    assert "deployments" in resources_in(north, "/apis/apps/v1")
    assert resources_in(north, f"/apis/{manifests.GROUP}/v1alpha1") == set()


def test_an_export_more_needs_rights_on_the_pcluster(north: Stage) -> None:
    """S11: the missing rights are said, nothing is synced without them, and all is well once they are given."""
    below(north, "apply", "-f", "-", stdin=json.dumps(manifests.cowboy_definition()))
    north.change("north", supportedAPIExports=[COMPUTE, OWN])
    target = north.target("north", lambda obj: authorized(obj) == "False")
    why = condition(target, "SyncerAuthorized")
    assert why["reason"] == "SyncerUnauthorized"
    assert "cowboys" in why["message"]
    north.ready("north", "False")
    allow(north, cowboys=True)
    look_again(north)
    north.ready("north")


def test_an_export_of_the_targets_own_workspace(north: Stage) -> None:
    """S12: a target that offers only an export of its own workspace serves that, and runs what is bound to it.

    kcp makes such an export from the APIs it imports from the pcluster. Here its owner makes it, and the path of a
    supported export may be left out when it is in the SyncTarget's workspace.
    """
    below(north, "apply", "-f", "-", stdin=json.dumps(manifests.cowboy_definition()))
    allow(north, cowboys=True)
    north.change("north", supportedAPIExports=[OWN])
    north.target("north", lambda obj: synced(obj) == {COWBOYS: "Accepted"} and authorized(obj) == "True")
    north.ready("north")
    assert resources_in(north, f"/apis/{manifests.GROUP}/v1alpha1") == {"cowboys", "cowboys/status"}
    assert "services" not in resources_in(north, "/api/v1")
    tenant = north.tenant("s12", compute=False)
    tenant.bind(PLATFORM, "wildwest")
    tenant.place("all", "north")
    tenant.apply(manifests.cowboy("timothy"))
    tenant.comes_down("north", "cowboys", "timothy")


def test_an_object_of_an_api_of_ones_own(stage: Stage) -> None:
    """S13: its spec goes down, its status comes up, and it goes where it was deleted."""
    tenant = stage.tenant("s13", compute=False)
    tenant.bind(PLATFORM, "wildwest")
    tenant.place("all", "west")
    tenant.apply(manifests.cowboy("timothy"))
    copy = tenant.comes_down("west", "cowboys", "timothy")
    upstream = tenant.api.find("cowboys", "timothy", "default") or {}
    assert copy["spec"] == upstream["spec"]
    home = str(tenant.home("west"))
    assert home.startswith("kcp-")
    status = {"status": {"result": "happy"}}
    stage.pclusters["west"].patch("cowboys", "timothy", status, home, "status")
    tenant.until("cowboys", "timothy", lambda obj: obj.get("status") == status["status"])
    tenant.kubectl("delete", "cowboy", "timothy", "--timeout=60s")
    assert tenant.below("west", "cowboys", "timothy") is None


def test_registering_writes_manifests(stage: Stage) -> None:
    """Y2: `sync` makes a SyncTarget that is schedulable and not draining, and prints what to apply below."""
    own = stage.tenant("y2", compute=False)
    config = ("--kubeconfig", str(stage.stack.kubeconfig), "--workspace", own.path)
    flags = ("--syncer-image", "example.test/syncer:1", "--output-file", "-")
    done = stage.stack.command(stage.stack.kubectl_path, "workload", "sync", "test-wlc", *flags, *config)
    documents = list(yaml.safe_load_all(done.stdout))
    kinds = {each["kind"] for each in documents}
    assert {"Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Secret", "Deployment"} <= kinds
    agent = next(each for each in documents if each["kind"] == "Deployment")
    assert agent["spec"]["template"]["spec"]["containers"][0]["image"] == "example.test/syncer:1"
    own.until("locations", "default", bool, namespace="")  # With the first SyncTarget there is one.
    spec = (own.api.find("synctargets", "test-wlc") or {})["spec"]
    assert not spec.get("unschedulable")
    assert spec.get("evictAfter") is None


@pytest.mark.parametrize("program", ["headwater", "kubectl"])
def test_cordon_uncordon_and_drain(stage: Stage, program: str) -> None:
    """Y3: each does the same twice; uncordon takes back both. As a command and as a kubectl plugin."""
    own = stage.tenant(f"y3-{program}", compute=False)
    own.headwater("sync-target", "create", "test-wlc", "-o", "-")

    def command(verb: str) -> str:
        if program == "headwater":
            return own.headwater("sync-target", verb, "test-wlc")
        config = ("--kubeconfig", str(stage.stack.kubeconfig), "--workspace", own.path)
        return stage.stack.command(stage.stack.kubectl_path, "workload", verb, "test-wlc", *config).stdout

    def spec() -> tuple[bool, datetime | None]:
        found = (own.api.find("synctargets", "test-wlc") or {})["spec"]
        at = found.get("evictAfter")
        return bool(found.get("unschedulable")), datetime.fromisoformat(at) if at else None

    assert "test-wlc cordoned" in command("cordon")
    assert "already cordoned" in command("cordon")
    assert spec() == (True, None)
    assert "test-wlc uncordoned" in command("uncordon")
    assert "already uncordoned" in command("uncordon")
    assert spec() == (False, None)
    assert "test-wlc draining" in command("drain")
    cordoned, evict_after = spec()
    assert cordoned
    assert evict_after is not None
    assert evict_after <= datetime.now(UTC)
    assert "already draining" in command("drain")
    assert spec() == (cordoned, evict_after)
    assert "test-wlc uncordoned" in command("uncordon")
    assert spec() == (False, None)


def test_a_cordoned_pcluster_keeps_what_it_has(stage: Stage) -> None:
    """Y3 as its tenants see it: what runs stays and can change, what is new goes elsewhere, a drain moves it."""
    tenant = stage.tenant("y3-live")
    tenant.place("all", "east", "west", namespaceSelector={"matchLabels": {"kubernetes.io/metadata.name": "default"}})
    tenant.apply(manifests.deployment("web", 1))
    first = wait_for("runs", lambda: next((each for each in ("east", "west") if tenant.ready_on(each, "web")), None))
    second = {"east": "west", "west": "east"}[first]
    stage.command("cordon", first)
    tenant.kubectl("create", "namespace", "later")
    tenant.place("later", "east", "west", namespaceSelector={"matchLabels": {"kubernetes.io/metadata.name": "later"}})
    tenant.placed(second, name="later")
    tenant.kubectl("scale", "deployment", "web", "--replicas=2")
    tenant.runs("web", **{first: 2})
    stage.command("drain", first)
    tenant.runs("web", **{second: 2})
    stage.command("uncordon", first)
    assert tenant.chosen() == [second], "nothing moves because of more choice"
