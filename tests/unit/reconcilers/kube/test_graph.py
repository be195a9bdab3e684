"""The owner graph of the garbage collector."""

from __future__ import annotations

from headwater.client.discovery import ServedResource
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object
from headwater.reconcilers.kube.garbagecollector.graph import Graph, Node, node_key, node_of

MAPS = ServedResource(GroupVersionResource("", "v1", "configmaps"), "ConfigMap", True, frozenset(), frozenset())


def node(uid: str, *owners: str, space: str = "a", cluster: str = "red", **meta: object) -> Node:
    obj: Object = {
        "metadata": {
            "name": uid,
            "uid": uid,
            "namespace": space,
            "annotations": {"kcp.io/cluster": cluster},
            "ownerReferences": [{"uid": owner, "kind": "ConfigMap", "name": owner} for owner in owners],
            **meta,
        }
    }
    return node_of(MAPS, obj, clustered=True)


def test_dependents_follow_references() -> None:
    graph = Graph()
    graph.put(node_key("red", "top"), node("top"))
    graph.put(node_key("red", "leaf"), node("leaf", "top", "other"))
    assert graph.dependents(node_key("red", "top")) == [node_key("red", "leaf")]
    graph.put(node_key("red", "leaf"), node("leaf", "other"))
    assert graph.dependents(node_key("red", "top")) == []
    assert graph.dependents(node_key("red", "other")) == [node_key("red", "leaf")]
    removed = graph.remove(node_key("red", "leaf"))
    assert removed is not None
    assert graph.dependents(node_key("red", "other")) == []
    assert graph.remove(node_key("red", "leaf")) is None


def test_only_what_may_need_work_is_kept() -> None:
    """Objects without owners cost a place, not a node."""
    graph = Graph()
    key = node_key("red", "x")
    graph.put(key, node("x"))
    assert graph.get(key) is None
    graph.put(key, node("x", deletionTimestamp="2026-01-01T00:00:00Z", finalizers=["foregroundDeletion"]))
    assert graph.get(key) is not None
    graph.put(key, node("x", deletionTimestamp="2026-01-01T00:00:00Z", finalizers=["orphan"]))
    found = graph.get(key)
    assert found is not None
    assert found.orphaning
    assert not found.foreground


def test_an_owner_counts_where_the_reference_can_see_it() -> None:
    """In the same logical cluster, and in the same namespace unless it is cluster-scoped."""
    graph = Graph()
    graph.put(node_key("red", "top"), node("top"))
    graph.put(node_key("red", "wide"), node("wide", space=""))

    def sees(dependent: Node) -> bool:
        return graph.is_present(dependent.owners[0], dependent)

    assert sees(node("leaf", "top"))
    assert not sees(node("leaf", "top", space="b"))
    assert not sees(node("leaf", "top", cluster="blue"))
    assert sees(node("leaf", "wide"))
