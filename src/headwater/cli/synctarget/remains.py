"""What is still on a pcluster, as its syncer sees it: the measure of a drain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from headwater.cli.failure import CommandFailed

if TYPE_CHECKING:
    from headwater.client.dynamic import ClusterClient
    from headwater.machinery.objects import Object

_WORKLOADS = frozenset(
    {
        ("apps", "deployments"),
        ("apps", "statefulsets"),
        ("apps", "daemonsets"),
        ("apps", "replicasets"),
        ("batch", "jobs"),
    }
)
_SERVICES = "/services/"


@dataclass(frozen=True, slots=True)
class Remains:
    """Objects with pods, and namespaces, that a pcluster has not let go of."""

    workloads: int
    namespaces: int

    @property
    def nothing(self) -> bool:
        """True once the pcluster is empty."""
        return not self.workloads and not self.namespaces

    def __str__(self) -> str:
        return f"{_count(self.workloads, 'workload')} in {_count(self.namespaces, 'namespace')}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


async def remains(cluster_client: ClusterClient, target: Object) -> Remains:
    """Count what is there, over all workspaces, through the SyncTarget's virtual workspace.

    An object is seen there until the syncer has confirmed that it is gone below. Whoever may `sync` the SyncTarget may
    look, as the owner of its workspace may. Raises CommandFailed for a SyncTarget that has no virtual workspace.
    """
    from headwater.client.discovery import discover
    from headwater.client.dynamic import ClusterClient
    from headwater.machinery.errors import NotFound
    from headwater.machinery.gvk import GroupVersionResource

    urls = (target.get("status") or {}).get("virtualWorkspaces") or ()
    if not urls:
        raise CommandFailed(f"SyncTarget {target['metadata']['name']} has no virtual workspace yet")
    path = urlsplit(urls[0]["syncerURL"]).path
    base = path[path.index(_SERVICES) :] if _SERVICES in path else path
    view = ClusterClient(cluster_client.transport, user_agent="headwater-cli", base_path=base).cluster("*")
    counts = {"workloads": 0, "namespaces": 0}
    served = [each.gvr for each in (await discover(view)).preferred()]
    for gvr in {*served, GroupVersionResource("", "v1", "namespaces")}:
        what = "workloads" if (gvr.group, gvr.resource) in _WORKLOADS else gvr.resource
        if what not in counts:
            continue
        try:
            found, _ = await view.resource(gvr).list_all(metadata_only=True)
        except NotFound:
            continue
        counts[what] += len(found)
    return Remains(counts["workloads"], counts["namespaces"])
