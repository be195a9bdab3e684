"""Parts of schemas are compiled once: within a schema, and across kinds for Kubernetes' shared definitions."""

from __future__ import annotations

from typing import Any

from headwater.apis.kube.schemas import OBJECT_META, structural
from headwater.schema.parts import Entries, Parts


def test_own_parts_are_compiled_once() -> None:
    """One part in two places is one compilation, and another walk starts afresh."""
    shared: Entries[str] = {}
    part: dict[str, Any] = {"type": "string"}
    calls: list[Any] = []

    def compile_(schema: Any) -> str:
        calls.append(schema)
        return "compiled"

    parts = Parts(shared)
    assert parts.get(part, compile_) == parts.get(part, compile_) == "compiled"
    assert Parts(shared).get(part, compile_) == "compiled"
    assert len(calls) == 2
    assert shared == {}


def test_kubernetes_definitions_are_compiled_once_for_all() -> None:
    """A definition that many kinds contain is compiled for the first of them only."""
    shared: Entries[str] = {}
    assert Parts(shared).get(structural(OBJECT_META), lambda _: "first") == "first"
    assert Parts(shared).get(structural(OBJECT_META), lambda _: "second") == "first"
