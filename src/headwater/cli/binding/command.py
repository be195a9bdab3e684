"""The bind commands."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.failure import CommandFailed, command_body
from headwater.cli.output import progress
from headwater.cli.session import ConnectionFlags, Session, connection_options
from headwater.cli.waiting import Seconds

if TYPE_CHECKING:
    from headwater.client.resource import ResourceClient
    from headwater.machinery.objects import Object


@click.group(help="Bind APIs and places to run into a workspace.")
def bind() -> None:
    """Group of bind commands."""


@bind.command(
    help="Bind the compute APIs, and place workloads on the locations of a workspace. "
    "To do it again changes nothing; to change the Placement that is there takes --overwrite."
)
@click.argument("location_workspace")
@click.option(
    "--apiexports",
    multiple=True,
    default=("root:compute:kubernetes",),
    show_default=True,
    help="APIExport to bind, as <workspace path>:<name>; may be repeated.",
)
@click.option("--namespace-selector", default="", help="Namespaces to place, as a label selector; all by default.")
@click.option("--workload-selector", default="", help="Workloads to place in them, as a label selector.")
@click.option(
    "--location-selector",
    "location_selectors",
    multiple=True,
    help="Locations to use, as a label selector; may be repeated for those that match any.",
)
@click.option(
    "--location-selectors",
    "location_lists",
    multiple=True,
    help="The same as kcp has it: a list in which a comma separates selectors.",
)
@click.option("--sync-target-selector", default="", help="SyncTargets to use of these locations, as a label selector.")
@click.option(
    "--min-targets", type=click.IntRange(1, 64), default=1, show_default=True, help="Fewest pclusters to use."
)
@click.option(
    "--max-targets",
    type=click.IntRange(1, 64),
    default=None,
    help="Most pclusters to use; as many as the fewest by default.",
)
@click.option(
    "--spread",
    multiple=True,
    metavar="FEATURE",
    help="Keep pclusters even over cell, location or label:KEY, with =N up to a difference of N; may be repeated.",
)
@click.option(
    "--replicas-mode",
    "mode",
    type=click.Choice(["Duplicated", "Divided"], case_sensitive=False),
    default="Duplicated",
    show_default=True,
    help="Run all replicas on each pcluster, or share them out.",
)
@click.option(
    "--divide-by",
    type=click.Choice(["Weights", "FreeCapacity"], case_sensitive=False),
    default="Weights",
    show_default=True,
    help="How divided replicas are shared out.",
)
@click.option(
    "--weights", multiple=True, metavar="NAME=N,...", help="Shares of divided replicas by SyncTarget; equal by default."
)
@click.option(
    "--tolerations",
    multiple=True,
    metavar="TAINT",
    help="Taint to tolerate, as KEY[=VALUE][:EFFECT], with :SECONDS after NoExecute; may be repeated.",
)
@click.option("--name", default="", help="Name of the Placement; derived from the selectors by default.")
@click.option("--overwrite", is_flag=True, help="Change a Placement of that name that asks for something else.")
@click.option("--dry-run", is_flag=True, help="Print the Placement, and bind nothing; for `plan apply -f -`.")
@click.option("--timeout", type=Seconds(), default="30s", show_default=True, help="How long to wait for each step.")
@connection_options
@command_body
async def compute(
    connection: ConnectionFlags,
    apiexports: tuple[str, ...],
    name: str,
    overwrite: bool,
    dry_run: bool,
    timeout: float,  # noqa: ASYNC109 - a flag of the command, under kcp's name
    **asked: Any,
) -> None:
    """Create bindings and Placement where they are missing, and wait until workloads can be scheduled."""
    from headwater.apis.placement.v1alpha1.placement import PLACEMENTS
    from headwater.base import yamlio
    from headwater.cli.binding.exports import bind_exports, check_exports
    from headwater.cli.binding.waiting import condition_problem, wait

    placement = _placement(name, asked)
    if dry_run:
        click.echo(yamlio.dump(placement), nl=False)
        return
    async with Session.open(connection) as session:
        exports = [text for each in apiexports for text in each.split(",") if text]
        await check_exports(session.cluster_client, exports)
        await bind_exports(session.client, exports, timeout)
        placements = session.client.resource(PLACEMENTS)
        await _ensure(placements, placement, overwrite)
        for kind in ("Scheduled", "Ready"):
            await wait(placements, placement["metadata"]["name"], partial(condition_problem, kind), timeout)
        progress(f'Placement "{placement["metadata"]["name"]}" is ready.')


def _placement(name: str, asked: dict[str, Any]) -> Object:
    """The Placement that the flags ask for. Raises CommandFailed."""
    from headwater.apis.placement.v1alpha1.placement import PLACEMENT
    from headwater.cli.binding.spec import ComputeFlags, placement_spec, split_selectors

    lists = asked.pop("location_lists")
    try:
        flags = ComputeFlags(
            location_workspace=asked["location_workspace"],
            namespace_selector=asked["namespace_selector"],
            location_selectors=(
                *asked["location_selectors"],
                *(part for text in lists for part in split_selectors(text)),
            ),
            sync_target_selector=asked["sync_target_selector"],
            workload_selector=asked["workload_selector"],
            minimum=asked["min_targets"],
            maximum=asked["max_targets"],
            spread=asked["spread"],
            mode=asked["mode"].lower(),
            divide_by=asked["divide_by"].lower(),
            weights=asked["weights"],
            tolerations=asked["tolerations"],
        )
        spec = placement_spec(flags)
    except ValueError as error:
        raise CommandFailed(str(error)) from error
    return {
        "apiVersion": PLACEMENT.api_version,
        "kind": PLACEMENT.kind,
        "metadata": {"name": name or flags.placement_name()},
        "spec": spec,
    }


async def _ensure(placements: ResourceClient, wanted: Object, overwrite: bool) -> None:
    """Create the Placement, or see to it that the one that is there says the same. Raises CommandFailed."""
    from headwater.cli.binding.spec import differing_fields
    from headwater.machinery.errors import AlreadyExists

    name = wanted["metadata"]["name"]
    try:
        await placements.create(wanted)
    except AlreadyExists:
        pass
    else:
        click.echo(f"placement {name} created.")
        return
    existing = await placements.get(name)
    differing = differing_fields(existing.get("spec") or {}, wanted["spec"])
    if not differing:
        click.echo(f"placement {name} already exists.")
        return
    if not overwrite:
        raise CommandFailed(
            f"placement {name} already exists and differs in {', '.join(differing)}. "
            "Change it with --overwrite, which may move workloads, or choose another --name."
        )
    kept = {field: value for field, value in (existing.get("spec") or {}).items() if field not in differing}
    changed = {field: value for field, value in wanted["spec"].items() if field in differing}
    await placements.update({**existing, "spec": {**kept, **changed}}, field_manager="headwater-cli")
    click.echo(f"placement {name} changed: {', '.join(differing)}.")
