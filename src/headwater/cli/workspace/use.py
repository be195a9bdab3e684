"""Go to a workspace, or say where one is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headwater.cli.failure import CommandFailed, command_body
from headwater.cli.session import ConnectionFlags, Session, connection_options, split_workspace
from headwater.cli.workspace.contexts import Contexts
from headwater.cli.workspace.naming import HOME, ROOT, resolve, split

if TYPE_CHECKING:
    from headwater.machinery.objects import Object


@click.command(help="Go to a workspace: a path, a child's name, .., - (the previous one) or ~ (home).")
@click.argument("target", default=HOME)
@connection_options
@command_body
async def use(connection: ConnectionFlags, target: str) -> None:
    """Check that the workspace is there and may be entered, then rewrite the kubeconfig."""
    contexts = Contexts.open(connection)
    if target == "-":
        click.echo(f"Current workspace is '{contexts.swap()}'.")
        return
    if target == ".":
        click.echo(f"Current workspace is '{contexts.workspace}'.")
        return
    try:
        path = resolve(target, contexts.workspace)
    except ValueError as error:
        raise CommandFailed(str(error)) from error
    async with Session.open(connection) as session:
        path, kind = await enter(session, path)
    contexts.go(path)
    click.echo(f"Current workspace is '{path}'{kind}.")


async def enter(session: Session, path: str) -> tuple[str, str]:
    """(path, ` (type <type>)` or nothing) of a workspace that exists and lets the user in. Raises CommandFailed."""
    if path == HOME:
        path = await _home(session)
    denied = not await _has_access(session, path)
    workspace = await _workspace(session, path) if path != ROOT else None
    if denied:
        if workspace is None and path != ROOT:
            raise CommandFailed(f'workspace "{path}" not found')
        raise CommandFailed(f'access to workspace "{path}" denied')
    kind = ((workspace or {}).get("spec") or {}).get("type") or {}
    if not kind.get("name"):
        return path, ""
    return path, f" (type {kind['path']}:{kind['name']})" if kind.get("path") else f" (type {kind['name']})"


async def _home(session: Session) -> str:
    from headwater.apis.tenancy.v1alpha1.workspace import WORKSPACE
    from headwater.machinery.errors import Forbidden, NotFound

    try:
        home = await session.cluster_client.cluster(ROOT).resource(WORKSPACE.gvr).get("~")
    except (NotFound, Forbidden) as error:
        raise CommandFailed(f"this control plane has no home workspace for you ({error}); name a workspace") from error
    return split_workspace(home["spec"]["URL"])[1]


async def _has_access(session: Session, path: str) -> bool:
    from headwater.machinery.errors import Forbidden, NotFound

    try:
        groups = await session.cluster_client.cluster(path).get_json("/apis")
    except (Forbidden, NotFound):
        return False
    return bool(groups.get("groups") or groups.get("items"))


async def _workspace(session: Session, path: str) -> Object | None:
    from headwater.apis.tenancy.v1alpha1.workspace import WORKSPACE
    from headwater.machinery.errors import Forbidden, NotFound

    parent, name = split(path)
    if not parent:
        return None
    try:
        return await session.cluster_client.cluster(parent).resource(WORKSPACE.gvr).get(name)
    except (NotFound, Forbidden):
        return None


@click.command(help="Print the current workspace.")
@click.option("--short", is_flag=True, help="Print the path alone.")
@connection_options
@command_body
async def current(connection: ConnectionFlags, short: bool) -> None:
    """Read the kubeconfig; no request is made."""
    path = Contexts.open(connection).workspace
    click.echo(path if short else f"Current workspace is '{path}'.")
