"""kubectl, as people use it, against a workspace: every verb, each kubectl that is here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.e2e.harness import SHOP, Stack, kubectls, stack, wait_for

pytestmark = pytest.mark.e2e
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: web, image: "nginx:1", ports: [{containerPort: 80}]}
        - {name: side, image: "side:1"}
"""
CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: sheriffs.wild.west}
spec:
  group: wild.west
  scope: Namespaced
  names: {plural: sheriffs, singular: sheriff, kind: Sheriff, shortNames: [sh]}
  versions:
    - name: v1
      served: true
      storage: true
      subresources: {status: {}}
      additionalPrinterColumns: [{name: Badge, type: integer, jsonPath: .spec.badge}]
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              required: [badge]
              properties:
                badge: {type: integer, minimum: 1, description: Number on the badge.}
                town: {type: string, default: tombstone}
            status: {type: object, x-kubernetes-preserve-unknown-fields: true}
"""


@pytest.fixture(scope="module", params=kubectls(), ids=lambda path: "debian" if ".venv" in path else "path")
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A control plane with a workspace that has compute bound."""
    with stack(tmp_path_factory.mktemp("kubectl"), request.param) as made:
        made.start_hub()
        made.create_workspaces()
        binding = {
            "apiVersion": "apis.kcp.io/v1alpha2",
            "kind": "APIBinding",
            "metadata": {"name": "kubernetes"},
            "spec": {"reference": {"export": {"path": "root:compute", "name": "kubernetes"}}},
        }
        made.kubectl("create", "-f", "-", stdin=json.dumps(binding))
        made.kubectl("wait", "--for=condition=Ready", "apibinding/kubernetes", "--timeout=60s")
        yield made


@pytest.fixture(autouse=True)
def deployment(shop: Stack) -> Iterator[None]:
    """Each test finds Deployment web as applied, and leaves nothing of it."""
    shop.kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
    yield
    shop.kubectl("delete", "deployment", "web", "--ignore-not-found")


def get(shop: Stack, path: str) -> str:
    return shop.kubectl("get", "deployment", "web", "-o", f"jsonpath={path}")


def test_create_and_dry_run(shop: Stack) -> None:
    shop.kubectl("create", "configmap", "made", "--from-literal=a=b")
    assert "already exists" in shop.kubectl("create", "configmap", "made", check=False)
    shop.kubectl("create", "configmap", "imagined", "--dry-run=server")
    assert "NotFound" in shop.kubectl("get", "configmap", "imagined", check=False)
    shop.kubectl("create", "secret", "generic", "s", "--from-literal=p=w")
    shop.kubectl("create", "deployment", "quick", "--image=nginx")
    shop.kubectl("delete", "configmap/made", "secret/s", "deployment/quick")


def test_apply_client_and_server_side(shop: Stack) -> None:
    """Apply keeps what others set, removes what is no longer given, and says who is in conflict."""
    shop.kubectl("label", "deployment", "web", "by=hand")
    out = shop.kubectl("apply", "-f", "-", stdin=DEPLOYMENT.replace('image: "nginx:1"', 'image: "nginx:2"'))
    assert "configured" in out
    assert get(shop, "{.spec.template.spec.containers[*].image}") == "nginx:2 side:1"
    assert get(shop, "{.metadata.labels.by}") == "hand"
    assert "unchanged" in shop.kubectl("apply", "-f", "-", stdin=DEPLOYMENT.replace('"nginx:1"', '"nginx:2"'))
    other = DEPLOYMENT.replace("name: web, labels", "name: ssa, labels")
    shop.kubectl("apply", "--server-side", "-f", "-", stdin=other)
    conflict = shop.kubectl(
        "apply", "--server-side", "--field-manager=other", "-f", "-", stdin=other.replace("replicas: 2", "replicas: 3"),
        check=False,
    )  # fmt: skip
    assert "conflict" in conflict
    assert ".spec.replicas" in conflict
    shop.kubectl(
        "apply", "--server-side", "--force-conflicts", "--field-manager=other", "-f", "-",
        stdin=other.replace("replicas: 2", "replicas: 3"),
    )  # fmt: skip
    assert shop.json("get", "deployment", "ssa")["spec"]["replicas"] == 3
    shop.kubectl("delete", "deployment", "ssa")


def test_get_in_every_form(shop: Stack) -> None:
    assert shop.kubectl("get", "deployments").split()[:5] == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert "nginx:1,side:1" in shop.kubectl("get", "deploy", "-o", "wide")
    assert "kind: Deployment" in shop.kubectl("get", "deploy/web", "-o", "yaml")
    assert get(shop, "{.spec.replicas}") == "2"
    assert shop.kubectl("get", "deploy", "-o", "custom-columns=N:.metadata.name").split() == ["N", "web"]
    assert "web" in shop.kubectl("get", "all")
    assert "web" in shop.kubectl("get", "deploy", "-l", "app in (web)", "-A")
    assert "web" not in shop.kubectl("get", "deploy", "-l", "app!=web")
    assert "web" in shop.kubectl("get", "deploy", "--field-selector", "metadata.name=web", "--chunk-size=1")


def test_describe_and_explain(shop: Stack) -> None:
    assert "Name:" in shop.kubectl("describe", "deployment", "web")
    assert "FIELD" in shop.kubectl("explain", "deployment.spec.replicas")
    assert "containers" in shop.kubectl("explain", "deployment.spec.template.spec")
    assert "workloadSelector" in shop.kubectl("explain", "placement.spec")


def test_label_annotate_patch_replace_edit_scale(shop: Stack) -> None:
    # Then nobody else has anything to write, which could come between reading and replacing.
    shop.kubectl("wait", "--for=condition=Scheduled=False", "deployment/web", "--timeout=60s")
    shop.kubectl("label", "deployment", "web", "tier=front")
    shop.kubectl("annotate", "deployment", "web", "note=x")
    shop.kubectl(
        "patch",
        "deployment",
        "web",
        "-p",
        '{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"n:3"}]}}}}',
    )
    assert get(shop, "{.spec.template.spec.containers[*].image}") == "n:3 side:1", "strategic merge by name"
    shop.kubectl("patch", "deployment", "web", "--type=merge", "-p", '{"metadata":{"labels":{"tier":null}}}')
    assert get(shop, "{.metadata.labels.tier}") == ""
    shop.kubectl(
        "patch", "deployment", "web", "--type=json", "-p", '[{"op":"replace","path":"/spec/replicas","value":4}]'
    )
    assert get(shop, "{.spec.replicas}") == "4"
    shop.kubectl("scale", "deployment", "web", "--replicas=5")
    assert get(shop, "{.spec.replicas}") == "5"
    current = shop.json("get", "deployment", "web")
    current["spec"]["replicas"] = 6
    shop.kubectl("replace", "-f", "-", stdin=json.dumps(current))
    assert get(shop, "{.spec.replicas}") == "6"
    stale = shop.kubectl("replace", "-f", "-", stdin=json.dumps(current), check=False)
    assert "Conflict" in stale or "modified" in stale
    editor = shop.command("sh", "-c", f"EDITOR='sed -i s/replicas:.6/replicas:\\ 7/' '{shop.kubectl_path}' "
                          f"--server https://127.0.0.1:{shop.port}/clusters/{SHOP} edit deployment web")  # fmt: skip
    assert "edited" in editor.stdout
    assert get(shop, "{.spec.replicas}") == "7"


def test_diff_wait_and_delete(shop: Stack) -> None:
    changed = DEPLOYMENT.replace("replicas: 2", "replicas: 9")
    assert "+  replicas: 9" in shop.kubectl("diff", "-f", "-", stdin=changed, check=False)
    shop.kubectl("patch", "deployment", "web", "--type=merge", "-p", '{"metadata":{"finalizers":["a.b/c"]}}')
    shop.kubectl("delete", "deployment", "web", "--wait=false")
    assert get(shop, "{.metadata.deletionTimestamp}")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(shop.kubectl, "wait", "--for=delete", "deployment/web", "--timeout=60s")
        shop.kubectl("get", "deployment", "web", "-o", "yaml")
        shop.kubectl("patch", "deployment", "web", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
        out = str(waiting.exception() or waiting.result())
    # Where it was gone before kubectl looked, old ones complain, and new ones say nothing and succeed.
    assert not out or "condition met" in out or "no matching resources" in out
    assert "NotFound" in shop.kubectl("get", "deployment", "web", check=False)


def test_resources_and_rights(shop: Stack) -> None:
    listed = shop.kubectl("api-resources", "--verbs=list", "-o", "name").split()
    assert {"deployments.apps", "configmaps", "placements.placement.kcp.io", "workspaces.tenancy.kcp.io"} <= set(listed)
    assert shop.kubectl("auth", "can-i", "create", "deployments").strip() == "yes"
    assert "not permitted" in shop.kubectl("auth", "can-i", "create", "deployments", "--as=nobody", check=False)
    assert "Forbidden" in shop.kubectl("get", "deployments", "--as=nobody", check=False)


def test_custom_resources(shop: Stack) -> None:
    """A CRD is served at once, validated, pruned and defaulted, with its own columns."""
    shop.kubectl("apply", "-f", "-", stdin=CRD)
    shop.kubectl("wait", "--for=condition=Established", "crd/sheriffs.wild.west", "--timeout=60s")
    good = "apiVersion: wild.west/v1\nkind: Sheriff\nmetadata: {name: wyatt}\nspec: {badge: 7}\n"
    wait_for("served", lambda: "created" in shop.kubectl("apply", "-f", "-", stdin=good, check=False))
    assert shop.json("get", "sh", "wyatt")["spec"] == {"badge": 7, "town": "tombstone"}
    assert "Badge" in shop.kubectl("get", "sheriffs").title()
    bad = shop.kubectl("apply", "-f", "-", stdin=good.replace("badge: 7", "badge: 0"), check=False)
    assert "spec.badge" in bad
    unknown = good.replace("badge: 7", "badge: 7, gun: colt")
    assert "gun" in shop.kubectl("apply", "-f", "-", stdin=unknown, check=False)
    assert "Number on the badge" in shop.kubectl("explain", "sheriff.spec.badge")
    shop.kubectl("delete", "crd", "sheriffs.wild.west")
    assert "sheriffs" not in shop.kubectl("api-resources", "-o", "name")


def test_wrong_input_names_the_field(shop: Stack) -> None:
    wrong = shop.kubectl("apply", "-f", "-", stdin=DEPLOYMENT.replace("replicas: 2", 'replicas: "two"'), check=False)
    assert "replicas" in wrong
    no_name = DEPLOYMENT.replace("name: web, labels", "name: Web_1, labels")
    assert "metadata.name" in shop.kubectl("apply", "--validate=false", "-f", "-", stdin=no_name, check=False)
    missing = shop.kubectl("-n", "nowhere", "create", "configmap", "x", check=False)
    assert 'namespaces "nowhere" not found' in missing


def test_namespace_life(shop: Stack) -> None:
    shop.kubectl("create", "namespace", "temp")
    shop.kubectl("-n", "temp", "create", "configmap", "inside")
    shop.kubectl("delete", "namespace", "temp", "--timeout=60s")
    assert "NotFound" in shop.kubectl("get", "namespace", "temp", check=False)


def test_workspaces_by_plugin_and_manifest(shop: Stack, tmp_path: Path) -> None:
    """`kubectl ws` goes, comes back, lists and creates; a Workspace manifest does the same as create."""
    config = tmp_path / "kubeconfig"
    config.write_bytes(shop.kubeconfig.read_bytes())

    def ws(*arguments: str) -> str:
        done = shop.command(shop.kubectl_path, "ws", *arguments, "--kubeconfig", str(config), check=False)
        return done.stdout + done.stderr

    assert "Current workspace is 'root'" in ws(".")
    assert f"Current workspace is '{SHOP}'" in ws(SHOP)
    assert f"{SHOP}:team" in ws("create", "team", "--enter")
    assert f"'{SHOP}'" in ws("..")
    assert f"'{SHOP}:team'" in ws("-")
    manifest = "apiVersion: tenancy.kcp.io/v1alpha1\nkind: Workspace\nmetadata: {name: byfile}\n"
    shop.kubectl("create", "-f", "-", stdin=manifest, workspace="root")
    shop.kubectl("wait", "--for=jsonpath={.status.phase}=Ready", "workspace/byfile", workspace="root", check=False)
    ws("root")
    tree = ws("tree")
    assert "shop" in tree
    assert "team" in tree
    assert "not found" in ws("root:nothing-here")
