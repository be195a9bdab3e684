"""What commands print: tables as kubectl draws them, JSON, YAML or names; colour only on a terminal."""

from __future__ import annotations

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
    widths = [max(len(row[index]) for row in [titles, *rows]) for index in range(len(titles))]
    colour = sys.stdout.isatty()

    def cell(text: str, index: int) -> str:
        padded = text.ljust(widths[index]) if index < len(widths) - 1 else text
        shade = _COLOURS.get(text) if colour else None
        return padded.replace(text, click.style(text, fg=shade), 1) if shade else padded

    lines = ["   ".join(title.ljust(widths[index]) for index, title in enumerate(titles)).rstrip()]
    lines += ["   ".join(cell(text, index) for index, text in enumerate(row)).rstrip() for row in rows]
    return "\n".join(lines)


def progress(text: str) -> None:
    """A line about what is going on, on stderr, so that stdout stays clean for output."""
    click.echo(text, err=True)
