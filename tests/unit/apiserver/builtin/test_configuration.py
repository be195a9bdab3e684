"""How much fits into a ConfigMap and a Secret."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from headwater.apiserver.builtin.strategies.configuration import MAX_BYTES, ConfigMapStrategy, SecretStrategy


def encoded(size: int) -> str:
    return base64.b64encode(bytes(size)).decode()


@pytest.mark.parametrize(
    ("obj", "fits"),
    [
        pytest.param({"data": {"a": "x" * MAX_BYTES}}, True, id="text"),
        pytest.param({"data": {"a": "x" * MAX_BYTES, "b": "x"}}, False, id="text too long"),
        pytest.param({"binaryData": {"a": encoded(MAX_BYTES)}}, True, id="binary"),
        pytest.param({"binaryData": {"a": encoded(MAX_BYTES + 1)}}, False, id="binary too long"),
        pytest.param({"data": {"a": "x" * 4}, "binaryData": {"b": encoded(MAX_BYTES - 3)}}, False, id="both"),
    ],
)
def test_config_maps(obj: dict[str, Any], fits: bool) -> None:
    found = ConfigMapStrategy().validate(None, obj)  # type: ignore[arg-type]
    assert not found if fits else "Too long: may not be more than 1048576 bytes" in str(found[0])


@pytest.mark.parametrize(("size", "fits"), [(MAX_BYTES, True), (MAX_BYTES + 1, False)])
def test_secrets(size: int, fits: bool) -> None:
    found = SecretStrategy().validate(None, {"type": "Opaque", "data": {"a": encoded(size)}})  # type: ignore[arg-type]
    assert not found if fits else "Too long" in str(found[0])
