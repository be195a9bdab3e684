"""The placements command."""

from __future__ import annotations

import click

from headwater.cli import completing
from headwater.cli.failure import CommandFailed, command_body
from headwater.cli.output import output_option
from headwater.cli.session import ConnectionFlags, Session, connection_options


@click.command(
    help="Show where the workloads of a workspace run: for each Placement its pclusters, below it each workload with "
    "ready and wanted replicas on each of them, what moves, and what is not known because a pcluster can't be reached."
)
@click.argument("name", metavar="[PLACEMENT]", default="", shell_complete=completing.placements)
@click.option("-w", "--watch", is_flag=True, help="Go on: redraw on a terminal, print changed rows elsewhere.")
@output_option
@connection_options
@command_body
async def placements(connection: ConnectionFlags, name: str, output: str | None, watch: bool) -> None:
    """Print Placements and workloads, once or live; -o json, yaml and name are about the Placements alone."""
    from headwater.apis.placement.v1alpha1.placement import PLACEMENTS
    from headwater.cli.placements.once import print_documents, print_view
    from headwater.cli.placements.surroundings import fetch
    from headwater.client.discovery import discover
    from headwater.machinery.errors import NotFound

    async with Session.open(connection) as session:
        resource = session.client.resource(PLACEMENTS)
        try:
            found = [await resource.get(name)] if name else (await resource.list_all())[0]
        except NotFound as error:
            if name and (error.details or {}).get("name"):
                raise
            raise CommandFailed(
                f"workspace {session.workspace} serves no Placements: `headwater bind compute` binds their API"
            ) from error
        plain = output is None or output == "wide"
        if watch:
            from headwater.cli.placements.live import watch_documents, watch_table
            from headwater.telemetry.logging import configure

            configure(level="error" if plain else "warning", format="text")
            if plain:
                await watch_table(session, await discover(session.client), wide=output == "wide", placement=name)
            else:
                await watch_documents(session, str(output), name)
        elif plain:
            view = await fetch(session, await discover(session.client), found)
            print_view(view, wide=output == "wide")
        else:
            print_documents(found, str(output), single=bool(name))
