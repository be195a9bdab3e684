"""Hand what an earlier SyncTarget of the same name left on a pcluster to the one that has taken its place."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headwater.cli.completing import sync_targets
from headwater.cli.failure import CommandFailed, command_body
from headwater.cli.session import ConnectionFlags, Session, connection_options

if TYPE_CHECKING:
    from headwater.cli.synctarget.adopting import Orphan
    from headwater.client.dynamic import Client
    from headwater.client.resource import ResourceClient
    from headwater.machinery.gvk import GroupVersionResource
    from headwater.machinery.objects import Object
    from headwater.syncer.identity import TargetIdentity

_HELD = "namespaces of an earlier SyncTarget were adopted, and what is not placed here any more would go"


@click.command(
    help="Take over what a SyncTarget of the same name, deleted since, left running on a pcluster, so that the new "
    "one's syncer goes on with it in place of making it anew. Run it after `create` and before the syncer's manifests "
    "are applied. It uses your own kubeconfig for the pcluster, only shows what it would do unless --yes is given, and "
    "deletes nothing; the syncer, when it comes, holds all deletions until you allow them."
)
@click.argument("name", metavar="SYNC-TARGET", shell_complete=sync_targets)
@click.option("--pcluster-kubeconfig", type=click.Path(path_type=Path), help="Kubeconfig file for the pcluster.")
@click.option("--pcluster-context", default="", help="Context for the pcluster, of that file or of KUBECONFIG.")
@click.option("--yes", is_flag=True, help="Do it.")
@connection_options
@command_body
async def adopt(
    connection: ConnectionFlags, name: str, pcluster_kubeconfig: Path | None, pcluster_context: str, yes: bool
) -> None:
    """Show, or do it."""
    from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
    from headwater.cli.output import table
    from headwater.cli.synctarget.adopting import shown
    from headwater.client.dynamic import ClusterClient
    from headwater.client.kubeconfig import load, load_file
    from headwater.client.transport import NetworkTransport
    from headwater.machinery.objects import cluster_name, nested, uid
    from headwater.syncer.identity import TargetIdentity

    if pcluster_kubeconfig is None and not pcluster_context:
        raise CommandFailed("name the pcluster by --pcluster-kubeconfig or --pcluster-context")
    config = load_file(pcluster_kubeconfig) if pcluster_kubeconfig else load()
    below = ClusterClient(NetworkTransport(config.settings(pcluster_context)), user_agent="headwater-cli")
    try:
        async with Session.open(connection) as session:
            targets = session.client.resource(SYNC_TARGETS)
            target = await targets.get(name)
            if nested(target, "status", "lastSyncerHeartbeatTime"):
                raise CommandFailed(
                    f"the syncer of SyncTarget {name} has been at work: adopting is for a SyncTarget that is new"
                )
            identity = TargetIdentity(cluster_name(target), name, uid(target))
            client = below.cluster("")
            resources, found = await _orphans(client, identity)
            if not found:
                click.echo(f"Nothing on the pcluster is of an earlier SyncTarget {name}.")
                return
            click.echo(table(["WHAT", "OF", "COPIES", "THEN"], shown(found)))
            chosen = [each for each in found if not each.hindrance]
            if not yes:
                click.echo("\nNothing was changed; --yes does it.")
            elif chosen:
                await _hold_deletions(targets, target)
                for each in chosen:
                    await _adopt(client.resource(resources[each.resource]), each, identity)
                click.echo(_next(name, len(chosen)))
    finally:
        await below.close()


async def _orphans(client: Client, identity: TargetIdentity) -> tuple[dict[str, GroupVersionResource], list[Orphan]]:
    """What is left there, and the resources by name that it is of. Only metadata is read."""
    from headwater.cli.synctarget.adopting import NAMESPACES, is_copy, orphans
    from headwater.client.discovery import discover
    from headwater.machinery.gvk import GroupVersionResource
    from headwater.machinery.objects import namespace

    served = await discover(client)
    if served.failed:
        raise CommandFailed(f"the pcluster does not tell all that it serves: {', '.join(map(str, served.failed))}")
    copies: Counter[str] = Counter()
    scoped: dict[str, list[Object]] = {}
    resources = {NAMESPACES: GroupVersionResource("", "v1", NAMESPACES)}
    for each in served.preferred():
        if each.gvr == resources[NAMESPACES] or not each.supports("list", "patch"):
            continue
        objects, _ = await client.resource(each.gvr).list_all(
            label_selector=identity.downstream_selector, metadata_only=True
        )
        ours = [obj for obj in objects if is_copy(obj, identity.key)]
        if each.namespaced:
            copies.update(namespace(obj) for obj in ours)
        elif ours:
            label = str(each.gvr.group_resource)
            resources[label], scoped[label] = each.gvr, ours
    spaces, _ = await client.resource(resources[NAMESPACES]).list_all(
        label_selector=identity.downstream_selector, metadata_only=True
    )
    return resources, orphans(identity, spaces, scoped, copies)


async def _hold_deletions(targets: ResourceClient, target: Object) -> None:
    """Have the syncer begin with its deletions held, as what is adopted may be placed elsewhere by now."""
    from datetime import UTC, datetime

    from headwater.apis.sync.v1alpha1.synctarget import CONDITION_DELETIONS_ALLOWED, REASON_DELETIONS_HELD
    from headwater.machinery.conditions import ERROR, conditions, mark_false
    from headwater.machinery.objects import deep_copy, name, resource_version, uid

    held = deep_copy(target)
    mark_false(held, CONDITION_DELETIONS_ALLOWED, REASON_DELETIONS_HELD, ERROR, _HELD, datetime.now(UTC))
    meta = {"uid": uid(target), "resourceVersion": resource_version(target)}
    await targets.patch_status(name(target), {"metadata": meta, "status": {"conditions": list(conditions(held))}})


async def _adopt(client: ResourceClient, orphan: Orphan, identity: TargetIdentity) -> None:
    """One of them. Raises Conflict when it changed since it was looked at."""
    from headwater.cli.synctarget.adopting import adoption
    from headwater.machinery.objects import name

    await client.patch(name(orphan.obj), adoption(orphan, identity), field_manager="headwater")
    click.echo(f"{orphan.resource}/{name(orphan.obj)} adopted")


def _next(name: str, count: int) -> str:
    from headwater.apis.sync.v1alpha1.synctarget import ALLOW_DELETIONS_ANNOTATION

    return (
        f"\n{count} adopted. Apply the syncer's manifests now. It deletes nothing until you have seen that all is "
        f"placed as it should be, and said so:\n  kubectl annotate synctarget {name} {ALLOW_DELETIONS_ANNOTATION}=true"
    )
