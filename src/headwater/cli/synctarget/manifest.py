"""Write the manifests of a registered pcluster's syncer again, as they have to be now."""

from __future__ import annotations

from pathlib import Path

import click

from headwater.cli.completing import sync_targets
from headwater.cli.failure import CommandFailed, command_body
from headwater.cli.session import ConnectionFlags, Session, connection_options
from headwater.cli.synctarget.syncerflags import syncer_options
from headwater.cli.tenantflags import TenantFlags, tenant_options


@click.command(
    help="Write the manifests of a syncer again, with rights on exactly the resources that its SyncTarget takes now. "
    "They are as `create` wrote them: the SyncTarget remembers the flags. One that is given here changes what it "
    "remembers. They have no Secrets in them: applying them leaves the syncer's credentials as they are."
)
@click.argument("name", metavar="SYNC-TARGET", shell_complete=sync_targets)
@click.option("--role", is_flag=True, help="Only the ClusterRole, which is all that changes with the resources.")
@click.option("-o", "--output-file", default="-", show_default=True, help="Where to write them; - for stdout.")
@syncer_options
@tenant_options
@connection_options
@command_body
async def manifest(
    connection: ConnectionFlags,
    name: str,
    role: bool,
    output_file: str,
    namespace: str | None,
    syncer_image: str | None,
    replicas: int | None,
    tenants: TenantFlags,
) -> None:
    """Read the SyncTarget, and have it remember what is new; else nothing changes in the workspace."""
    from headwater.apis.sync.v1alpha1.credentials import CREDENTIALS_ANNOTATION
    from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
    from headwater.apis.workload.labels import syncer_id
    from headwater.base import yamlio
    from headwater.cli.synctarget.choices import SyncerChoices, may_tunnel, remember, remembered
    from headwater.cli.synctarget.manifests import SyncerPlan, renewed_objects
    from headwater.cli.synctarget.rights import resources_of
    from headwater.cli.synctarget.syncerflags import image_of, replicas_of
    from headwater.machinery.errors import NotFound
    from headwater.machinery.objects import annotations, cluster_name, uid

    given = SyncerChoices(tenants=tenants, namespace=namespace, image=syncer_image, replicas=replicas)
    async with Session.open(connection) as session:
        try:
            target = await session.client.resource(SYNC_TARGETS).get(name)
        except NotFound as error:
            raise CommandFailed(f"SyncTarget {name} does not exist; register it with sync-target create") from error
        identity = syncer_id(name, uid(target))
        choices = given.over(remembered(target))
        tunnel = await may_tunnel(session.client, identity)
        await remember(session.client, target, choices)
    plan = SyncerPlan(
        syncer_id=identity,
        sync_target_name=name,
        sync_target_uid=uid(target),
        cluster=cluster_name(target),
        upstream_url="",
        ca_data=b"",
        token="",
        namespace=choices.namespace or identity,
        image=image_of(choices),
        replicas=replicas_of(choices),
        resources=resources_of(target),
        tunnel=tunnel,
        # Registered with a bootstrap token, it keeps what it got for that in a Secret of its own.
        keeps_credentials=CREDENTIALS_ANNOTATION in annotations(target),
        tenants=choices.tenants,
    )
    text = yamlio.dump_all(renewed_objects(plan, only_role=role))
    if output_file == "-":
        click.echo(text, nl=False)
        return
    try:
        Path(output_file).write_text(text)
    except OSError as error:
        raise CommandFailed(f"can't write {output_file}: {error.strerror or error}") from error
