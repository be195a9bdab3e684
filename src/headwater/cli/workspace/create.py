"""Create a workspace and wait until it can be used."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from headwater.cli.failure import CommandFailed, command_body
from headwater.cli.session import ConnectionFlags, Session, connection_options
from headwater.cli.workspace.contexts import Contexts
from headwater.cli.workspace.naming import split
from headwater.cli.workspace.use import enter

if TYPE_CHECKING:
    from headwater.client.resource import ResourceClient
    from headwater.machinery.objects import Object

_READY_SECONDS = 60.0
_POLL_SECONDS = 0.1


@click.command(help="Create a workspace below the current one.")
@click.argument("name")
@click.option("--type", "type_text", default="", help="Workspace type, as [path:]name.")
@click.option("--enter", "go", is_flag=True, help="Go to the new workspace.")
@click.option("--ignore-existing", is_flag=True, help="Be content with a workspace of that name and type.")
@click.option("--create-context", default="", help="Also make a kubeconfig context of this name for it.")
@connection_options
@command_body
async def create(
    connection: ConnectionFlags, name: str, type_text: str, go: bool, ignore_existing: bool, create_context: str
) -> None:
    """Create, wait for phase Ready, and go there if asked."""
    from headwater.apis.tenancy.v1alpha1.workspace import WORKSPACE
    from headwater.machinery.errors import AlreadyExists

    contexts = Contexts.open(connection)
    wanted = _type(type_text)
    if ignore_existing and wanted and not wanted.get("path", "").startswith("root"):
        raise CommandFailed("--ignore-existing must not be used with non-absolute type path")
    async with Session.open(connection) as session:
        workspaces = session.client.resource(WORKSPACE.gvr)
        spec: Object = {"type": wanted} if wanted else {}
        try:
            found = await workspaces.create(
                {"apiVersion": WORKSPACE.api_version, "kind": WORKSPACE.kind, "metadata": {"name": name}, "spec": spec}
            )
            text = "created"
        except AlreadyExists:
            if not ignore_existing:
                raise
            found = await workspaces.get(name)
            if wanted and (found["spec"].get("type") or {}) != wanted:
                raise CommandFailed(
                    f'workspace "{name}" cannot be created with type {type_text}, it exists with another'
                ) from None
            text = "already exists"
        kind = found["spec"].get("type") or {}
        click.echo(f'Workspace "{name}" (type {kind.get("path", "")}:{kind.get("name", "")}) {text}.')
        await _wait_ready(workspaces, name)
        path = f"{session.workspace}:{name}"
        if create_context:
            contexts.add(create_context, path)
            click.echo(f'Context "{create_context}" created.')
        if go:
            path, shown = await enter(session, path)
            contexts.go(path)
            click.echo(f"Current workspace is '{path}'{shown}.")


def _type(text: str) -> dict[str, str]:
    if not text:
        return {}
    path, name = split(text.lstrip(":").lower())
    return {"name": name, "path": path} if path else {"name": name}


async def _wait_ready(workspaces: ResourceClient, name: str) -> None:
    phase = ""
    try:
        async with asyncio.timeout(_READY_SECONDS):
            while True:
                found = await workspaces.get(name)
                phase = (found.get("status") or {}).get("phase", "")
                if phase == "Ready":
                    return
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError as error:
        raise CommandFailed(
            f'workspace "{name}" is not ready after {_READY_SECONDS:.0f} s, but {phase or "new"}'
        ) from error
