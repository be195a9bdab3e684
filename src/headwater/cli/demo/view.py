"""What runs where, read from the pclusters themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headwater.cli.output import table

if TYPE_CHECKING:
    from headwater.client.dynamic import ClusterClient

LOCATOR = "kcp.io/namespace-locator"


async def deployments_on(pcluster: ClusterClient) -> dict[tuple[str, str], tuple[int, int]]:
    """(workspace namespace, name) -> (ready, wanted) of every synced Deployment of a pcluster."""
    from headwater.apis.workload.locator import parse_locator
    from headwater.machinery.gvk import GroupVersionResource

    client = pcluster.cluster("")
    namespaces, deployments = await asyncio.gather(
        client.resource(GroupVersionResource("", "v1", "namespaces")).list_all(),
        client.resource(GroupVersionResource("apps", "v1", "deployments")).list_all(),
    )
    upstream: dict[str, str] = {}
    for namespace in namespaces[0]:
        text = (namespace["metadata"].get("annotations") or {}).get(LOCATOR)
        if text:
            upstream[namespace["metadata"]["name"]] = parse_locator(text).namespace
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for deployment in deployments[0]:
        home = upstream.get(deployment["metadata"]["namespace"])
        if home is not None and not deployment["metadata"].get("deletionTimestamp"):
            ready = (deployment.get("status") or {}).get("readyReplicas", 0)
            found[home, deployment["metadata"]["name"]] = (ready, deployment["spec"].get("replicas", 1))
    return found


async def where(pclusters: Mapping[str, ClusterClient]) -> dict[str, dict[tuple[str, str], tuple[int, int]]]:
    """The same for all pclusters, by name."""
    found = await asyncio.gather(*(deployments_on(pcluster) for pcluster in pclusters.values()))
    return dict(zip(pclusters, found, strict=True))


def where_table(
    upstream: Sequence[Mapping[str, Any]], running: Mapping[str, Mapping[tuple[str, str], tuple[int, int]]]
) -> str:
    """A row for each Deployment of the workspace: its own status, and ready pods on each pcluster."""
    rows = []
    for deployment in upstream:
        key = (deployment["metadata"]["namespace"], deployment["metadata"]["name"])
        status = deployment.get("status") or {}
        cells = [running[name].get(key) for name in running]
        rows.append(
            [
                "/".join(key),
                f"{status.get('readyReplicas', 0)}/{deployment['spec'].get('replicas', 1)}",
                *("-" if cell is None else f"{cell[0]}/{cell[1]}" for cell in cells),
            ]
        )
    return table(["DEPLOYMENT", "WORKSPACE", *(name.upper() for name in running)], rows)
