"""Put taints on SyncTargets and take them off, as `kubectl taint` does with nodes."""

from __future__ import annotations

from typing import Any

import click

from headwater.cli.completing import sync_targets
from headwater.cli.failure import CommandFailed, command_body
from headwater.cli.session import ConnectionFlags, Session, connection_options
from headwater.cli.synctarget.choosing import (
    Choice,
    DryRunCommand,
    change_spec,
    done,
    dry_run_option,
    for_each,
    selection_options,
)


@click.command(
    cls=DryRunCommand,
    help="Keep workloads off pclusters, or move them away, unless their Placement tolerates it. "
    "KEY=VALUE:EFFECT or KEY:EFFECT adds a taint, a trailing dash removes it: KEY:EFFECT- or KEY-. "
    "NoSchedule keeps new workloads off; NoExecute also moves away those that run there.",
)
@click.argument("names", metavar="SYNC-TARGET... TAINT...", nargs=-1, shell_complete=sync_targets)
@click.option("--overwrite", is_flag=True, help="Replace taints of the same key and effect.")
@selection_options
@dry_run_option
@connection_options
@command_body
async def taint(connection: ConnectionFlags, choice: Choice, overwrite: bool, dry_run: str) -> None:
    """Change `spec.taints`."""
    from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
    from headwater.cli.synctarget.taints import apply_taints, parse_taints, split_arguments

    try:
        names, texts = split_arguments(choice.names)
        wanted = parse_taints(texts, overwrite=overwrite)
    except ValueError as error:
        raise CommandFailed(str(error)) from error
    async with Session.open(connection) as session:
        targets = session.client.resource(SYNC_TARGETS)

        async def change(name: str) -> None:
            word = ""

            def new_taints(spec: dict[str, Any]) -> dict[str, Any]:
                nonlocal word
                word, taints = apply_taints(name, spec.get("taints") or (), wanted)
                return {"taints": taints}

            try:
                await change_spec(targets, name, new_taints, dry_run=dry_run)
            except ValueError as error:
                raise CommandFailed(str(error)) from error
            click.echo(done(f"{name} {word}", dry_run))

        await for_each(await Choice(tuple(names), choice.selector, choice.everything).resolve(targets), change)
