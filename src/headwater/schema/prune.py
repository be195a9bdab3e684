"""Pruning: removal of the fields that a schema doesn't know, as the API server does for custom resources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headwater.schema.parts import Entries, Parts
from headwater.schema.resource import effective
from headwater.schema.trail import Trail, render

Object = dict[str, Any]
Prune = Callable[[Any, Trail, list[str]], None]
"""Removes unknown fields of the value in place and appends their paths."""


def compile_prune(schema: Object) -> Prune | None:
    """The pruner of a schema; None if no value has anything to prune."""
    return _Compiler().compile(schema)


_shared: Entries[Prune | None] = {}


class _Compiler:
    def __init__(self) -> None:
        self._parts = Parts(_shared)

    def compile(self, schema: Object) -> Prune | None:
        return self._parts.get(schema, self._compile)

    def _compile(self, schema: Object) -> Prune | None:
        schema = effective(schema)
        if "items" in schema:
            items = self.compile(schema["items"])
            return _array(items) if items is not None else None
        if schema.get("type") != "object" and "properties" not in schema:
            return None
        preserve = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
        properties: Object = schema.get("properties") or {}
        children = {name: self.compile(child) for name, child in properties.items()}
        active = {name: child for name, child in children.items() if child is not None}
        additional = schema.get("additionalProperties")
        if isinstance(additional, dict):
            values = self.compile(additional)
            if values is None:
                return _members(active) if active else None
            return _map(active, frozenset(properties), values)
        if preserve or additional is True:
            return _members(active) if active else None
        return _closed(frozenset(properties), active)


def _array(items: Prune) -> Prune:
    def prune(value: Any, trail: Trail, removed: list[str]) -> None:
        if type(value) is list:
            for position, item in enumerate(value):
                items(item, (trail, position), removed)

    return prune


def _members(active: dict[str, Prune]) -> Prune:
    def prune(value: Any, trail: Trail, removed: list[str]) -> None:
        if type(value) is dict:
            for name, child in active.items():
                if name in value:
                    child(value[name], (trail, name), removed)

    return prune


def _map(active: dict[str, Prune], properties: frozenset[str], values: Prune) -> Prune:
    def prune(value: Any, trail: Trail, removed: list[str]) -> None:
        if type(value) is dict:
            for name, item in value.items():
                child = active.get(name) if name in properties else values
                if child is not None:
                    child(item, (trail, name), removed)

    return prune


def _closed(known: frozenset[str], active: dict[str, Prune]) -> Prune:
    def prune(value: Any, trail: Trail, removed: list[str]) -> None:
        if type(value) is not dict:
            return
        if not known.issuperset(value):
            for name in [name for name in value if name not in known]:
                del value[name]
                removed.append(render((trail, name)))
        if active:
            for name, item in value.items():
                child = active.get(name)
                if child is not None:
                    child(item, (trail, name), removed)

    return prune
