"""Discovery of servers without aggregated documents; our own server has them, see the integration tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from headwater.base import jsonio
from headwater.client.discovery import Discovery, discover
from headwater.client.dynamic import ClusterClient
from headwater.client.interface import Query, RawResponse, Stream
from headwater.machinery.errors import ServiceUnavailable
from headwater.machinery.gvk import GroupVersion, GroupVersionResource

DOCUMENTS: dict[str, Any] = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {
        "kind": "APIGroupList",
        "groups": [
            {"name": "apps", "versions": [{"groupVersion": "apps/v1beta1"}, {"groupVersion": "apps/v1"}]},
            {"name": "broken.io", "versions": [{"groupVersion": "broken.io/v1"}]},
        ],
    },
    "/api/v1": {
        "kind": "APIResourceList",
        "resources": [
            {"name": "pods", "kind": "Pod", "namespaced": True, "verbs": ["get"], "shortNames": ["po"]},
            {"name": "pods/log", "kind": "Pod", "namespaced": True, "verbs": ["get"]},
            {"name": "pods/status", "kind": "Pod", "namespaced": True, "verbs": ["get"]},
        ],
    },
    "/apis/apps/v1": {
        "kind": "APIResourceList",
        "resources": [{"name": "deployments", "kind": "Deployment", "namespaced": True, "verbs": ["get", "list"]}],
    },
    "/apis/apps/v1beta1": {
        "kind": "APIResourceList",
        "resources": [{"name": "deployments", "kind": "Deployment", "namespaced": True, "verbs": ["get"]}],
    },
}


class Documents:
    """Answers GET with documents by path, anything else with 503."""

    def __init__(self, documents: Mapping[str, Any]) -> None:
        self._documents = documents

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> RawResponse:
        found = self._documents.get(path)
        if found is None:
            return RawResponse(503, {}, b"no")
        return RawResponse(404 if found == 404 else 200, {}, jsonio.dumps(found))

    async def stream(self, method: str, path: str, **_: Any) -> Stream:
        raise AssertionError("discovery watches nothing")

    async def close(self) -> None:
        return None


async def discovered(documents: Mapping[str, Any]) -> Discovery:
    return await discover(ClusterClient(Documents(documents)).cluster(""))


async def test_group_by_group() -> None:
    """Every group version is read; one that fails is named, so that nobody takes its resources for gone."""
    found = await discovered(DOCUMENTS)
    pods = found.get(GroupVersionResource("", "v1", "pods"))
    assert pods is not None
    assert (pods.subresources, pods.short_names) == (frozenset({"log", "status"}), ("po",))
    assert found.versions("apps", "deployments") == ["v1", "v1beta1"]
    assert [each.gvr.version for each in found.preferred()] == ["v1", "v1"]
    assert found.failed == (GroupVersion("broken.io", "v1"),)
    assert str(pods.gvk) == "v1, Kind=Pod"


async def test_stale_groups_are_named() -> None:
    """An aggregated document may carry groups whose server doesn't answer."""
    version = {"version": "v1", "freshness": "Stale", "resources": []}
    aggregated = {"kind": "APIGroupDiscoveryList", "items": [{"metadata": {"name": "x.io"}, "versions": [version]}]}
    found = await discovered({"/api": 404, "/apis": aggregated})
    assert found.failed == (GroupVersion("x.io", "v1"),)


async def test_a_server_that_does_not_answer() -> None:
    with pytest.raises(ServiceUnavailable):
        await discovered({})
