"""Rows of custom resources: additionalPrinterColumns, read with their JSON paths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from headwater.apiserver.tables.interface import AGE, NAME, Cells
from headwater.apiserver.tables.text import UNKNOWN, age, since
from headwater.base import jsonio
from headwater.machinery.jsonpath import compile_path
from headwater.machinery.objects import Object

_LARGEST = 2**63
_Reader = Callable[[Object], list[Any]]


class DefaultPrinter:
    """NAME and AGE."""

    definitions: Sequence[Object] = (NAME, AGE)

    def cells(self, obj: Object, now: float) -> Cells:
        return [obj["metadata"]["name"], age(obj, now)]


class ColumnPrinter:
    """NAME and the columns that a CRD or APIResourceSchema declares."""

    def __init__(self, declared: Sequence[Object]) -> None:
        self.definitions: Sequence[Object] = (NAME, *(_definition(entry) for entry in declared))
        self._readers: list[tuple[_Reader, str]] = [
            (compile_path(entry["jsonPath"]), entry.get("type", "string")) for entry in declared
        ]

    def cells(self, obj: Object, now: float) -> Cells:
        return [obj["metadata"]["name"], *(_cell(read(obj), kind, now) for read, kind in self._readers)]


def _definition(entry: Object) -> Object:
    return {
        "name": entry["name"],
        "type": entry.get("type", "string"),
        "format": entry.get("format", ""),
        "description": entry.get("description") or f"Custom resource definition column: {entry['jsonPath']}",
        "priority": entry.get("priority", 0),
    }


def _cell(values: list[Any], kind: str, now: float) -> Any:
    if not values:
        return None
    value = values[0]
    if kind == "string":
        return _string(values)
    if kind == "date":
        return since(value, now) if isinstance(value, str) else UNKNOWN
    if kind == "integer":
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return int(value) if -_LARGEST <= value < _LARGEST else None
    if kind == "number":
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if kind == "boolean":
        return value if isinstance(value, bool) else None
    return None


def _string(values: list[Any]) -> str:
    return ",".join(value if isinstance(value, str) else jsonio.dumps(value).decode() for value in values)
