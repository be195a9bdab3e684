"""Prints the table of a workspace, or of one Placement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headwater.cli.output import table
from headwater.cli.placements.rows import TITLES, WIDE_TITLES, View, rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwater.cli.session import Session
    from headwater.client.discovery import Discovery
    from headwater.machinery.objects import Object

RESOURCE = "placements.placement.kcp.io"


def print_view(view: View, *, wide: bool) -> None:
    """The table, or kubectl's word on stderr when there are no Placements."""
    if not view.placements:
        click.echo("No resources found", err=True)
        return
    titles = WIDE_TITLES if wide else TITLES
    click.echo(table(titles, [row[: len(titles)] for row in rows(view).values()]))


def print_documents(placements: Sequence[Object], output: str, *, single: bool = False) -> None:
    """The Placements themselves, as a List, or alone when one was asked for; or their names."""
    from headwater.base import jsonio, yamlio

    if output == "name":
        for each in placements:
            click.echo(f"{RESOURCE}/{each['metadata']['name']}")
        return
    document: Object = {"apiVersion": "v1", "kind": "List", "items": list(placements)}
    if single:
        document = placements[0]
    click.echo(jsonio.dumps_pretty(document).decode() if output == "json" else yamlio.dump(document), nl=False)


async def show_placement(session: Session, discovery: Discovery, name: str, output: str | None) -> None:
    """One Placement and what it places. Raises StatusError when there is none of that name."""
    from headwater.apis.placement.v1alpha1.placement import PLACEMENTS
    from headwater.cli.placements.surroundings import fetch

    placement = await session.client.resource(PLACEMENTS).get(name)
    if output in ("json", "yaml"):
        print_documents([placement], output, single=True)
        return
    print_view(await fetch(session, discovery, [placement]), wide=output == "wide")
    click.echo("\n`headwater explain TYPE/NAME` says why, for each workload.")
