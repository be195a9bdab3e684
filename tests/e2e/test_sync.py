"""One workload, from kubectl to two pclusters and back."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.harness import PLATFORM, Stack, kubectls, stack, wait_for

from headwater.apis.kube.kinds import kube_kinds
from headwater.controlplane.bootstrap.compute import schema_name, schema_object
from headwater.machinery.gvk import GroupVersionKind

pytestmark = pytest.mark.e2e
MANIFEST = (Path(__file__).resolve().parents[2] / "src/headwater/cli/demo/shop.yaml").read_text()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A control plane, two registered pclusters, and a workspace with compute bound: web on two, backend on one."""
    with stack(tmp_path_factory.mktemp("sync"), kubectls()[0]) as stack_of_module:
        stack_of_module.start_hub("--sync-target-heartbeat-threshold", "6")
        stack_of_module.start_sim("east", "west")
        stack_of_module.create_workspaces()
        for name in ("east", "west"):
            stack_of_module.register(name, "--labels", f"region={name}", "--cells", name)
        for tier, targets in (("web", "2"), ("backend", "1")):
            stack_of_module.headwater(
                "bind", "compute", PLATFORM, "--name", tier, "--namespace-selector", f"tier={tier}",
                "--min-targets", targets, "--max-targets", targets, workspace="root:shop",
            )  # fmt: skip
        stack_of_module.kubectl("apply", "-f", "-", stdin=MANIFEST)
        wait_for(
            "web runs on both",
            lambda: all(stack_of_module.ready_below(p, "web", "storefront") == 3 for p in ("east", "west")),
        )
        yield stack_of_module


def readiness(made: Stack, name: str) -> str:
    """Status of the Ready condition of a SyncTarget."""
    path = "jsonpath={.status.conditions[?(@.type=='Ready')].status}"
    return made.kubectl("get", "synctarget", name, "-o", path, workspace=PLATFORM)


def both_ready(made: Stack, replicas: int) -> bool:
    """Whether the storefront has so many ready pods on each pcluster."""
    return all(made.ready_below(each, "web", "storefront") == replicas for each in ("east", "west"))


def backend_home(made: Stack) -> str:
    """The pcluster that runs the backend."""
    return wait_for(
        "backend runs somewhere",
        lambda: next((p for p in ("east", "west") if made.ready_below(p, "backend", "cart") == 2), None),
    )


def arrive(made: Stack, pcluster: str, home: str, *objects: str) -> None:
    """Wait until a downstream namespace has all of these."""
    get = ("-n", home, "get", *objects, "-o", "name", "--ignore-not-found")
    wait_for(f"{objects} on {pcluster}", lambda: len(made.below(pcluster, *get).split()) == len(objects))


def test_everything_arrives_and_reports(made: Stack) -> None:
    """Objects of every kind are below with the same content, and the workspace shows their status."""
    for pcluster in ("east", "west"):
        home = made.downstream_namespace(pcluster, "web")
        assert home
        assert home.startswith("kcp-")
        arrive(made, pcluster, home, "configmap/storefront", "service/storefront", "ingress/storefront")
        data = made.below_json(pcluster, "-n", home, "get", "configmap", "storefront")["data"]
        assert data == {"backend": "http://cart.backend.svc.cluster.local:8080"}
    home = made.downstream_namespace(backend_home(made), "backend")
    arrive(made, backend_home(made), str(home), "secret/cart-db")
    secret = made.below_json(backend_home(made), "-n", str(home), "get", "secret", "cart-db")
    assert base64.b64decode(secret["data"]["password"]) == b"demo-only"
    made.kubectl("-n", "web", "rollout", "status", "deployment/storefront", "--timeout=60s")
    made.kubectl("-n", "backend", "rollout", "status", "deployment/cart", "--timeout=60s")
    wait_for("both ready", lambda: made.headwater("sync-target", "list", workspace=PLATFORM).count("True") == 2)


def test_pods_of_both_pclusters_are_shown(made: Stack) -> None:
    """Each under its own name, and owned by the target that runs it."""

    def owners() -> list[str]:
        pods = made.json("-n", "web", "get", "pods", "-l", "app=storefront")["items"]
        marks = [
            mark for pod in pods for mark in pod["metadata"]["labels"] if mark.startswith("state.workload.kcp.io/")
        ]
        return marks if len(pods) == len(marks) == 6 else []

    found = wait_for("six pods", owners)
    assert sorted(found.count(mark) for mark in set(found)) == [3, 3]


CLIENT = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: client, namespace: web}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: client, namespace: web}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: admin}
subjects: [{kind: ServiceAccount, name: client, namespace: web}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: client, namespace: web}
spec:
  replicas: 0
  selector: {matchLabels: {app: client}}
  template:
    metadata: {labels: {app: client}}
    spec: {serviceAccountName: client, containers: [{name: c, image: example/client}]}
"""


def test_a_client_in_a_pod_reaches_its_workspace(made: Stack, tmp_path: Path) -> None:
    """Y1: with its pod's environment and files it writes into its workspace, and nowhere else."""
    made.kubectl("apply", "-f", "-", stdin=CLIENT)
    home = str(made.downstream_namespace("east", "web"))
    wait_for("the copy", lambda: "client" in made.below("east", "-n", home, "get", "deployments"))
    pod = made.below_json("east", "-n", home, "get", "deployment", "client")["spec"]["template"]["spec"]
    variables = {each["name"]: each["value"] for each in pod["containers"][0]["env"]}
    [secret] = [each["secret"]["secretName"] for each in pod["volumes"]]
    files = made.below_json("east", "-n", home, "get", "secret", secret)["data"]
    (tmp_path / "ca.crt").write_bytes(base64.b64decode(files["ca.crt"]))
    token, space = (base64.b64decode(files[each]).decode() for each in ("token", "namespace"))
    address = f"https://{variables['KUBERNETES_SERVICE_HOST']}:{variables['KUBERNETES_SERVICE_PORT_HTTPS']}"

    def in_pod(server: str, *arguments: str) -> str:
        trust = ("--kubeconfig", "/dev/null", "--certificate-authority", str(tmp_path / "ca.crt"), "--token", token)
        done = made.command(made.kubectl_path, *trust, "--server", server, "-n", space, *arguments, check=False)
        return done.stdout + done.stderr

    assert "created" in in_pod(address, "create", "configmap", "expected-configmap", "--from-literal=from=pod")
    assert made.json("-n", "web", "get", "configmap", "expected-configmap")["data"] == {"from": "pod"}
    for other in (PLATFORM, "root"):
        assert "forbidden" in in_pod(f"{address}/clusters/{other}", "get", "configmaps").lower()
    made.kubectl("-n", "web", "delete", "deployment/client", "configmap/expected-configmap", "--timeout=60s")
    wait_for("its token is gone", lambda: secret not in made.below("east", "-n", home, "get", "secrets"))


def test_changes_go_down_and_hand_made_ones_are_put_back(made: Stack) -> None:
    made.kubectl("-n", "web", "scale", "deployment", "storefront", "--replicas=2")
    wait_for("scaled", lambda: both_ready(made, 2))
    home = str(made.downstream_namespace("east", "web"))
    made.below("east", "-n", home, "scale", "deployment", "storefront", "--replicas=5")
    wait_for("put back", lambda: made.ready_below("east", "web", "storefront") == 2)
    made.below("east", "-n", home, "delete", "configmap", "storefront")
    wait_for("made again", lambda: "storefront" in made.below("east", "-n", home, "get", "configmaps"))
    made.kubectl("-n", "web", "scale", "deployment", "storefront", "--replicas=3")


def test_derived_objects_are_left_alone(made: Stack) -> None:
    """What the pcluster's own controllers make of a synced Service keeps its identity while the Service changes."""
    home = str(made.downstream_namespace("east", "web"))

    def slices() -> dict[str, str]:
        found = made.below_json("east", "-n", home, "get", "endpointslices")["items"]
        return {each["metadata"]["name"]: each["metadata"]["uid"] for each in found if each["endpoints"]}

    def service() -> str:
        return made.below("east", "-n", home, "get", "service", "storefront", "-o", "yaml")

    before = wait_for("slices", slices)
    made.kubectl("-n", "web", "label", "service", "storefront", "touched=yes", "--overwrite")
    wait_for(
        "label below", lambda: "touched" in made.below("east", "-n", home, "get", "service", "storefront", "-o", "yaml")
    )
    made.programs["syncer-east"].stop()
    made.programs["syncer-east"].start()
    made.kubectl("-n", "web", "label", "service", "storefront", "touched=again", "--overwrite")
    wait_for(
        "label below", lambda: "again" in made.below("east", "-n", home, "get", "service", "storefront", "-o", "yaml")
    )
    assert slices() == before


def test_delete_goes_down(made: Stack) -> None:
    made.kubectl("-n", "web", "create", "configmap", "shortlived")
    home = str(made.downstream_namespace("west", "web"))
    wait_for("there", lambda: "shortlived" in made.below("west", "-n", home, "get", "configmaps"))
    made.kubectl("-n", "web", "delete", "configmap", "shortlived", "--timeout=60s")
    assert "shortlived" not in made.below("west", "-n", home, "get", "configmaps")


def offer_volumes(made: Stack) -> None:
    """Export PersistentVolumes for compute, have both pclusters take them, and bind them in the shop."""
    kind = kube_kinds()[GroupVersionKind("", "v1", "PersistentVolume")]
    entry = {"group": "", "name": "persistentvolumes", "schema": schema_name(kind)}
    export = {
        "apiVersion": "apis.kcp.io/v1alpha2",
        "kind": "APIExport",
        "metadata": {"name": "volumes", "annotations": {"extra.apis.kcp.io/compute.workload.kcp.io": "true"}},
        "spec": {"resources": [entry]},
    }
    for each in (schema_object(kind), export):
        made.kubectl("create", "-f", "-", workspace=PLATFORM, stdin=json.dumps(each))
    exports = [{"path": "root:compute", "export": "kubernetes"}, {"export": "volumes"}]
    patch = json.dumps({"spec": {"supportedAPIExports": exports}})
    for name in ("east", "west"):
        made.kubectl("patch", "synctarget", name, "--type=merge", "-p", patch, workspace=PLATFORM)
        wait_for(
            "offered", lambda name=name: "persistentvolumes" in made.kubectl(
                "get", "synctarget", name, "-o", "jsonpath={.status.syncedResources[*].resource}", workspace=PLATFORM
            ),
        )  # fmt: skip
        role = made.headwater("sync-target", "manifest", name, "--role", workspace=PLATFORM)
        made.below(name, "apply", "-f", "-", stdin=role)
        made.kubectl("label", "synctarget", name, "look=again", workspace=PLATFORM)

        def accepted(name: str = name) -> bool:
            entries = made.json("get", "synctarget", name, workspace=PLATFORM)["status"]["syncedResources"]
            return any((each["resource"], each.get("state")) == ("persistentvolumes", "Accepted") for each in entries)

        wait_for("accepted", accepted)
    binding = {
        "apiVersion": "apis.kcp.io/v1alpha2",
        "kind": "APIBinding",
        "metadata": {"name": "volumes"},
        "spec": {"reference": {"export": {"path": PLATFORM, "name": "volumes"}}},
    }
    made.kubectl("create", "-f", "-", stdin=json.dumps(binding))
    made.kubectl("wait", "apibinding/volumes", "--for=jsonpath={.status.phase}=Bound", "--timeout=60s")


def test_a_volume_goes_where_a_user_sends_it(made: Stack) -> None:
    """It is in no namespace, so it is offered to the pclusters of its workspace, and a user of it accepts one."""
    offer_volumes(made)
    for role, name in (("system:kcp:workspace:access", "access"), ("cluster-admin", "admin")):
        made.kubectl("create", "clusterrolebinding", name, f"--clusterrole={role}", "--user=alice")
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": "1Gi"},
        "storageClassName": "manual",
        "csi": {"driver": "sim.headwater.io", "volumeHandle": "data"},
    }
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "data"}, "spec": spec}
    alice = ("--as=alice", "--as-group=system:authenticated")
    made.kubectl(*alice, "create", "-f", "-", stdin=json.dumps(volume))
    key = made.json("get", "synctarget", "east", workspace=PLATFORM)["metadata"]["labels"][
        "internal.workload.kcp.io/key"
    ]
    label = f"state.workload.kcp.io/{key}"

    def state() -> str | None:
        found: str | None = made.json("get", "persistentvolume", "data")["metadata"].get("labels", {}).get(label)
        return found

    wait_for("offered to it", lambda: state() == "")
    refused = made.kubectl(*alice, "label", "pv", "data", f"{label}=Upsync", "--overwrite", check=False)
    assert "set by the system only" in refused
    made.kubectl(*alice, "label", "pv", "data", f"{label}=Sync", "--overwrite")
    there = ("get", "persistentvolume", "data", "--ignore-not-found", "-o", "json")
    copy = json.loads(wait_for("below", lambda: made.below("east", *there)))
    locator = json.loads(copy["metadata"]["annotations"]["kcp.io/namespace-locator"])
    assert (locator["namespace"], locator["syncTarget"]["name"]) == ("", "east")
    assert not made.below("west", *there)
    made.kubectl(*alice, "delete", "persistentvolume", "data", "--timeout=60s")
    assert not made.below("east", *there)


def test_cordon_keeps_and_drain_moves(made: Stack) -> None:
    """A cordon moves nothing. A drain moves the backend, never below its replicas, and ends with an empty pcluster."""
    first = backend_home(made)
    second = {"east": "west", "west": "east"}[first]
    assert "cordoned" in made.headwater("sync-target", "cordon", first, workspace=PLATFORM)
    assert "already cordoned" in made.headwater("sync-target", "cordon", first, workspace=PLATFORM)
    made.kubectl("-n", "backend", "annotate", "deployment", "cart", "poke=1")
    assert made.ready_below(first, "backend", "cart") == 2
    made.headwater("sync-target", "drain", first, workspace=PLATFORM)
    lowest = 2

    def moved() -> bool:
        nonlocal lowest
        here, there = made.ready_below(first, "backend", "cart"), made.ready_below(second, "backend", "cart")
        lowest = min(lowest, max(here or 0, there or 0))
        return here is None and there == 2

    wait_for("moved", moved)
    assert lowest == 2
    wait_for("web left too", lambda: made.ready_below(first, "web", "storefront") is None)
    wait_for("namespaces cleaned", lambda: made.downstream_namespace(first, "backend") is None)
    listed = made.headwater("sync-target", "list", workspace=PLATFORM)
    assert "Draining" in listed
    made.kubectl("-n", "backend", "rollout", "status", "deployment/cart", "--timeout=60s")
    made.headwater("sync-target", "uncordon", first, workspace=PLATFORM)
    wait_for("web returns", lambda: made.ready_below(first, "web", "storefront") == 3)
    assert made.ready_below(second, "backend", "cart") == 2, "least movement: what moved stays"


def test_agents_credential_reaches_only_its_own_work(made: Stack) -> None:
    """A syncer's credential can't read a workspace, another target's view, or write what it may not."""
    agent = str(made.credential_kubeconfig("east"))
    west = made.json("get", "synctarget", "west", workspace=PLATFORM)["metadata"]
    east = made.json("get", "synctarget", "east", workspace=PLATFORM)["metadata"]
    home = west["annotations"]["kcp.io/cluster"]
    shop = made.json("get", "namespace", "web")["metadata"]["annotations"]["kcp.io/cluster"]

    def attempt(*arguments: str) -> str:
        done = made.command(made.kubectl_path, "--kubeconfig", agent, *arguments, check=False)
        return done.stdout + done.stderr

    mine = f"/services/syncer/{home}/east/{east['uid']}/clusters"
    found = json.loads(attempt("get", "--raw", f"{mine}/*/api/v1/namespaces"))["items"]
    assert {each["metadata"]["name"] for each in found} >= {"web"}
    for path in (
        f"/services/syncer/{home}/west/{west['uid']}/clusters/*/api/v1/secrets",
        f"/clusters/{shop}/api/v1/secrets",
        "/clusters/root/api/v1/secrets",
        "/clusters/*/api/v1/secrets",
        f"/clusters/{home}/apis/sync.kcp.io/v1alpha1/synctargets/west",
    ):
        assert "forbidden" in attempt("get", "--raw", path).lower(), path
    wrong_uid = f"/services/syncer/{home}/east/{west['uid']}/clusters/*/api/v1/namespaces"
    assert "NotFound" in attempt("get", "--raw", wrong_uid)
    refused = attempt("delete", "--raw", f"{mine}/{shop}/api/v1/namespaces/web/configmaps/storefront")
    assert "MethodNotAllowed" in refused, refused


def test_lost_pcluster_is_reported(made: Stack) -> None:
    """Without heartbeats a target is not ready, and nothing of it is deleted."""
    before = made.ready_below("west", "web", "storefront")
    made.programs["syncer-west"].kill()
    wait_for("not ready", lambda: readiness(made, "west") == "False")
    assert made.ready_below("west", "web", "storefront") == before
    made.programs["syncer-west"].start()
    wait_for("ready again", lambda: readiness(made, "west") == "True")


def test_unregistering_a_pcluster_does_not_empty_it(made: Stack) -> None:
    """With its SyncTarget gone a pcluster keeps what runs there, and the workspace is not held up by it."""
    home = str(made.downstream_namespace("west", "web"))
    before = made.below_json("west", "-n", home, "get", "deployment", "storefront")["metadata"]["uid"]
    made.kubectl("delete", "synctarget", "west", "--timeout=60s", workspace=PLATFORM)

    def released() -> bool:
        meta = made.json("-n", "web", "get", "deployment", "storefront")["metadata"]
        return len(meta.get("finalizers", ())) == 1

    wait_for("the workspace lets go of it", released)
    made.kubectl("-n", "web", "label", "deployment", "storefront", "poke=1")
    elsewhere = ("-n", str(made.downstream_namespace("east", "web")), "get", "deployment", "storefront")
    wait_for("work goes on", lambda: "poke" in made.below_json("east", *elsewhere)["metadata"]["labels"])
    assert made.below_json("west", "-n", home, "get", "deployment", "storefront")["metadata"]["uid"] == before


def test_wrong_export_changes_nothing(made: Stack) -> None:
    before = made.json("get", "synctarget", "east", workspace=PLATFORM)["spec"]
    said = made.headwater(
        "sync-target",
        "create",
        "east",
        "-o",
        "-",
        "--apiexports",
        "root:compute:nothing",
        workspace=PLATFORM,
        check=False,
    )
    assert "root:compute:nothing does not exist" in said
    assert made.json("get", "synctarget", "east", workspace=PLATFORM)["spec"] == before
