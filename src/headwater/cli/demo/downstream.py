"""Applies manifests without kubectl, and prepares a syncer to run as a process with its own account on a pcluster."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from headwater.cli.failure import CommandFailed

if TYPE_CHECKING:
    from headwater.client.dynamic import Client, ClusterClient
    from headwater.machinery.objects import Object

_FIELD_MANAGER = "headwater-demo"
_TOKEN_SECONDS = 60.0
_POLL_SECONDS = 0.1


async def apply_all(client: Client, manifest: str) -> None:
    """Server-side apply every document of a manifest, finding its resource by discovery."""
    from headwater.base import yamlio

    await _apply(client, [document for document in yamlio.load_all(manifest) if document])


async def _apply(client: Client, objects: Sequence[Object]) -> None:
    from headwater.client.discovery import discover
    from headwater.machinery.gvk import GroupVersion

    served = {resource.gvk: resource.gvr for resource in (await discover(client)).resources.values()}
    for obj in objects:
        kind = (*GroupVersion.parse(obj["apiVersion"]), obj["kind"])
        found = next((gvr for gvk, gvr in served.items() if tuple(gvk) == kind), None)
        if found is None:
            raise CommandFailed(f"{obj['apiVersion']} {obj['kind']} is not served here")
        await client.resource(found, obj["metadata"].get("namespace", "")).apply(obj, field_manager=_FIELD_MANAGER)


async def apply_manifests(
    pcluster: ClusterClient, objects: Sequence[Object], admin_kubeconfig: Path, kubeconfig: Path
) -> None:
    """Apply a syncer's manifests to its pcluster, and write a kubeconfig with the token of its account there."""
    from headwater.client.kubeconfig import Kubeconfig, load_file
    from headwater.machinery.gvk import GroupVersionResource

    client = pcluster.cluster("")
    await _apply(client, objects)
    secret = next(obj for obj in objects if obj.get("type") == "kubernetes.io/service-account-token")
    secrets = client.resource(GroupVersionResource("", "v1", "secrets"), secret["metadata"]["namespace"])
    admin = load_file(admin_kubeconfig)
    try:
        async with asyncio.timeout(_TOKEN_SECONDS):
            while True:
                data = (await secrets.get(secret["metadata"]["name"])).get("data") or {}
                if data.get("token"):
                    break
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError as error:
        raise CommandFailed(f"{admin_kubeconfig.stem}: no token for the syncer's account") from error
    config = Kubeconfig(current_context="syncer")
    cluster = admin.clusters[admin.contexts[admin.current_context]["cluster"]]
    config.set_context("syncer", cluster=dict(cluster), user={"token": base64.b64decode(data["token"]).decode()})
    config.save(kubeconfig)


async def syncer_arguments(platform: Client, name: str, agent: Path, downstream: Path) -> list[str]:
    """Command line of the syncer of a SyncTarget."""
    from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
    from headwater.machinery.objects import cluster_name, uid

    target = await platform.resource(SYNC_TARGETS).get(name)
    return [
        "syncer",
        "--from-kubeconfig", str(agent),
        "--from-cluster", cluster_name(target),
        "--to-kubeconfig", str(downstream),
        "--sync-target-name", name,
        "--sync-target-uid", uid(target),
    ]  # fmt: skip
