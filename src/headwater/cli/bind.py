"""Bind compute: APIs of pclusters, and a Placement that says where workloads run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.failure import CommandFailed, command_body
from headwater.cli.output import progress
from headwater.cli.session import ConnectionFlags, Session, connection_options

if TYPE_CHECKING:
    from headwater.client.dynamic import Client
    from headwater.client.resource import ResourceClient
    from headwater.machinery.objects import Object

_POLL_SECONDS = 0.1
_MAX_NAME_LENGTH = 253


@click.group(help="Bind APIs and places to run into a workspace.")
def bind() -> None:
    """Group of bind commands."""


@bind.command(help="Bind the compute APIs, and place workloads on the locations of a workspace.")
@click.argument("location_workspace")
@click.option("--apiexports", multiple=True, default=("root:compute:kubernetes",), show_default=True,
              help="APIExport to bind, as <workspace path>:<name>; may be repeated.")  # fmt: skip
@click.option("--namespace-selector", default="", help="Namespaces to place, as a label selector; all by default.")
@click.option("--location-selector", "--location-selectors", default="", help="Locations to use, as a label selector.")
@click.option(
    "--min-targets", type=click.IntRange(1, 64), default=1, show_default=True, help="Fewest pclusters to use."
)
@click.option("--max-targets", type=click.IntRange(1, 64), default=1, show_default=True, help="Most pclusters to use.")
@click.option("--name", default="", help="Name of the Placement; derived from the selectors by default.")
@click.option("--timeout", type=float, default=30.0, show_default=True, help="Seconds to wait for each step.")
@connection_options
@command_body
async def compute(
    connection: ConnectionFlags,
    location_workspace: str,
    apiexports: tuple[str, ...],
    namespace_selector: str,
    location_selector: str,
    min_targets: int,
    max_targets: int,
    name: str,
    timeout: float,  # noqa: ASYNC109 - a flag of the command, under kcp's name
) -> None:
    """Create bindings and Placement where they are missing, and wait until workloads can be scheduled."""
    from headwater.apis.placement.v1alpha1.placement import PLACEMENT, PLACEMENTS
    from headwater.base.hashing import base36_sha224
    from headwater.machinery.errors import AlreadyExists

    if min_targets > max_targets:
        raise CommandFailed("--min-targets must not be greater than --max-targets")
    identity = f"{namespace_selector}{location_selector}{location_workspace}"
    placement_name = name or f"placement-{base36_sha224(identity)[:8]}"
    placement: Object = {
        "apiVersion": PLACEMENT.api_version,
        "kind": PLACEMENT.kind,
        "metadata": {"name": placement_name},
        "spec": {
            "namespaceSelector": _selector(namespace_selector, "namespace selector"),
            "locationSelector": _selector(location_selector, "location selector"),
            "locationWorkspace": location_workspace,
            "targets": {"min": min_targets, "max": max_targets},
        },
    }
    async with Session.open(connection) as session:
        await _bind_exports(session.client, [text for each in apiexports for text in each.split(",") if text], timeout)
        placements = session.client.resource(PLACEMENTS)
        try:
            await placements.create(placement)
            click.echo(f"placement {placement_name} created.")
        except AlreadyExists:
            click.echo(f"placement {placement_name} already exists.")
        for kind in ("Scheduled", "Ready"):
            await _wait(placements, placement_name, partial(_condition_problem, kind), timeout)
        progress(f'Placement "{placement_name}" is ready.')


def _selector(text: str, what: str) -> Object:
    """A LabelSelector from its text form. Raises CommandFailed for text that is none."""
    from headwater.machinery.labels import label_selector_of, parse_selector

    try:
        return label_selector_of(parse_selector(text))
    except ValueError as error:
        raise CommandFailed(f"{what} format not correct: {error}") from error


async def _bind_exports(client: Client, exports: list[str], seconds: float) -> None:
    from headwater.apis.apis.v1alpha2.apibinding import API_BINDING
    from headwater.base.hashing import base36_sha224
    from headwater.machinery.errors import AlreadyExists
    from headwater.machinery.objects import nested

    bindings = client.resource(API_BINDING.gvr)
    existing, _ = await bindings.list_all()
    bound = {
        f"{nested(each, 'spec', 'reference', 'export', 'path', default='')}:"
        f"{nested(each, 'spec', 'reference', 'export', 'name', default='')}"
        for each in existing
    }
    for export in exports:
        path, _, export_name = export.rpartition(":")
        if not export_name or not path:
            raise CommandFailed(f"APIExport {export!r} is not in the format of <workspace path>:<name>")
        if export in bound:
            continue
        name = f"{export_name[: _MAX_NAME_LENGTH - 9]}-{base36_sha224('/clusters/' + path)[:8]}"
        progress(f'Binding APIExport "{export}".')
        binding: Object = {
            "apiVersion": API_BINDING.api_version,
            "kind": API_BINDING.kind,
            "metadata": {"name": name},
            "spec": {"reference": {"export": {"path": path, "name": export_name}}},
        }
        try:
            await bindings.create(binding)
        except AlreadyExists:
            pass
        await _wait(bindings, name, partial(_binding_problem, export), seconds)


def _binding_problem(export: str, binding: dict[str, Any]) -> str:
    if (binding.get("status") or {}).get("phase") == "Bound":
        return ""
    conditions = (binding.get("status") or {}).get("conditions") or ()
    why = next((each["message"] for each in conditions if each.get("status") == "False" and each.get("message")), "")
    name = binding["metadata"]["name"]
    return (
        f'APIBindings not ready: APIBinding {name} is not bound to APIExport "{export}" yet: {why or "unknown reason"}'
    )


def _condition_problem(kind: str, placement: dict[str, Any]) -> str:
    from headwater.machinery.conditions import get_condition

    condition = get_condition(placement, kind) or {}
    if condition.get("status") == "True":
        return ""
    what = "placement is not scheduled" if kind == "Scheduled" else "placement is not ready"
    why = f": {condition['message']}" if condition.get("message") else ""
    return f'placement "{placement["metadata"]["name"]}" not ready: {what}{why}'


async def _wait(resource: ResourceClient, name: str, problem: Callable[[dict[str, Any]], str], seconds: float) -> None:
    """Wait until an object has no problem any more. Raises CommandFailed with the last one."""
    last = "no answer"
    try:
        async with asyncio.timeout(seconds):
            while True:
                last = problem(await resource.get(name))
                if not last:
                    return
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError as error:
        raise CommandFailed(last) from error
