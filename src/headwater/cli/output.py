"""What commands print: tables as kubectl draws them, JSON, YAML or names; colour only on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

FORMATS = ("json", "yaml", "wide", "name")
_COLOURS = {
    "True": "green",
    "Ready": "green",
    "Bound": "green",
    "False": "red",
    "Pending": "yellow",
    "Unknown": "yellow",
}


def output_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add -o/--output; the command gets it as `output`, empty for a table."""
    option = click.option("-o", "--output", type=click.Choice(FORMATS), default=None, help="Output format.")
    return option(command)


@dataclass(frozen=True, slots=True)
class Column:
    """A table column; `wide` ones are shown with -o wide only."""

    title: str
    value: Callable[[Mapping[str, Any]], str]
    wide: bool = False


def print_objects(
    objects: Sequence[Mapping[str, Any]], columns: Sequence[Column], output: str | None, resource: str
) -> None:
    """Print objects in the chosen format; nothing found is said on stderr, as kubectl does."""
    from headwater.base import jsonio, yamlio

    if output in ("json", "yaml"):
        document: Any = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        click.echo(jsonio.dumps_pretty(document).decode() if output == "json" else yamlio.dump(document), nl=False)
    elif output == "name":
        for obj in objects:
            click.echo(f"{resource}/{obj['metadata']['name']}")
    elif not objects:
        click.echo("No resources found", err=True)
    else:
        shown = [column for column in columns if output == "wide" or not column.wide]
        rows = [[column.value(obj) for column in shown] for obj in objects]
        click.echo(table([column.title for column in shown], rows))


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Left-aligned columns, three spaces apart; states are coloured when stdout is a terminal."""
    return "\n".join(Table(titles).lines(rows, head=True))


class Table:
    """Rows that arrive one after the other, in columns that only grow, so that they stay aligned."""

    def __init__(self, titles: Sequence[str]) -> None:
        self._titles = titles
        self._widths = [len(title) for title in titles]

    def lines(self, rows: Sequence[Sequence[str]], *, head: bool = False) -> list[str]:
        """The rows as lines, with the titles before them if asked for."""
        for row in rows:
            self._widths = [max(width, len(text)) for width, text in zip(self._widths, row, strict=True)]
        colour = coloured()
        titles = [self._line(self._titles, colour=False)] if head else []
        return titles + [self._line(row, colour=colour) for row in rows]

    def _line(self, row: Sequence[str], *, colour: bool) -> str:
        cells = []
        for text, width in zip(row, self._widths, strict=True):
            shade = _COLOURS.get(text) if colour else None
            cells.append((click.style(text, fg=shade) if shade else text) + " " * (width - len(text)))
        return "   ".join(cells).rstrip()


def coloured() -> bool:
    """Whether stdout is a terminal, and nobody asked for plain text with NO_COLOR."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def progress(text: str) -> None:
    """A line about what is going on, on stderr, so that stdout stays clean for output."""
    click.echo(text, err=True)
