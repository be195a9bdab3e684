"""Rows of custom resources."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.apiserver.resources import ResourceInfo
from headwater.apiserver.tables.printing import printer_for

OBJ = {
    "metadata": {"name": "n", "creationTimestamp": "1970-01-01T00:00:10Z"},
    "spec": {
        "text": "t",
        "number": 3,
        "share": 0.5,
        "on": True,
        "huge": 1e300,
        "map": {"a": 1},
        "list": ["a", "b"],
        "at": "x",
    },
}


def printer(*columns: dict[str, Any], resource: str = "things") -> Any:
    return printer_for(
        ResourceInfo(
            group="g.io", version="v1", resource=resource, kind="Thing", namespaced=True, columns=list(columns) or None
        )
    )


@pytest.mark.parametrize(
    ("kind", "path", "expected"),
    [
        ("string", ".spec.text", "t"),
        ("string", ".spec.number", "3"),
        ("string", ".spec.on", "true"),
        ("string", ".spec.map", '{"a":1}'),
        ("string", ".spec.list[*]", "a,b"),
        ("string", ".spec.none", None),
        ("integer", ".spec.number", 3),
        ("integer", ".spec.text", None),
        ("integer", ".spec.on", None),
        ("integer", ".spec.huge", None),
        ("number", ".spec.share", 0.5),
        ("number", ".spec.on", None),
        ("boolean", ".spec.on", True),
        ("boolean", ".spec.text", None),
        ("date", ".metadata.creationTimestamp", "50s"),
        ("date", ".spec.at", "<invalid>"),
        ("date", ".spec.number", "<unknown>"),
        ("odd", ".spec.text", None),
    ],
)
def test_cells(kind: str, path: str, expected: Any) -> None:
    """A column shows the value at its path if it is of its type."""
    made = printer({"name": "C", "type": kind, "jsonPath": path, "priority": 1})
    assert made.cells(OBJ, 60.0) == ["n", expected]
    assert made.definitions[1]["priority"] == 1


def test_without_columns() -> None:
    """NAME and AGE are what every kind has."""
    assert printer().cells(OBJ, 60.0) == ["n", "50s"]


def test_printers_are_shared() -> None:
    """Equal columns are compiled once."""
    column = {"name": "C", "type": "string", "jsonPath": ".spec.text"}
    assert printer(column) is printer(dict(column))
