"""Manifests that are written again are those that were written, but for what a flag says."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
from click.testing import CliRunner
from tests.integration.credentials.hub import Hub

from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS, SYNCER_CHOICES_ANNOTATION
from headwater.base import jsonio, yamlio
from headwater.cli.synctarget.create import create
from headwater.cli.synctarget.credentials import token
from headwater.cli.synctarget.manifest import manifest
from headwater.machinery.objects import Object, annotations

CHOSEN = (
    *("--dns-image", "hw:1", "--isolate-tenants", "--pod-cidrs", "10.0.0.0/8", "--cluster-domain", "k8s.example"),
    *("--namespace", "kcp", "--syncer-image", "registry.example/hw:1", "--replicas", "2", "--no-tunnel"),
)


async def written(directory: Path, command: click.Command, *flags: str) -> list[Object]:
    """The objects that a command prints for the SyncTarget east, without Secrets."""
    connection = ["--kubeconfig", str(directory / "admin.kubeconfig"), "--workspace", "root:platform"]
    done = await asyncio.to_thread(CliRunner().invoke, command, ["east", "-o", "-", *connection, *flags])
    assert done.exit_code == 0, done.output
    return yamlio.load_all(done.stdout)


def without_secrets(objects: list[Object]) -> list[Object]:
    return [each for each in objects if each["kind"] != "Secret"]


def arguments(objects: list[Object]) -> list[str]:
    found: list[str] = objects[-1]["spec"]["template"]["spec"]["containers"][0]["args"]
    return found


async def remembered(hub: Hub) -> Object:
    target = await hub.workspace.resource(SYNC_TARGETS).get("east")
    found: Object = jsonio.loads(annotations(target).get(SYNCER_CHOICES_ANNOTATION, "{}"))
    return found


async def test_they_are_as_they_were(hub: Hub, root_directory: Path) -> None:
    """Printed anew, made anew, and with a new token; a flag changes them from then on."""
    first = without_secrets(await written(root_directory, create, *CHOSEN))
    assert {"--isolate-tenants", "--no-tunnel", "--dns-image=hw:1"} <= set(arguments(first))
    assert await written(root_directory, manifest) == first
    assert without_secrets(await written(root_directory, create)) == first
    (role,) = await written(root_directory, manifest, "--role")
    assert role in first
    (secret,) = await written(root_directory, token)
    assert secret["metadata"]["namespace"] == "kcp"
    changed = await written(root_directory, manifest, "--no-isolate-tenants", "--dns-image", "", "--syncer-image", "")
    assert {"--no-isolate-tenants", "--dns-image="} <= set(arguments(changed))
    assert not [each for each in arguments(changed) if each.startswith("--pod-cidrs")]
    assert await written(root_directory, manifest) == changed
    assert await remembered(hub) == {
        "clusterDomain": "k8s.example", "dnsImage": "", "isolateTenants": False, "namespace": "kcp", "replicas": 2
    }  # fmt: skip
    assert await written(root_directory, manifest, "--dns-image", "hw:1", *CHOSEN[:-1]) == first
    wider = await written(root_directory, create, "--pod-cidrs", "10.0.0.0/8,fd00::/48")
    assert "--pod-cidrs=10.0.0.0/8,fd00::/48" in arguments(wider)


async def test_nothing_is_remembered_where_nothing_was_said(hub: Hub, root_directory: Path) -> None:
    """So a newer program writes what is so by default then."""
    first = without_secrets(await written(root_directory, create))
    assert await remembered(hub) == {}
    assert await written(root_directory, manifest) == first
    assert await remembered(hub) == {}
