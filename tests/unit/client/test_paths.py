"""URL paths and queries."""

from __future__ import annotations

import pytest

from headwater.client.paths import cluster_prefix, collection_path, object_path, query_of
from headwater.machinery.gvk import GroupVersionResource

DEPLOYMENTS = GroupVersionResource("apps", "v1", "deployments")
CONFIG_MAPS = GroupVersionResource("", "v1", "configmaps")


@pytest.mark.parametrize(
    ("base", "cluster", "gvr", "namespace", "path"),
    [
        pytest.param("", "", CONFIG_MAPS, "default", "/api/v1/namespaces/default/configmaps", id="plain server"),
        pytest.param("", "", CONFIG_MAPS, "", "/api/v1/configmaps", id="all namespaces"),
        pytest.param(
            "", "root:org", DEPLOYMENTS, "a", "/clusters/root:org/apis/apps/v1/namespaces/a/deployments", id="path"
        ),
        pytest.param("", "*", DEPLOYMENTS, "", "/clusters/*/apis/apps/v1/deployments", id="wildcard"),
        pytest.param(
            "/services/syncer/c/n/u/",
            "*",
            DEPLOYMENTS,
            "",
            "/services/syncer/c/n/u/clusters/*/apis/apps/v1/deployments",
            id="virtual workspace",
        ),
        pytest.param(
            "",
            "*",
            DEPLOYMENTS._replace(resource="deployments:abc"),
            "",
            "/clusters/*/apis/apps/v1/deployments:abc",
            id="identity",
        ),
    ],
)
def test_collection_path(base: str, cluster: str, gvr: GroupVersionResource, namespace: str, path: str) -> None:
    """A collection's path has the base, the logical cluster, the group version and the namespace in this order."""
    assert collection_path(cluster_prefix(base, cluster), gvr, namespace) == path


def test_object_path_escapes_names() -> None:
    """Names that Kubernetes allows stay readable; anything that would change the path is escaped."""
    assert object_path("/x", "system:masters", "status") == "/x/system:masters/status"
    assert object_path("/x", "a/b?c") == "/x/a%2Fb%3Fc"


def test_object_path_needs_a_name() -> None:
    """An empty name must never address the whole collection."""
    with pytest.raises(ValueError, match="may not be empty"):
        object_path("/x", "")


def test_query_leaves_out_empty_parameters() -> None:
    assert query_of(label_selector="a=b", limit=0, watch=True, field_selector="") == [
        ("labelSelector", "a=b"),
        ("watch", "true"),
    ]
