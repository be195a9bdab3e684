"""What may stand between /clusters/ and the next slash."""

from __future__ import annotations

import pytest

from headwater.controlplane.clusters.names import Addressed, is_single_name, split_path
from headwater.machinery.errors import BadRequest


@pytest.mark.parametrize(
    ("path", "cluster", "rest"),
    [
        ("/clusters/root/api/v1/namespaces", "root", "/api/v1/namespaces"),
        ("/clusters/root:org:team/apis", "root:org:team", "/apis"),
        ("/clusters/*/api/v1/configmaps", "*", "/api/v1/configmaps"),
        ("/clusters/system:admin", "system:admin", "/"),
        ("/clusters/root/", "root", "/"),
        ("/api/v1/namespaces", "", "/api/v1/namespaces"),
        ("/apis/url.test/v1/clusters/foo", "", "/apis/url.test/v1/clusters/foo"),
        ("/clusters/root/apis/url.test/v1/clusters/foo", "root", "/apis/url.test/v1/clusters/foo"),
    ],
)
def test_split(path: str, cluster: str, rest: str) -> None:
    """Only the leading /clusters/ is special."""
    assert split_path(path) == Addressed(cluster, rest)


@pytest.mark.parametrize("name", ["Root", "root:", ":root", "a_b", "", "root::x", "**", "x" * 64, "root:*", "a:" * 600])
def test_refused(name: str) -> None:
    """Anything that can't name a logical cluster is 400, in kcp's words."""
    with pytest.raises(BadRequest, match=r"^invalid cluster: "):
        split_path(f"/clusters/{name}/api")


@pytest.mark.parametrize(("cluster", "single"), [("root", True), ("root:org", False), ("system:admin", True)])
def test_single_names(cluster: str, single: bool) -> None:
    """System names contain a colon and are one name all the same."""
    assert is_single_name(cluster) is single
