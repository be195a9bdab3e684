"""Give a SyncTarget its key and home cluster, and the URLs its syncer uses (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, urlsplit, urlunsplit

from headwater.apis.workload.labels import KEY_LABEL, sync_target_key
from headwater.machinery.objects import Object, cluster_name, labels, name, nested, set_label, uid

ROOT_SHARD = "root"


def record_identity(sync_target: Object) -> None:
    """Set the key label and default `spec.kcpCluster`. Changes `sync_target` (metadata and spec)."""
    key = sync_target_key(cluster_name(sync_target), name(sync_target))
    if labels(sync_target).get(KEY_LABEL) != key:
        set_label(sync_target, KEY_LABEL, key)
    spec = sync_target.setdefault("spec", {})
    spec.setdefault("kcpCluster", cluster_name(sync_target))


def record_urls(sync_target: Object, shards: Iterable[Object]) -> None:
    """Set `status.virtualWorkspaces` and `status.tunnelWorkspaces` from the shards: the root shard first, then by URL.
    Changes `sync_target`. A tunnel's URL is the logical cluster's; the syncer knows the way from there.

    A path in a shard's URL is kept. Raises ValueError for a shard URL that is not absolute.
    """
    tail = "/".join(quote(part, safe=":") for part in (cluster_name(sync_target), name(sync_target), uid(sync_target)))
    found: list[tuple[bool, str]] = []
    tunnels: list[tuple[bool, str]] = []
    for shard in shards:
        base = nested(shard, "spec", "baseURL", default="")
        if base:
            tunnels.append((name(shard) != ROOT_SHARD, base))
        url = nested(shard, "spec", "virtualWorkspaceURL", default="") or nested(shard, "spec", "baseURL", default="")
        if url:
            found.append((name(shard) != ROOT_SHARD, url))
    status = sync_target.setdefault("status", {})
    status["virtualWorkspaces"] = [
        {"syncerURL": _join(url, f"services/syncer/{tail}"), "upsyncerURL": _join(url, f"services/upsyncer/{tail}")}
        for _, url in sorted(found)
    ]
    status["tunnelWorkspaces"] = [
        {"url": _join(url, f"clusters/{quote(cluster_name(sync_target), safe='')}")} for _, url in sorted(tunnels)
    ]


def _join(base: str, path: str) -> str:
    parts = urlsplit(base)
    if not parts.scheme or not parts.netloc:
        raise ValueError(f"shard URL {base!r} is not absolute")
    return urlunsplit((parts.scheme, parts.netloc, f"{parts.path.rstrip('/')}/{path}", "", ""))
