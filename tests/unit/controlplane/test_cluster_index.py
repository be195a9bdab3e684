"""Names and paths of logical clusters follow the LogicalCluster objects."""

from __future__ import annotations

import pytest
from tests.unit.controlplane.stores import Store

from headwater.controlplane.clusters.index import ClusterEntry
from headwater.machinery.errors import NotFound


async def test_resolves_names_and_paths(store: Store) -> None:
    """A path, a name, and a name with children below it lead to the same logical cluster."""
    await store.logical_cluster("root", "root")
    await store.logical_cluster("abc", "root:org")
    await store.logical_cluster("def", "root:org:team")
    clusters = store.state.clusters
    assert [clusters.resolve(each) for each in ("root", "root:org", "root:org:team", "abc", "abc:team")] == [
        "root", "abc", "def", "abc", "def",
    ]  # fmt: skip
    assert clusters.path_of("def") == "root:org:team"
    assert clusters.path_of("unknown") == "unknown"
    assert len(clusters) == 3


async def test_unknown_paths_are_not_found(store: Store) -> None:
    """A path that leads nowhere is 404 for workspaces; a single name is left to authorization."""
    await store.logical_cluster("abc", "root:org")
    with pytest.raises(NotFound) as caught:
        store.state.clusters.resolve("root:none")
    assert caught.value.details is not None
    assert (caught.value.details["group"], caught.value.details["kind"]) == ("tenancy.kcp.io", "workspaces")
    assert store.state.clusters.resolve("nobody") == "nobody"
    assert store.state.clusters.find("nobody") is None
    assert store.state.clusters.find("abc:none") is None
    assert store.state.clusters.resolve("system:admin") == "system:admin"


async def test_follows_changes(store: Store) -> None:
    """A moved path, a phase and a deletion are seen, and listeners hear of each once."""
    heard: list[tuple[str, ClusterEntry | None]] = []
    clusters = store.state.clusters
    clusters.add_listener(lambda name, entry: heard.append((name, entry)))
    await store.logical_cluster("abc", "root:org", phase="Scheduling")
    await store.logical_cluster("abc", "root:other", phase="Ready", core_kcp_io__inactive="x")
    await store.logical_cluster("abc", "root:other", phase="Ready", core_kcp_io__inactive="x")
    assert clusters.find("root:org") is None
    assert clusters.find("root:other") == "abc"
    await store.delete("core.kcp.io", "logicalclusters", "abc", "cluster")
    assert clusters.find("root:other") is None
    assert clusters.get("abc") is None
    assert [entry and (entry.path, entry.phase) for _, entry in heard] == [
        ("root:org", "Scheduling"), ("root:other", "Ready"), None,
    ]  # fmt: skip


async def test_reads_what_is_stored_already(store: Store) -> None:
    """An index made over a filled store knows it all."""
    await store.logical_cluster("abc", "root:org", **{"authorization.kcp.io__required-groups": "a,b"})
    again = type(store)(store.backend)
    from headwater.controlplane.objects import ControlPlaneObjects

    state = await ControlPlaneObjects.load(again.caches, tenancy_identity="t")
    entry = state.clusters.get("abc")
    assert entry is not None
    assert entry.required_groups == "a,b"
    assert not entry.inactive
