"""Bootstrap tokens for syncers, and the end of their credentials."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.completing import sync_targets
from headwater.cli.failure import CommandFailed, command_body
from headwater.cli.output import progress
from headwater.cli.session import ConnectionFlags, Session, connection_options
from headwater.cli.synctarget.flags import namespace_name

if TYPE_CHECKING:
    from headwater.client.interface import RawResponse
    from headwater.machinery.objects import Object


DEFAULT_KCP_NAMESPACE = "default"
"""Where a syncer's service account is in the workspace."""


def token_lifetime_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --token-lifetime; the command gets it as `token_seconds`."""
    return click.option(
        "--token-lifetime", "token_seconds", type=click.IntRange(60, 86_400), default=3600, show_default=True,
        help="Seconds in which the bootstrap token has to be used; it counts once.",
    )(command)  # fmt: skip


async def bootstrap_token(session: Session, target: Object, seconds: int) -> str:
    """A bootstrap token for the syncer of a SyncTarget. Raises StatusError."""
    from headwater.client.answers import decode_object

    made = decode_object(await _ask(session, target, "bootstrap", {"expirationSeconds": seconds}))
    token = (made.get("status") or {}).get("token")
    if not isinstance(token, str) or not token:
        raise CommandFailed("the control plane answered without a bootstrap token")
    return token


async def _ask(session: Session, target: Object, action: str, body: Object) -> RawResponse:
    from headwater.apis.sync.v1alpha1.credentials import CREDENTIALS_SERVICE
    from headwater.apis.sync.v1alpha1.identity import identity_of_target
    from headwater.base import jsonio

    identity = identity_of_target(target)
    path = f"/services/{CREDENTIALS_SERVICE}/{identity.cluster}/{identity.name}/{identity.uid}/{action}"
    return await session.cluster_client.cluster("").raw("POST", path, body=jsonio.dumps(body))


def check_destinations(output_file: str, syncer_kubeconfig: Path | None) -> None:
    """Raise CommandFailed for what could not be written, before anything is made that it would tell of."""
    for path in (None if output_file == "-" else Path(output_file), syncer_kubeconfig):
        if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
            why = "it is a directory" if path.is_dir() else f"there is no directory {path.parent}"
            raise CommandFailed(f"can't write {path}: {why}")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    try:
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text(text)
    except OSError as error:
        raise CommandFailed(f"can't write {path}: {error.strerror or error}") from error


@click.command(
    help="Give the syncer of a pcluster a new bootstrap token, as the Secret to apply there. "
    "A running syncer takes it up within a minute or two; what it has stays valid."
)
@click.argument("name", metavar="SYNC-TARGET", shell_complete=sync_targets)
@click.option("-o", "--output-file", required=True, help="Where to write the Secret for the pcluster; - for stdout.")
@click.option(
    "--syncer-kubeconfig", type=click.Path(path_type=Path), help="Also write the syncer's own kubeconfig here."
)
@click.option("-n", "--namespace", default="", callback=namespace_name,
              help="Namespace of the syncer; the one that it was registered with.")  # fmt: skip
@token_lifetime_option
@connection_options
@command_body
async def token(
    connection: ConnectionFlags,
    name: str,
    output_file: str,
    syncer_kubeconfig: Path | None,
    namespace: str,
    token_seconds: int,
) -> None:
    """Write what changes in the manifests of `create`."""
    from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
    from headwater.apis.workload.labels import syncer_id
    from headwater.base import yamlio
    from headwater.cli.synctarget.choices import remembered
    from headwater.cli.synctarget.manifests import SyncerPlan, kubeconfig_secret
    from headwater.cli.synctarget.manifests import syncer_kubeconfig as kubeconfig_of
    from headwater.machinery.objects import cluster_name, uid

    check_destinations(output_file, syncer_kubeconfig)
    async with Session.open(connection) as session:
        target = await session.client.resource(SYNC_TARGETS).get(name)
        identity, cluster = syncer_id(name, uid(target)), cluster_name(target)
        plan = SyncerPlan(
            syncer_id=identity,
            sync_target_name=name,
            sync_target_uid=uid(target),
            cluster=cluster,
            upstream_url=f"{session.base_url}/clusters/{cluster}",
            ca_data=session.settings.ca_data,
            token=await bootstrap_token(session, target, token_seconds),
            namespace=namespace or remembered(target).namespace or identity,
            image="",
            replicas=0,
            resources=(),
        )
    if syncer_kubeconfig is not None:
        write_private(syncer_kubeconfig, yamlio.dump(kubeconfig_of(plan)))
    manifest = yamlio.dump(kubeconfig_secret(plan))
    if output_file == "-":
        click.echo(manifest, nl=False)
        return
    write_private(Path(output_file), manifest)
    progress(
        f"Wrote Secret {identity} to {output_file}. Use\n\n"
        f'  KUBECONFIG=<pcluster-config> kubectl apply -f "{output_file}"\n\nwithin {token_seconds} seconds.'
    )


@click.command(
    help="Void all credentials and bootstrap tokens that the syncer of a pcluster was given until now, at once. "
    "Workloads on the pcluster stay. A service account of the syncer is deleted."
)
@click.argument("name", metavar="SYNC-TARGET", shell_complete=sync_targets)
@click.option("--kcp-namespace", default="", callback=namespace_name,
              help="Namespace of its service account; the one that it was registered with.")  # fmt: skip
@connection_options
@command_body
async def revoke(connection: ConnectionFlags, name: str, kcp_namespace: str) -> None:
    """Revoke what the control plane issued, and what `create --service-account` made."""
    from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
    from headwater.apis.workload.labels import syncer_id
    from headwater.cli.synctarget.choices import remembered
    from headwater.client.answers import decode_object
    from headwater.machinery.errors import NotFound
    from headwater.machinery.gvk import GroupVersionResource
    from headwater.machinery.objects import uid

    async with Session.open(connection) as session:
        target = await session.client.resource(SYNC_TARGETS).get(name)
        decode_object(await _ask(session, target, "revoke", {}))
        space = kcp_namespace or remembered(target).kcp_namespace or DEFAULT_KCP_NAMESPACE
        accounts = session.client.resource(GroupVersionResource("", "v1", "serviceaccounts"), space)
        try:
            await accounts.delete(syncer_id(name, uid(target)))
        except NotFound:
            pass
    click.echo(f"{name} revoked")
