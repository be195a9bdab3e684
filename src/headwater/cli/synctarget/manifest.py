"""Write the manifests of a registered pcluster's syncer again, as they have to be now."""

from __future__ import annotations

from pathlib import Path

import click

from headwater.base.version import VERSION
from headwater.cli.completing import sync_targets
from headwater.cli.failure import CommandFailed, command_body
from headwater.cli.session import ConnectionFlags, Session, connection_options
from headwater.cli.tenantflags import TenantFlags, tenant_options


@click.command(
    help="Write the manifests of a syncer again, with rights on exactly the resources that its SyncTarget takes now. "
    "They have no Secrets in them: applying them leaves the syncer's credentials as they are."
)
@click.argument("name", metavar="SYNC-TARGET", shell_complete=sync_targets)
@click.option("--role", is_flag=True, help="Only the ClusterRole, which is all that changes with the resources.")
@click.option("-o", "--output-file", default="-", show_default=True, help="Where to write them; - for stdout.")
@click.option("-n", "--namespace", default="", help="Namespace of the syncer on the pcluster, as it was created with.")
@click.option("--syncer-image", default=f"headwater:{VERSION}", show_default=True, help="Image of the syncer.")
@click.option("--replicas", type=click.IntRange(0, 5), default=1, show_default=True,
              help="Replicas of the syncer, of which one leads.")  # fmt: skip
@tenant_options
@connection_options
@command_body
async def manifest(
    connection: ConnectionFlags,
    name: str,
    role: bool,
    output_file: str,
    namespace: str,
    syncer_image: str,
    replicas: int,
    tenants: TenantFlags,
) -> None:
    """Read the SyncTarget; nothing changes in the workspace."""
    from headwater.apis.sync.v1alpha1.credentials import CREDENTIALS_ANNOTATION
    from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
    from headwater.apis.workload.labels import syncer_id
    from headwater.base import yamlio
    from headwater.cli.synctarget.manifests import SyncerPlan, role_lets_tunnel, renewed_objects
    from headwater.cli.synctarget.rights import resources_of
    from headwater.machinery.errors import Forbidden, NotFound
    from headwater.machinery.gvk import GroupVersionResource
    from headwater.machinery.objects import annotations, cluster_name, uid

    async with Session.open(connection) as session:
        try:
            target = await session.client.resource(SYNC_TARGETS).get(name)
        except NotFound as error:
            raise CommandFailed(f"SyncTarget {name} does not exist; register it with sync-target create") from error
        identity = syncer_id(name, uid(target))
        roles = session.client.resource(GroupVersionResource("rbac.authorization.k8s.io", "v1", "clusterroles"))
        try:
            tunnel = role_lets_tunnel(await roles.get(identity))
        except (Forbidden, NotFound):
            tunnel = True  # As `create` has it by default.
    plan = SyncerPlan(
        syncer_id=identity,
        sync_target_name=name,
        sync_target_uid=uid(target),
        cluster=cluster_name(target),
        upstream_url="",
        ca_data=b"",
        token="",
        namespace=namespace or identity,
        image=syncer_image,
        replicas=replicas,
        resources=resources_of(target),
        tunnel=tunnel,
        # Registered with a bootstrap token, it keeps what it got for that in a Secret of its own.
        keeps_credentials=CREDENTIALS_ANNOTATION in annotations(target),
        tenants=tenants,
    )
    text = yamlio.dump_all(renewed_objects(plan, only_role=role))
    if output_file == "-":
        click.echo(text, nl=False)
        return
    try:
        Path(output_file).write_text(text)
    except OSError as error:
        raise CommandFailed(f"can't write {output_file}: {error.strerror or error}") from error
