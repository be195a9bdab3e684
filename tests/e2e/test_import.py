"""An API that comes to a pcluster late: what keeps it off is said, and mended as it is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.e2e.harness import PLATFORM, SHOP, Stack, kubectls, stack, wait_for

pytestmark = pytest.mark.e2e
NAMES = {"plural": "cowboys", "singular": "cowboy", "kind": "Cowboy", "listKind": "CowboyList"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A control plane, and a registered pcluster with a syncer."""
    with stack(tmp_path_factory.mktemp("import"), kubectls()[0]) as started:
        started.start_hub()
        started.start_sim("east")
        started.create_workspaces()
        started.register("east")
        yield started


def version(*moods: str) -> dict[str, Any]:
    mood = {"type": "string", "enum": list(moods)}
    spec = {"type": "object", "properties": {"mood": mood}}
    return {"name": "v1", "served": True, "storage": True, "schema": {"type": "object", "properties": {"spec": spec}}}


def definition(*moods: str) -> str:
    offered = version(*moods)
    offered["schema"] = {"openAPIV3Schema": offered["schema"]}
    spec = {"group": "wildwest.dev", "scope": "Namespaced", "names": NAMES, "versions": [offered]}
    return json.dumps(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "cowboys.wildwest.dev"},
            "spec": spec,
        }
    )


def export_cowboys(made: Stack, *moods: str) -> None:
    spec = {"group": "wildwest.dev", "scope": "Namespaced", "names": NAMES, "versions": [version(*moods)]}
    name = "v1.cowboys.wildwest.dev"
    schema = {"apiVersion": "apis.kcp.io/v1alpha1", "kind": "APIResourceSchema", "metadata": {"name": name}}
    offered = {"group": "wildwest.dev", "name": "cowboys", "schema": name, "storage": {"crd": {}}}
    note = {"extra.apis.kcp.io/compute.workload.kcp.io": "true"}
    export = {
        "apiVersion": "apis.kcp.io/v1alpha2",
        "kind": "APIExport",
        "metadata": {"name": "wildwest", "annotations": note},
        "spec": {"resources": [offered]},
    }
    for each in ({**schema, "spec": spec}, export):
        made.kubectl("create", "-f", "-", workspace=PLATFORM, stdin=json.dumps(each))
    exports = [{"path": "root:compute", "export": "kubernetes"}, {"export": "wildwest"}]
    patch = json.dumps({"spec": {"supportedAPIExports": exports}})
    made.kubectl("patch", "synctarget", "east", "--type=merge", "-p", patch, workspace=PLATFORM)


def cowboys_are(made: Stack, state: str, said: str) -> bool:
    status = made.json("get", "synctarget", "east", workspace=PLATFORM).get("status") or {}
    entries = status.get("syncedResources") or []
    found = next((each for each in entries if each["resource"] == "cowboys"), {})
    if found.get("state") == state and said in found.get("message", ""):
        return True
    # The syncer looks again when anything changes, at the latest a minute later.
    made.kubectl("label", "synctarget", "east", f"look={found.get('state')}", "--overwrite", workspace=PLATFORM)
    made.kubectl("label", "synctarget", "east", "look-", workspace=PLATFORM)
    return False


def test_a_late_api_is_compared_granted_and_synced(made: Stack) -> None:
    made.below("east", "create", "-f", "-", stdin=definition("calm"))
    export_cowboys(made, "calm", "wild")
    wait_for("narrower", lambda: cowboys_are(made, "Incompatible", "spec.mood: enum lacks wild"))
    made.below("east", "apply", "-f", "-", stdin=definition("calm", "wild"))
    wait_for("no rights", lambda: cowboys_are(made, "Incompatible", "the syncer lacks"))
    path = "jsonpath={.status.conditions[?(@.type=='SyncerAuthorized')].message}"
    message = wait_for("it is said", lambda: made.kubectl("get", "synctarget", "east", "-o", path, workspace=PLATFORM))
    words = message.partition("`headwater ")[2].partition("`")[0].split()
    assert words == ["sync-target", "manifest", "east", "--role"]
    made.below("east", "apply", "-f", "-", stdin=made.headwater(*words, workspace=PLATFORM))
    wait_for("accepted", lambda: cowboys_are(made, "Accepted", ""))


def test_what_the_pclusters_policy_denies_is_seen_in_the_workspace(made: Stack) -> None:
    made.headwater("bind", "compute", PLATFORM, workspace=SHOP)
    denial = {"denied_resource": "deployments", "denial": "images come from our registry"}
    made.below("east", "replace", "--raw", "/sim/faults", "-f", "-", stdin=json.dumps(denial))
    made.kubectl("create", "deployment", "web", "--image=elsewhere.example/web:1")

    def told() -> str:
        events = made.kubectl("get", "events", "--field-selector=involvedObject.name=web,reason=SyncFailed")
        return events if "images come from our registry" in events else ""

    assert "SyncTarget east refuses it" in wait_for("told", told)
    assert "sync-failed.workload.kcp.io/" in made.kubectl("get", "deployment", "web", "-o", "yaml")
    assert "But east refuses it as it is now" in made.headwater("explain", "deployment/web", workspace=SHOP)
    made.below("east", "replace", "--raw", "/sim/faults", "-f", "-", stdin="{}")
    made.kubectl("annotate", "deployment", "web", "try=again")
    wait_for("taken back", lambda: "sync-failed" not in made.kubectl("get", "deployment", "web", "-o", "yaml"))
    made.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
