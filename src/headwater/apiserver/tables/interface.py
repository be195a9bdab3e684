"""What a printer is: column definitions, and the cells of one object."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from headwater.machinery.objects import Object

Cells = list[Any]
CellsOf = Callable[[Object, float], Cells]
"""The cells of an object at a time (seconds since the epoch), one for each column."""


class Printer(Protocol):
    """Prints objects of one kind as rows."""

    @property
    def definitions(self) -> Sequence[Object]: ...

    def cells(self, obj: Object, now: float) -> Cells: ...


@dataclass(frozen=True, slots=True)
class BuiltinPrinter:
    """A printer made of a column list and a function."""

    definitions: Sequence[Object]
    print_cells: CellsOf

    def cells(self, obj: Object, now: float) -> Cells:
        return self.print_cells(obj, now)


def column(name: str, kind: str = "string", *, wide: bool = False, format_: str = "", description: str = "") -> Object:
    """One TableColumnDefinition; a `wide` column shows with `-o wide` only."""
    return {
        "name": name,
        "type": kind,
        "format": format_,
        "description": description or _DESCRIPTIONS.get(name, name),
        "priority": 1 if wide else 0,
    }


_DESCRIPTIONS = {
    "Name": "Name of the object, unique among its kind in its namespace.",
    "Age": "Time since the object was created.",
}

NAME = column("Name", format_="name")
AGE = column("Age")


def columns(*entries: Object | str) -> tuple[Object, ...]:
    """Column definitions: NAME first; a plain string is a string column, one with a `+` in front a wide one."""
    made = [NAME]
    for entry in entries:
        if isinstance(entry, str):
            made.append(AGE if entry == "Age" else column(entry.removeprefix("+"), wide=entry.startswith("+")))
        else:
            made.append(entry)
    return tuple(made)


def integer(name: str) -> Object:
    """A column of numbers."""
    return column(name, "integer")
