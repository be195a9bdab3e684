"""The verbs of kubectl against the server. Collected only where kubectl is on the PATH."""

from __future__ import annotations

import json
import shutil
from typing import Any

from .conftest import Kubectl
from .test_create_update import config_map, deployment
from .test_custom_resources import crd, widget

SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "app"},
    "spec": {"selector": {"app": "app"}, "ports": [{"port": 80}]},
}


def manifests(*objects: dict[str, Any]) -> str:
    return "\n".join(json.dumps(obj) for obj in objects)


async def check_create_and_get(kubectl: Kubectl) -> None:
    """create of typed kinds (protobuf in newer kubectl), get in all forms."""
    assert "created" in await kubectl("create", "configmap", "a", "--from-literal=k=v")
    assert "created" in await kubectl("create", "deployment", "web", "--image=nginx", "--replicas=2")
    for args in (
        ("secret", "generic", "s", "--from-literal=a=b"),
        ("serviceaccount", "robot"),
        ("role", "r", "--verb=get", "--resource=pods"),
        ("rolebinding", "rb", "--role=r", "--user=bob"),
        ("job", "j", "--image=busybox"),
        ("cronjob", "cj", "--image=b", "--schedule=* * * * *"),
        ("service", "clusterip", "svc", "--tcp=80:80"),
        ("ingress", "ing", "--rule=a/b=svc:80"),
        ("namespace", "other"),
    ):
        assert "created" in await kubectl("create", *args), args
    assert (await kubectl("get", "cm", "a", "-o", "jsonpath={.data.k}")) == "v"
    wide = await kubectl("get", "deploy", "-o", "wide")
    assert wide.splitlines()[0].split() == [
        "NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE", "CONTAINERS", "IMAGES", "SELECTOR",
    ]  # fmt: skip
    assert wide.splitlines()[1].split()[:2] == ["web", "0/2"]
    assert "kind: Deployment" in await kubectl("get", "deploy", "web", "-o", "yaml")
    assert (await kubectl("get", "cm", "-o", "custom-columns=N:.metadata.name", "--no-headers")).split() == ["a"]
    assert "deployment.apps/web" in await kubectl("get", "all", "-o", "name")
    assert "robot" in await kubectl("get", "sa", "--all-namespaces")
    assert (await kubectl("get", "cm", "--field-selector=metadata.name=a", "-o", "name")) == "configmap/a\n"
    assert "app=web" in await kubectl("get", "deploy", "-l", "app=web", "--show-labels")


async def check_apply(kubectl: Kubectl) -> None:
    """Client-side and server-side apply, diff, and a conflict."""
    first = manifests(config_map("app", k="v"), deployment("app"), SERVICE)
    assert (await kubectl("apply", "-f", "-", stdin=first)).count("created") == 3
    assert (await kubectl("apply", "-f", "-", stdin=first)).count("unchanged") == 3
    second = manifests(config_map("app", k="w"), deployment("app", replicas=3), SERVICE)
    diff = await kubectl.run("diff", "-f", "-", stdin=second)
    assert (diff.code, "+  k: w" in diff.out, "+  replicas: 3" in diff.out) == (1, True, True), diff.err
    assert (await kubectl("apply", "-f", "-", stdin=second)).count("configured") == 2
    applied = manifests(config_map("ssa", k="1"))
    assert "serverside-applied" in await kubectl("apply", "--server-side", "-f", "-", stdin=applied)
    other = manifests(config_map("ssa", k="2"))
    conflict = await kubectl.run("apply", "--server-side", "--field-manager=else", "-f", "-", stdin=other)
    assert conflict.code != 0
    assert 'conflict with "kubectl"' in conflict.err
    assert "serverside-applied" in await kubectl(
        "apply", "--server-side", "--field-manager=else", "--force-conflicts", "-f", "-", stdin=other
    )
    assert "unchanged" in await kubectl("apply", "-f", "-", "--dry-run=server", stdin=manifests(SERVICE))
    pruned = await kubectl("delete", "-f", "-", stdin=second)
    assert pruned.count("deleted") == 3


async def check_changes(kubectl: Kubectl) -> None:
    """scale, label, annotate, patch, replace, edit, set, rollout, wait."""
    await kubectl("create", "-f", "-", stdin=manifests(deployment("d"), config_map("c", k="v")))
    assert "scaled" in await kubectl("scale", "deploy/d", "--replicas=4")
    assert "labeled" in await kubectl("label", "deploy", "d", "x=y")
    assert "annotated" in await kubectl("annotate", "deploy", "d", "x=y")
    patch = '{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"two"}]}}}}'
    assert "patched" in await kubectl("patch", "deploy", "d", "-p", patch)
    ops = '[{"op":"replace","path":"/spec/replicas","value":7}]'
    assert "patched" in await kubectl("patch", "deploy", "d", "--type=json", "-p", ops)
    status = '{"status":{"replicas":7,"observedGeneration":9}}'
    assert "patched" in await kubectl("patch", "deploy", "d", "--subresource=status", "--type=merge", "-p", status)
    assert (await kubectl("get", "deploy", "d", "-o", "jsonpath={.spec.replicas}/{.status.replicas}")) == "7/7"
    assert "image updated" in await kubectl("set", "image", "deploy/d", "c=three")
    assert "restarted" in await kubectl("rollout", "restart", "deploy/d")
    current = await kubectl("get", "cm", "c", "-o", "json")
    assert "replaced" in await kubectl("replace", "-f", "-", stdin=current)
    assert "replaced" in await kubectl("replace", "--force", "-f", "-", stdin=manifests(config_map("c", k="x")))
    assert "condition met" in await kubectl("wait", "--for=jsonpath={.data.k}=x", "cm/c", "--timeout=60s")
    assert "exposed" in await kubectl("expose", "deploy", "d", "--port=80")


async def check_descriptions(kubectl: Kubectl) -> None:
    """describe, explain, api-resources, api-versions, and errors that name the field."""
    await kubectl("create", "-f", "-", stdin=manifests(deployment("d")))
    described = await kubectl("describe", "deploy", "d")
    assert "StrategyType:           RollingUpdate" in described
    assert "maxSurge" in await kubectl("explain", "deployment.spec.strategy.rollingUpdate")
    resources = await kubectl("api-resources", "--namespaced=true", "-o", "wide")
    assert "deployments" in resources
    assert "apps/v1" in await kubectl("api-versions")
    wrong = deployment("e")
    wrong["spec"]["replicaz"] = 1
    refused = await kubectl.run("create", "-f", "-", stdin=manifests(wrong))
    assert 'unknown field "spec.replicaz"' in refused.err
    missing = await kubectl.run("get", "cm", "nope")
    assert missing.err == 'Error from server (NotFound): configmaps "nope" not found\n'


async def check_custom_resources(kubectl: Kubectl) -> None:
    """A CRD, its resources by short name, explain from its schema, apply."""
    await kubectl("create", "-f", "-", stdin=manifests(crd(shortNames=["wd"], categories=["all"])))
    await kubectl("wait", "--for=condition=Established", "crd/widgets.example.com", "--timeout=60s")
    await kubectl("apply", "-f", "-", stdin=manifests(widget("a", color="blue")))
    assert (await kubectl("get", "wd")).split() == ["NAME", "SIZE", "a", "1"]
    assert "color" in await kubectl("explain", "widget.spec")
    assert "widget.example.com/a" in await kubectl("get", "all", "-o", "name")
    assert "scaled" in await kubectl("scale", "widget/a", "--replicas=2")
    assert "configured" in await kubectl("apply", "-f", "-", stdin=manifests(widget("a", color="red")))
    assert "deleted" in await kubectl("delete", "widget", "a")


async def check_deletion(kubectl: Kubectl) -> None:
    """delete by name, by selector, without waiting, and of what isn't there."""
    for name in "ab":
        await kubectl("create", "configmap", name)
    await kubectl("label", "cm", "b", "x=y")
    assert "deleted" in await kubectl("delete", "cm", "-l", "x=y")
    assert "deleted" in await kubectl("delete", "cm", "a", "--cascade=orphan", "--wait=false")
    assert (await kubectl.run("delete", "cm", "nope")).code == 1
    assert await kubectl("delete", "cm", "nope", "--ignore-not-found") == ""
    await kubectl("create", "namespace", "n")
    assert "deleted" in await kubectl("delete", "namespace", "n", "--wait=false")
    assert "Terminating" in await kubectl("get", "ns", "n")


if shutil.which("kubectl") is not None:
    test_create_and_get = check_create_and_get
    test_apply = check_apply
    test_changes = check_changes
    test_descriptions = check_descriptions
    test_custom_resources = check_custom_resources
    test_deletion = check_deletion
