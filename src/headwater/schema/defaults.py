"""Defaulting: missing fields get the schema's defaults, and nulls that the schema doesn't allow are dropped.

As in Kubernetes a null counts as missing unless the field is nullable, and defaults apply inside of defaulted objects.
What they add to one object is bounded: a small body with many empty items, or defaults in defaults, could else become
larger than the memory.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

from headwater.base import jsonio
from headwater.machinery.errors import RequestEntityTooLarge
from headwater.machinery.objects import deep_copy
from headwater.schema.parts import Entries, Parts
from headwater.schema.resource import effective

Object = dict[str, Any]
Default = Callable[[Any], None]
"""Completes the value in place."""

_SCALARS = (str, int, float, bool)
MAX_ADDED_BYTES: Final = 3 * 1024 * 1024


class _Added(threading.local):
    """Bytes of JSON that the defaults of the object in progress have added."""

    size = 0


_added = _Added()


def compile_default(schema: Object) -> Default | None:
    """The defaulter of a schema; None if no value has anything to complete or drop.

    It raises RequestEntityTooLarge when the defaults come to more than 3 MiB.
    """
    whole = _Compiler().compile(schema)
    if whole is None:
        return None

    def default(value: Any) -> None:
        _added.size = 0
        whole(value)

    return default


def _count(size: int) -> None:
    _added.size += size
    if _added.size > MAX_ADDED_BYTES:
        raise RequestEntityTooLarge(f"Request entity too large: its defaults come to more than {MAX_ADDED_BYTES} bytes")


def _size_of(name: str, value: Any) -> int:
    return len(jsonio.dumps({name: value}))


_shared: Entries[Default | None] = {}


class _Compiler:
    def __init__(self) -> None:
        self._parts = Parts(_shared)

    def compile(self, schema: Object) -> Default | None:
        return self._parts.get(schema, self._compile)

    def _compile(self, schema: Object) -> Default | None:
        schema = effective(schema)
        if "items" in schema:
            return _array(self.compile(schema["items"]), schema["items"])
        properties: Object = schema.get("properties") or {}
        additional = schema.get("additionalProperties")
        if isinstance(additional, dict):
            return _map(self.compile(additional), additional)
        if not properties:
            return None
        nullable = frozenset(name for name, child in properties.items() if child.get("nullable"))
        values = {name: child["default"] for name, child in properties.items() if child.get("default") is not None}
        compiled = {name: self.compile(child) for name, child in properties.items()}
        active = {name: child for name, child in compiled.items() if child is not None}
        return _object(values, active, droppable=frozenset(properties) - nullable)


def _object(values: Object, active: dict[str, Default], *, droppable: frozenset[str]) -> Default:
    scalars = {name: value for name, value in values.items() if isinstance(value, _SCALARS)}
    composites = {name: value for name, value in values.items() if name not in scalars}
    names = frozenset(values)
    sizes = {name: _size_of(name, value) for name, value in values.items()}

    def default(value: Any) -> None:
        if type(value) is not dict:
            return
        if None in value.values():
            for name in [name for name, item in value.items() if item is None and name in droppable]:
                del value[name]
        if not names <= value.keys():
            _count(sum(size for name, size in sizes.items() if name not in value))
            for name, scalar in scalars.items():
                if name not in value:
                    value[name] = scalar
            for name, composite in composites.items():
                if name not in value:
                    value[name] = deep_copy(composite)
        if active:
            for name, item in value.items():
                child = active.get(name)
                if child is not None:
                    child(item)

    return default


def _map(child: Default | None, schema: Object) -> Default | None:
    nullable = bool(schema.get("nullable"))
    fill = None if nullable else schema.get("default")
    if child is None and fill is None:
        return None if nullable else _drop_nulls
    size = _size_of("", fill)

    def default(value: Any) -> None:
        if type(value) is not dict:
            return
        if fill is not None:
            for name in [name for name, item in value.items() if item is None]:
                _count(size)
                value[name] = deep_copy(fill)
        elif not nullable:
            _drop_nulls(value)
        if child is not None:
            for item in value.values():
                child(item)

    return default


def _drop_nulls(value: Any) -> None:
    if type(value) is dict and None in value.values():
        for name in [name for name, item in value.items() if item is None]:
            del value[name]


def _array(child: Default | None, schema: Object) -> Default | None:
    fill = schema.get("default") if not schema.get("nullable") else None
    if child is None and fill is None:
        return None
    size = _size_of("", fill)

    def default(value: Any) -> None:
        if type(value) is not list:
            return
        if fill is not None and None in value:
            _count(size * value.count(None))
            value[:] = [deep_copy(fill) if item is None else item for item in value]
        if child is not None:
            for item in value:
                child(item)

    return default
