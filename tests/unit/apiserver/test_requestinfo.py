"""Request paths are read as Kubernetes reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.apiserver.requestinfo import RequestInfo, parse
from headwater.apiserver.web.types import Query
from headwater.machinery.errors import BadRequest


def info(method: str, target: str) -> RequestInfo:
    path, _, query = target.partition("?")
    return parse(method, path, Query(query))


# method, target, verb, prefix, group, version, namespace, resource, subresource, name
RESOURCES = [
    ("GET", "/api/v1/namespaces", "list", "api", "", "v1", "", "namespaces", "", ""),
    ("GET", "/api/v1/namespaces/other", "get", "api", "", "v1", "other", "namespaces", "", "other"),
    ("PUT", "/api/v1/namespaces/other/finalize", "update", "api", "", "v1", "other", "namespaces", "finalize", "other"),
    ("PATCH", "/api/v1/namespaces/other/status", "patch", "api", "", "v1", "other", "namespaces", "status", "other"),
    ("GET", "/api/v1/namespaces/other/pods", "list", "api", "", "v1", "other", "pods", "", ""),
    ("GET", "/api/v1/namespaces/other/pods/foo", "get", "api", "", "v1", "other", "pods", "", "foo"),
    ("HEAD", "/api/v1/namespaces/other/pods/foo", "get", "api", "", "v1", "other", "pods", "", "foo"),
    ("GET", "/api/v1/namespaces/other/pods/foo/log", "get", "api", "", "v1", "other", "pods", "log", "foo"),
    ("GET", "/api/v1/pods", "list", "api", "", "v1", "", "pods", "", ""),
    ("GET", "/api/v1/pods?watch=1", "watch", "api", "", "v1", "", "pods", "", ""),
    ("GET", "/api/v1/pods?watch", "watch", "api", "", "v1", "", "pods", "", ""),
    ("GET", "/api/v1/pods?watch=false", "list", "api", "", "v1", "", "pods", "", ""),
    ("GET", "/api/v1/pods?watch=0", "list", "api", "", "v1", "", "pods", "", ""),
    ("GET", "/api/v1/watch/pods", "watch", "api", "", "v1", "", "pods", "", ""),
    ("GET", "/api/v1/watch/namespaces/other/pods", "watch", "api", "", "v1", "other", "pods", "", ""),
    ("GET", "/api/v1/watch/namespaces/other/pods/foo", "watch", "api", "", "v1", "other", "pods", "", "foo"),
    ("POST", "/api/v1/namespaces/other/pods", "create", "api", "", "v1", "other", "pods", "", ""),
    ("POST", "/api/v1/namespaces/other/pods/foo/eviction", "create", "api", "", "v1", "other", "pods",
     "eviction", "foo"),
    ("DELETE", "/api/v1/namespaces/other/pods/foo", "delete", "api", "", "v1", "other", "pods", "", "foo"),
    ("DELETE", "/api/v1/namespaces/other/pods", "deletecollection", "api", "", "v1", "other", "pods", "", ""),
    ("GET", "/api/v1/proxy/namespaces/other/pods/foo/a", "proxy", "api", "", "v1", "other", "pods", "", "foo"),
    ("GET", "/apis/apps/v1/deployments", "list", "apis", "apps", "v1", "", "deployments", "", ""),
    ("PUT", "/apis/apps/v1/namespaces/a/deployments/b/scale", "update", "apis", "apps", "v1", "a",
     "deployments", "scale",
     "b"),
    ("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/x/", "get", "apis", "rbac.authorization.k8s.io", "v1", "",
     "clusterroles", "", "x"),
    ("GET", "/api/v1/namespaces/a/pods?fieldSelector=metadata.name%3Dfoo", "list", "api", "", "v1", "a",
     "pods", "", "foo"),
    ("GET", "/api/v1/pods?watch=1&fieldSelector=metadata.name==foo", "watch", "api", "", "v1", "", "pods", "", "foo"),
    ("GET", "/api/v1/pods?fieldSelector=metadata.name!=foo", "list", "api", "", "v1", "", "pods", "", ""),
    ("GET", "/api/v1/pods?fieldSelector=metadata.name=a/b", "list", "api", "", "v1", "", "pods", "", ""),
    ("OPTIONS", "/api/v1/pods", "", "api", "", "v1", "", "pods", "", ""),
]  # fmt: skip


@pytest.mark.parametrize("case", RESOURCES, ids=lambda case: f"{case[0]} {case[1]}")
def test_resource_requests(case: tuple[str, ...]) -> None:
    found = info(case[0], case[1])
    assert found.is_resource
    assert found[1:9] == case[2:]
    assert found.path == case[1].partition("?")[0]
    assert found.identity is None


@pytest.mark.parametrize(
    ("method", "path", "verb"),
    [
        ("GET", "/", "get"),
        ("GET", "/api", "get"),
        ("GET", "/api/v1", "get"),
        ("GET", "/apis/apps/v1", "get"),
        ("GET", "/apis/apps", "get"),
        ("POST", "/version", "post"),
        ("GET", "/metrics/x/y/z", "get"),
        ("HEAD", "/readyz", "head"),
        ("GET", "/openapi/v3/apis/apps/v1", "get"),
    ],
)
def test_plain_urls(method: str, path: str, verb: str) -> None:
    found = info(method, path)
    assert (found.is_resource, found.verb, found.path, found.resource) == (False, verb, path, "")


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/api/v1/watch", id="a path verb alone"),
        pytest.param("/api/v1/namespaces//pods", id="empty namespace"),
        pytest.param("/api/v1//pods", id="empty segment"),
        pytest.param("/apis//v1/pods", id="empty group"),
        pytest.param("/api/v1/namespaces/../pods", id="parent directory"),
        pytest.param("/api/v1/pods/./x", id="this directory"),
        pytest.param("/api/v1/pods/a\x00b", id="NUL"),
        pytest.param("/api/v1/pods/a\nb", id="line feed"),
        pytest.param("/api/v1/pods/" + "a" * 600, id="endless name"),
        pytest.param("/api/v1/pods:", id="empty identity"),
        pytest.param("/api/v1/:abc", id="identity alone"),
    ],
)
def test_paths_that_nobody_means(path: str) -> None:
    with pytest.raises(BadRequest):
        info("GET", path)


def test_proxied_paths_may_hold_anything_after_the_subresource() -> None:
    found = info("GET", "/api/v1/namespaces/a/services/b/proxy/c//../d")
    assert (found.subresource, found.parts) == ("proxy", ("services", "b", "proxy", "c", "", "..", "d"))


def test_the_identity_is_taken_off_the_resource() -> None:
    found = info("GET", "/apis/apps/v1/deployments:abc/x")
    assert (found.resource, found.identity, found.name) == ("deployments", "abc", "x")


_name = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
_word = _name.filter(lambda word: word not in ("namespaces", "watch", "proxy", "status", "finalize"))


@given(
    group=st.one_of(st.just(""), _name),
    namespace=st.one_of(st.just(""), _word),
    resource=_word,
    name=st.one_of(st.just(""), _word),
    subresource=st.one_of(st.just(""), _word),
)
def test_a_path_put_together_is_read_back(
    group: str, namespace: str, resource: str, name: str, subresource: str
) -> None:
    path = f"/apis/{group}/v1" if group else "/api/v1"
    path += f"/namespaces/{namespace}" if namespace else ""
    path += f"/{resource}" + (f"/{name}" if name else "")
    path += f"/{subresource}" if name and subresource else ""
    found = info("GET", path)
    expected = (group, "v1", namespace, resource, subresource if name else "", name)
    assert (found.group, found.version, found.namespace, found.resource, found.subresource, found.name) == expected
    assert found.verb == ("get" if name else "list")


@given(st.text(max_size=80), st.sampled_from(["GET", "POST", "DELETE"]), st.text(max_size=30))
def test_any_path_gives_an_info_or_a_bad_request(path: str, method: str, query: str) -> None:
    try:
        found = parse(method, "/" + path, Query(query))
    except BadRequest:
        return
    if found.is_resource:
        # What storage keys are made of can't leave its place in the key.
        for segment in (found.group, found.namespace, found.resource, found.name, found.subresource):
            assert "/" not in segment
            assert segment not in (".", "..")
