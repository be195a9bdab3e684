"""The explain command."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from headwater.cli.completing import workloads
from headwater.cli.failure import CommandFailed, command_body, describe
from headwater.cli.session import ConnectionFlags, Session, connection_options

if TYPE_CHECKING:
    from headwater.cli.naming import ObjectName
    from headwater.client.discovery import Discovery, ServedResource
    from headwater.machinery.objects import Object

FORMATS = ("wide", "json", "yaml")
_NOT_SERVED = "the server could not find the requested resource"
_PLACEMENTS = ("placement.kcp.io", "placements")


@click.command(
    help="Say why a workload runs where it does: for every pcluster why or why not, what would admit it, since when, "
    "and what was decided before. TYPE is what kubectl takes: deployment, deploy, deployments.apps. "
    "For a Placement, say where each of its workloads runs."
)
@click.argument("names", metavar="(TYPE/NAME | TYPE NAME)...", nargs=-1, shell_complete=workloads)
@click.option("-n", "--namespace", default="", help="Namespace of the workload; that of the context by default.")
@click.option("-o", "--output", type=click.Choice(FORMATS), default=None, help="Output format.")
@connection_options
@command_body
async def explain(connection: ConnectionFlags, names: tuple[str, ...], namespace: str, output: str | None) -> None:
    """Print explanations; one that says that nothing runs is no failure."""
    from headwater.cli.naming import parse_names, resolve_type
    from headwater.client.discovery import discover
    from headwater.machinery.errors import StatusError

    wanted = parse_names(names)
    async with Session.open(connection) as session:
        discovery = await discover(session.client)
        space = namespace or session.namespace
        found: list[Object] = []
        failures: list[str] = []
        for each in wanted:
            try:
                resource = resolve_type(each.type, discovery)
                if (resource.gvr.group, resource.gvr.resource) == _PLACEMENTS:
                    await _placement(session, discovery, each.name, output)
                    continue
                found.append(await _explanation(session, resource, each, space))
            except (CommandFailed, StatusError) as error:
                failures.append(describe(error))
    if output is None or output == "wide":
        from headwater.cli.explain.view import explanation_text

        texts = [explanation_text(each, datetime.now(UTC), wide=output == "wide") for each in found]
        click.echo("\n\n".join(texts), nl=bool(texts))
    elif found:
        _print(found, output)
    if failures:
        raise CommandFailed("\nError: ".join(failures))


def _print(found: list[Object], output: str) -> None:
    from headwater.base import jsonio, yamlio

    document: Object = found[0] if len(found) == 1 else {"apiVersion": "v1", "kind": "List", "items": found}
    click.echo(jsonio.dumps_pretty(document).decode() if output == "json" else yamlio.dump(document), nl=False)


async def _explanation(session: Session, resource: ServedResource, wanted: ObjectName, namespace: str) -> Object:
    """GET of the explanation. Raises CommandFailed that says what to do next when there is none."""
    from headwater.client.paths import collection_path, object_path
    from headwater.machinery.errors import NotFound

    if not resource.namespaced:
        raise CommandFailed(
            f"{resource.gvr.group_resource} are not workloads: only what runs pods in a namespace is placed"
        )
    path = object_path(collection_path("", resource.gvr, namespace), wanted.name, "explanation")
    try:
        return await session.scheduling.get_json(path)
    except NotFound as error:
        where = f'in namespace "{namespace}" of workspace {session.workspace}'
        try:
            await session.client.resource(resource.gvr, namespace).get(wanted.name)
        except NotFound:
            raise CommandFailed(
                f'{resource.gvr.group_resource} "{wanted.name}" not found {where}. '
                f"See `kubectl get {resource.gvr.resource} -A`, and name another namespace with -n."
            ) from error
        if _NOT_SERVED not in str(error):
            raise CommandFailed(str(error)) from error
        raise CommandFailed(
            "this control plane explains nothing: it runs without virtual workspaces, or is older than this program. "
            "`headwater placements` shows what is known."
        ) from error


async def _placement(session: Session, discovery: Discovery, name: str, output: str | None) -> None:
    """What a Placement decided, and where its workloads run."""
    from headwater.cli.placements.once import show_placement

    await show_placement(session, discovery, name, output)
