"""Accept headers, people's tools, aggregated discovery."""

from __future__ import annotations

import pytest

from headwater.apiserver.discovery.handler import aggregated_version
from headwater.apiserver.negotiation import JSON, YAML, Accepted, finish, negotiate, parse_accept, wants_pretty
from headwater.machinery.errors import NotAcceptable

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", Accepted(JSON)),
        ("*/*", Accepted(JSON)),
        ("application/yaml", Accepted(YAML)),
        (f"{TABLE},application/json", Accepted(JSON, "Table", "v1")),
        (f"application/json;q=0.1, {TABLE};q=0.9", Accepted(JSON, "Table", "v1")),
        ("application/json;as=Table;v=v9;g=meta.k8s.io,application/json", Accepted(JSON)),
        ("application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io", Accepted(JSON, "Table", "v1")),
        ("application/json;stream=watch", Accepted(JSON)),
        ("text/html,application/xhtml+xml,*/*;q=0.8", Accepted(JSON)),
    ],
)
def test_negotiate(header: str, expected: Accepted) -> None:
    """The best entry that can be served."""
    assert negotiate(header) == expected


@pytest.mark.parametrize("header", ["text/html", "application/json;q=0", "application/json;q=x", "application/cbor"])
def test_nothing_to_serve(header: str) -> None:
    """No entry fits."""
    with pytest.raises(NotAcceptable):
        negotiate(header)


def test_parse_accept() -> None:
    """Types are lower case, parameters are trimmed, the order is that of quality."""
    first, second = parse_accept("A/B ; x = 1 ; q=0.5, c/d")
    assert (first.media_type, second.media_type, second.parameters) == ("c/d", "a/b", {"x": "1"})


@pytest.mark.parametrize(
    ("pretty", "agent", "expected"),
    [
        ("", "kubectl/v1", False),
        ("", "curl/8", True),
        ("false", "curl/8", False),
        ("1", "kubectl/v1", True),
    ],
)
def test_pretty(pretty: str, agent: str, expected: bool) -> None:
    """The parameter decides; without it, whether a person reads."""
    assert wants_pretty(pretty, agent) == expected


def test_finish() -> None:
    """Pieces stay pieces unless another form is wanted."""
    pieces = [b'{"a":', b"1}"]
    assert finish(pieces, JSON) is pieces
    assert finish(pieces, YAML) == b"a: 1\n"
    assert finish(pieces, JSON, pretty=True) == b'{\n  "a": 1\n}\n'


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json", "v2"),
        ("application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList", "v2beta1"),
        ("application/json, application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", ""),
        ("application/json;g=apidiscovery.k8s.io;v=v9;as=APIGroupDiscoveryList", ""),
        ("application/json;g=other;v=v2;as=APIGroupDiscoveryList", ""),
        ("", ""),
    ],
)
def test_aggregated_version(header: str, expected: str) -> None:
    """The aggregated form only where it is preferred and known."""
    assert aggregated_version(header) == expected
