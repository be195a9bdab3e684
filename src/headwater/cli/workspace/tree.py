"""Print the tree of workspaces."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import click

from headwater.cli.failure import command_body
from headwater.cli.session import ConnectionFlags, Session, connection_options, split_workspace

if TYPE_CHECKING:
    from headwater.machinery.objects import Object

_MAX_DEPTH = 32


@click.command(help="Print the tree of workspaces below the current one.")
@click.option("-f", "--full", is_flag=True, help="Print whole paths.")
@click.option("--wide", is_flag=True, help="Also print type and phase.")
@connection_options
@command_body
async def tree(connection: ConnectionFlags, full: bool, wide: bool) -> None:
    """Walk down from the current workspace; what may not be listed is a leaf."""
    async with Session.open(connection) as session:
        _ = session.client
        click.echo(session.workspace if full else session.workspace.rpartition(":")[2])
        async for line in _lines(session, session.workspace, "", full=full, wide=wide, depth=0):
            click.echo(line)


async def _lines(session: Session, path: str, indent: str, *, full: bool, wide: bool, depth: int) -> AsyncIterator[str]:
    children = await _children(session, path) if depth < _MAX_DEPTH else []
    for number, child in enumerate(children):
        last = number == len(children) - 1
        child_path = split_workspace(child["spec"].get("URL", ""))[1] or f"{path}:{child['metadata']['name']}"
        shown = child_path if full else child["metadata"]["name"]
        yield f"{indent}{'└── ' if last else '├── '}{shown}{_details(child) if wide else ''}"
        deeper = indent + ("    " if last else "│   ")
        async for line in _lines(session, child_path, deeper, full=full, wide=wide, depth=depth + 1):
            yield line


async def _children(session: Session, path: str) -> list[Object]:
    from headwater.apis.tenancy.v1alpha1.workspace import WORKSPACE
    from headwater.machinery.errors import Forbidden, NotFound

    try:
        found, _ = await session.cluster_client.cluster(path).resource(WORKSPACE.gvr).list_all()
    except (NotFound, Forbidden):
        return []
    alive = [child for child in found if not child["metadata"].get("deletionTimestamp")]
    return sorted(alive, key=lambda child: child["metadata"]["name"])


def _details(workspace: Object) -> str:
    kind = workspace["spec"].get("type") or {}
    phase = (workspace.get("status") or {}).get("phase", "")
    return f" [{kind.get('path', '')}:{kind.get('name', '')} {phase}]"
