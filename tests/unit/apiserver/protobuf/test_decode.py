"""Protobuf bodies of built-in kinds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.apiserver.protobuf.decode import MAGIC, decode_object
from headwater.base.protobuf import WireError, fields, signed, varint
from headwater.machinery.errors import BadRequest, StatusError, UnsupportedMediaType

# `kubectl create configmap a --from-literal=x=y`, as version 1.32 sends it.
CONFIG_MAP = bytes.fromhex(
    "6b3873000a0f0a0276311209436f6e6669674d6170121b0a110a0161120 01a0022002a00320038004200 1206 0a0178120179 1a00 2200"
    .replace(" ", "")
)  # fmt: skip


def number(value: int) -> bytes:
    out = b""
    value &= (1 << 64) - 1
    while True:
        value, low = value >> 7, value & 0x7F
        if not value:
            return out + bytes([low])
        out += bytes([low | 0x80])


def part(field: int, value: bytes | str | int) -> bytes:
    """One field on the wire."""
    if isinstance(value, int):
        return number(field << 3) + number(value)
    raw = value.encode() if isinstance(value, str) else value
    return number(field << 3 | 2) + number(len(raw)) + raw


def body(api_version: str, kind: str, message: bytes) -> bytes:
    return MAGIC + part(1, part(1, api_version) + part(2, kind)) + part(2, message)


def test_a_config_map_of_kubectl() -> None:
    """Zero values of plain Go fields are left out."""
    assert decode_object(CONFIG_MAP) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a"},
        "data": {"x": "y"},
    }


def test_a_deployment() -> None:
    """Nested and repeated messages, maps, numbers, quantities, ports by name or number, times, inlined fields."""
    resources = part(1, part(1, "cpu") + part(2, part(1, "100m")))
    probe = part(1, part(2, part(1, "/ok") + part(2, part(1, 0) + part(2, 8080)))) + part(3, 0) + part(4, 5)
    named = part(1, part(2, part(1, "/ok") + part(2, part(1, 1) + part(3, "web"))))
    environment = part(1, "A") + part(3, part(4, part(1, part(1, "s")) + part(2, "k")))
    container = (
        part(1, "c") + part(2, "i") + part(7, environment) + part(8, resources) + part(10, probe) + part(11, named)
    )
    volume = part(1, "v") + part(2, part(19, part(1, part(1, "cm"))))
    template = part(1, part(11, part(1, "app") + part(2, "w"))) + part(2, part(1, volume) + part(2, container))
    spec = part(1, 0) + part(2, part(1, part(1, "app") + part(2, "w"))) + part(3, template) + part(5, 0) + part(6, 3)
    meta = part(1, "d") + part(8, part(1, 1_700_000_000) + part(2, 0))
    decoded = decode_object(body("apps/v1", "Deployment", part(1, meta) + part(2, spec) + part(3, b"")))
    assert decoded["metadata"] == {"name": "d", "creationTimestamp": "2023-11-14T22:13:20Z"}
    assert decoded["spec"]["replicas"] == 0
    assert "minReadySeconds" not in decoded["spec"]
    assert decoded["spec"]["revisionHistoryLimit"] == 3
    assert decoded["spec"]["selector"] == {"matchLabels": {"app": "w"}}
    assert "status" not in decoded
    pod = decoded["spec"]["template"]["spec"]
    assert pod["volumes"] == [{"name": "v", "configMap": {"name": "cm"}}]
    (shown,) = pod["containers"]
    assert shown["env"] == [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
    assert shown["resources"] == {"limits": {"cpu": "100m"}}
    assert shown["livenessProbe"] == {"httpGet": {"path": "/ok", "port": 8080}, "periodSeconds": 5}
    assert shown["readinessProbe"]["httpGet"]["port"] == "web"


def test_secrets_leases_reviews_and_options() -> None:
    """Bytes are base64, micro times keep their parts, extra values are lists, DeleteOptions belong to all groups."""
    secret = decode_object(body("v1", "Secret", part(2, part(1, "a") + part(2, b"hi")) + part(3, "Opaque")))
    assert secret["data"] == {"a": "aGk="}
    lease = decode_object(
        body("coordination.k8s.io/v1", "Lease", part(2, part(3, part(1, 1) + part(2, 500_000_000)) + part(5, -1)))
    )
    assert lease["spec"] == {"acquireTime": "1970-01-01T00:00:01.500000Z", "leaseTransitions": -1}
    extra = part(5, part(1, "k") + part(2, part(1, "x") + part(1, "y")))
    review = decode_object(body("authorization.k8s.io/v1", "SubjectAccessReview", part(2, extra)))
    assert review["spec"]["extra"] == {"k": ["x", "y"]}
    options = decode_object(body("policy/v1", "DeleteOptions", part(1, 0) + part(4, "Orphan")))
    assert (options["gracePeriodSeconds"], options["propagationPolicy"]) == (0, "Orphan")


def test_required_fields_stay_even_when_empty() -> None:
    """A required message stays, so that validation looks into it."""
    binding = decode_object(body("rbac.authorization.k8s.io/v1", "RoleBinding", part(1, b"") + part(3, b"")))
    assert binding == {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "roleRef": {}}


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        pytest.param(b"{}", BadRequest, id="json"),
        pytest.param(MAGIC + b"\xff", BadRequest, id="cut"),
        pytest.param(body("v1", "ConfigMap", b"\x0a\xff\x01"), BadRequest, id="cut inside"),
        pytest.param(body("v1", "ConfigMap", part(1, 5)), BadRequest, id="number for message"),
        pytest.param(body("v1", "ConfigMap", part(4, "x")), BadRequest, id="text for flag"),
        pytest.param(body("v1", "ConfigMap", part(2, part(1, b"\xff") + part(2, "v"))), BadRequest, id="no utf-8"),
        pytest.param(MAGIC + part(3, "gzip"), BadRequest, id="encoded content"),
        pytest.param(body("example.com/v1", "Widget", b""), UnsupportedMediaType, id="unknown kind"),
        pytest.param(body("a/b/c", "Widget", b""), BadRequest, id="bad version"),
    ],
)
def test_broken_bodies(raw: bytes, error: type[StatusError]) -> None:
    """What can't be read is the client's error."""
    with pytest.raises(error):
        decode_object(raw)


def test_depth_is_bounded() -> None:
    """Nesting is followed so far and no further."""
    nested = b""
    for _ in range(200):
        nested = part(5, nested)
    schema: Any = body("apiextensions.k8s.io/v1", "CustomResourceDefinition", nested)
    with pytest.raises(StatusError):
        decode_object(schema)


@pytest.mark.parametrize("raw", [b"\x03", b"\x00", b"\x08", b"\x08" + b"\xff" * 11, b"\x0a\x05a", b"\x0f"])
def test_broken_wire(raw: bytes) -> None:
    """Group markers, field 0, cut and endless numbers, cut text."""
    with pytest.raises(WireError):
        list(fields(raw))


@given(st.integers(-(2**63), 2**63 - 1))
def test_numbers(value: int) -> None:
    """Signed numbers survive."""
    assert signed(varint(number(value), 0)[0]) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_answered(raw: bytes) -> None:
    """Nothing but a StatusError comes out of garbage."""
    try:
        decode_object(MAGIC + part(1, part(1, "v1") + part(2, "Pod")) + part(2, raw))
    except StatusError:
        pass
