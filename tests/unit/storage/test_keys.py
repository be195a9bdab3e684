"""Storage keys and prefixes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.storage.keys import (
    KeyParts,
    build_key,
    parse_key,
    prefix_end,
    resource_prefix,
    resource_prefix_of,
    scope_prefix,
)

SEGMENT = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("group", "resource", "identity", "cluster", "namespace", "name", "key"),
    [
        pytest.param("", "configmaps", "", "root", "default", "a", "/core/configmaps/-/root/default/a", id="core"),
        pytest.param(
            "apps", "deployments", "h4sh", "2x8k3", "ns", "web", "/apps/deployments/h4sh/2x8k3/ns/web", id="id"
        ),
        pytest.param(
            "", "namespaces", "-", "root", "", "default", "/core/namespaces/-/root/default", id="cluster-scoped"
        ),
    ],
)
def test_keys(group: str, resource: str, identity: str, cluster: str, namespace: str, name: str, key: str) -> None:
    """A key is built from its parts and gives them back."""
    prefix = resource_prefix(group, resource, identity)
    assert build_key(prefix, cluster, namespace, name) == key
    assert parse_key(key) == KeyParts(group, resource, identity or "-", cluster, namespace, name)
    assert resource_prefix_of(key) == prefix
    assert key.startswith(scope_prefix(prefix, cluster, namespace))


@pytest.mark.parametrize("segment", ["", "a/b", "a\0"])
def test_text_that_is_no_segment_is_refused(segment: str) -> None:
    """A name can't reach into another scope."""
    with pytest.raises(ValueError, match="segment"):
        build_key(resource_prefix("", "configmaps"), "root", "default", segment)
    with pytest.raises(ValueError, match="segment"):
        scope_prefix(resource_prefix("", "configmaps"), segment or "a/b")


@pytest.mark.parametrize("key", ["", "a", "/a/b/c/d", "/a/b/c/d/e/f/g", "a/b/c/d/e/f", "/a//c/d/e"])
def test_text_that_is_no_key_is_refused(key: str) -> None:
    """Parsing raises for anything but an object's key."""
    with pytest.raises(ValueError, match="not a storage key"):
        parse_key(key)


@pytest.mark.parametrize(
    ("text", "prefix"), [("/a/b/c/d", "/a/b/c/"), ("/a/b/c/", "/a/b/c/"), ("/a/b/c", ""), ("", ""), ("x", "")]
)
def test_resource_prefix_of_any_text(text: str, prefix: str) -> None:
    """Three segments, or nothing."""
    assert resource_prefix_of(text) == prefix


@given(prefix=SEGMENT, other=SEGMENT)
def test_prefix_end_bounds_exactly_the_prefix(prefix: str, other: str) -> None:
    """What begins with a prefix lies in [prefix, prefix_end), and nothing else does, also in UTF-8 order."""
    end = prefix_end(prefix)
    for text in (prefix + other, other):
        inside = prefix <= text and (end is None or text < end)
        assert inside == text.startswith(prefix)
        assert (text.encode() < (end or "\U0010ffff" * 9).encode()) == (end is None or text < end)


def test_prefix_end_at_the_edges() -> None:
    """No bound above the last character there is, and surrogates are no characters."""
    assert prefix_end("") is None
    assert prefix_end("\U0010ffff") is None
    assert prefix_end("a\U0010ffff") == "b"
    assert prefix_end("a\ud7ff") == "a\ue000"
