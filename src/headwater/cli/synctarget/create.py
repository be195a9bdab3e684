"""Register a pcluster: its SyncTarget, the syncer's rights in the workspace, and the manifests for the pcluster."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headwater.cli.failure import CommandFailed, command_body
from headwater.cli.output import progress
from headwater.cli.session import ConnectionFlags, Session, connection_options
from headwater.cli.synctarget.credentials import (
    DEFAULT_KCP_NAMESPACE,
    bootstrap_token,
    check_destinations,
    token_lifetime_option,
    write_private,
)
from headwater.cli.synctarget.flags import namespace_name
from headwater.cli.synctarget.syncerflags import syncer_options
from headwater.cli.tenantflags import TenantFlags, tenant_options

if TYPE_CHECKING:
    from headwater.cli.synctarget.choices import SyncerChoices
    from headwater.client.dynamic import Client
    from headwater.machinery.objects import Object

_POLL_SECONDS = 0.1
_TOKEN_SECONDS = 20.0
_RESOURCES_SECONDS = 30.0
_MAX_NAME_LENGTH = 233


@dataclass(frozen=True, slots=True)
class Registration:
    """What the SyncTarget should say."""

    name: str
    exports: tuple[tuple[str, str], ...]
    labels: dict[str, str]
    cells: tuple[str, ...]
    choices: SyncerChoices


@click.command(
    help="Register a pcluster and write the manifests of its syncer. The SyncTarget remembers the flags about the "
    "syncer: done again, what is not said stays as it was."
)
@click.argument("name", metavar="SYNC-TARGET")
@click.option("-o", "--output-file", required=True, help="Where to write the manifests for the pcluster; - for stdout.")
@click.option(
    "--syncer-kubeconfig", type=click.Path(path_type=Path), help="Also write the syncer's own kubeconfig here."
)
@click.option("--apiexports", multiple=True, default=("root:compute:kubernetes",), show_default=True,
              help="APIExport to sync, as <workspace path>:<name>; may be repeated.")  # fmt: skip
@click.option("--labels", multiple=True, help="Label of the SyncTarget, as key=value; may be repeated.")
@click.option("--cells", multiple=True, help="Failure or latency domain of the pcluster; may be repeated.")
@token_lifetime_option
@click.option("--service-account", is_flag=True,
              help="Give the syncer a service-account token that never expires, to rotate yourself.")  # fmt: skip
@click.option("--kcp-namespace", default=None, show_default=DEFAULT_KCP_NAMESPACE, callback=namespace_name,
              help="Namespace of that account.")  # fmt: skip
@click.option("--tunnel/--no-tunnel", default=None,
              help="Let users of workspaces reach their pods: logs, exec, attach, port-forward, cp; "
              "they can by default.")  # fmt: skip
@syncer_options
@tenant_options
@connection_options
@command_body
async def create(
    connection: ConnectionFlags,
    name: str,
    output_file: str,
    syncer_kubeconfig: Path | None,
    apiexports: tuple[str, ...],
    labels: tuple[str, ...],
    cells: tuple[str, ...],
    namespace: str | None,
    token_seconds: int,
    service_account: bool,
    kcp_namespace: str | None,
    syncer_image: str | None,
    replicas: int | None,
    tunnel: bool | None,
    tenants: TenantFlags,
) -> None:
    """Create what is missing, get a token, wait for resources, and write files readable by their owner only."""
    from headwater.apis.workload.labels import syncer_id
    from headwater.base import yamlio
    from headwater.cli.synctarget.choices import SyncerChoices, may_tunnel
    from headwater.cli.synctarget.manifests import SyncerPlan, downstream_objects, identity_objects, upstream_objects
    from headwater.cli.synctarget.manifests import syncer_kubeconfig as kubeconfig_of
    from headwater.cli.synctarget.syncerflags import image_of, replicas_of
    from headwater.machinery.objects import cluster_name, uid

    if len(name) > _MAX_NAME_LENGTH:
        raise CommandFailed(f"the maximum length of the sync-target-name is {_MAX_NAME_LENGTH}")
    check_destinations(output_file, syncer_kubeconfig)
    given = SyncerChoices(tenants, namespace, syncer_image, replicas, kcp_namespace)
    registration = Registration(name, _exports(apiexports), _labels(labels), cells, given)
    async with Session.open(connection) as session:
        client = session.client
        for path, export in registration.exports:
            await _check_export(session.cluster_client.cluster(path) if path else client, path, export)
        target, choices = await _register(client, registration)
        identity = syncer_id(name, uid(target))
        if tunnel is None:
            tunnel = await may_tunnel(client, identity)
        if service_account:
            progress(f"Creating service account, role and token {identity!r} for the syncer")
            space = choices.kcp_namespace or DEFAULT_KCP_NAMESPACE
            await _apply(client, upstream_objects(identity, target, space, tunnel=tunnel))
            token = await _token(client, identity, space)
        else:
            progress(f"Creating role {identity!r} and a bootstrap token for the syncer")
            await _apply(client, identity_objects(identity, target, tunnel=tunnel))
            token = await bootstrap_token(session, target, token_seconds)
        resources = await _resources(client, name) if registration.exports else ()
        cluster = cluster_name(target)
        plan = SyncerPlan(
            syncer_id=identity,
            sync_target_name=name,
            sync_target_uid=uid(target),
            cluster=cluster,
            upstream_url=f"{session.base_url}/clusters/{cluster}",
            ca_data=session.settings.ca_data,
            token=token,
            namespace=choices.namespace or identity,
            image=image_of(choices),
            replicas=replicas_of(choices),
            resources=resources,
            tunnel=tunnel,
            keeps_credentials=not service_account,
            tenants=choices.tenants,
        )
    if syncer_kubeconfig is not None:
        write_private(syncer_kubeconfig, yamlio.dump(kubeconfig_of(plan)))
    _deliver(yamlio.dump_all(downstream_objects(plan)), output_file, plan.namespace, identity)


def _deliver(manifests: str, output_file: str, namespace: str, identity: str) -> None:
    if output_file == "-":
        click.echo(manifests, nl=False)
        return
    write_private(Path(output_file), manifests)
    progress(
        f'Wrote physical cluster manifest to {output_file} for namespace "{namespace}". Use\n\n'
        f'  KUBECONFIG=<pcluster-config> kubectl apply -f "{output_file}"\n\nto apply it. Use\n\n'
        f'  KUBECONFIG=<pcluster-config> kubectl get deployment -n "{namespace}" {identity}\n\n'
        "to verify the syncer pod is running."
    )


def _exports(texts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    exports = []
    for text in (part for each in texts for part in each.split(",") if part):
        path, _, name = text.rpartition(":")
        if not name:
            raise CommandFailed(f"APIExport {text!r} is not in the format of <workspace path>:<name>")
        exports.append((path, name))
    return tuple(exports)


def _labels(texts: tuple[str, ...]) -> dict[str, str]:
    labels = {}
    for text in (part for each in texts for part in each.split(",") if part):
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise CommandFailed(f"label '{text}' is not in the format of key=value")
        labels[key] = value
    return labels


async def _check_export(client: Client, path: str, name: str) -> None:
    """Refuse an APIExport that is not there, before anything changes. One that may not be read is taken on trust.

    Warns of one of which nothing is placed: its owner may still mark it.
    """
    from headwater.apis.apis.v1alpha2.apiexport import API_EXPORT
    from headwater.apis.workload.compute import is_compute, not_compute_words
    from headwater.machinery.errors import Forbidden, NotFound
    from headwater.machinery.objects import cluster_name

    try:
        found = await client.resource(API_EXPORT.gvr).get(name)
    except NotFound as error:
        raise CommandFailed(f"APIExport {path}:{name} does not exist; name another one with --apiexports") from error
    except Forbidden:
        return
    if not is_compute(found):
        progress(f"Warning: {not_compute_words(path or cluster_name(found), name)}.")


async def _register(client: Client, registration: Registration) -> tuple[Object, SyncerChoices]:
    """Create the SyncTarget, or bring labels, cells, exports and choices of an existing one up to date.

    Answers it with all choices that count now. Raises CommandFailed for those that can't be together.
    """
    from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGET, SYNC_TARGETS, SYNCER_CHOICES_ANNOTATION
    from headwater.cli.synctarget.choices import remember, remembered
    from headwater.machinery.errors import NotFound

    targets = client.resource(SYNC_TARGETS)
    exports = [{"path": path, "export": name} if path else {"export": name} for path, name in registration.exports]
    spec: Object = {"supportedAPIExports": exports}
    if registration.cells:
        spec["cells"] = list(registration.cells)
    meta: Object = {"name": registration.name, "labels": registration.labels}
    try:
        existing = await targets.get(registration.name)
    except NotFound:
        choices = registration.choices.at_first()
        text = choices.remember()
        if text is not None:
            meta["annotations"] = {SYNCER_CHOICES_ANNOTATION: text}
        progress(f'Creating synctarget "{registration.name}"')
        body = {"apiVersion": SYNC_TARGET.api_version, "kind": SYNC_TARGET.kind, "metadata": meta, "spec": spec}
        return await targets.create(body), choices
    choices = registration.choices.over(remembered(existing))
    progress(f'Updating synctarget "{registration.name}"')
    await remember(client, existing, choices)
    change = {"metadata": {"labels": registration.labels}, "spec": spec}
    return await targets.patch(registration.name, change), choices


async def _apply(client: Client, objects: Sequence[Object]) -> None:
    from headwater.machinery.gvk import GroupVersionResource

    plurals = {
        "ServiceAccount": GroupVersionResource("", "v1", "serviceaccounts"),
        "Secret": GroupVersionResource("", "v1", "secrets"),
        "ClusterRole": GroupVersionResource("rbac.authorization.k8s.io", "v1", "clusterroles"),
        "ClusterRoleBinding": GroupVersionResource("rbac.authorization.k8s.io", "v1", "clusterrolebindings"),
    }
    for obj in objects:
        resource = client.resource(plurals[obj["kind"]], obj["metadata"].get("namespace", ""))
        await resource.apply(obj, field_manager="headwater-cli", force=True)


async def _token(client: Client, identity: str, namespace: str) -> str:
    from headwater.machinery.gvk import GroupVersionResource

    secrets = client.resource(GroupVersionResource("", "v1", "secrets"), namespace)
    try:
        async with asyncio.timeout(_TOKEN_SECONDS):
            while True:
                data = (await secrets.get(f"{identity}-token")).get("data") or {}
                if data.get("token"):
                    return base64.b64decode(data["token"]).decode()
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError as error:
        raise CommandFailed(f"timed out waiting for the token of ServiceAccount {namespace}/{identity}") from error


async def _resources(client: Client, name: str) -> tuple[tuple[str, str], ...]:
    """(group, resource) of everything that the target's exports offer, once the control plane has listed it."""
    from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS

    targets = client.resource(SYNC_TARGETS)
    try:
        async with asyncio.timeout(_RESOURCES_SECONDS):
            while True:
                entries = ((await targets.get(name)).get("status") or {}).get("syncedResources")
                if entries:
                    return tuple((entry.get("group", ""), entry["resource"]) for entry in entries)
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError as error:
        raise CommandFailed(
            f"SyncTarget {name} got no resources to sync within {_RESOURCES_SECONDS:.0f} s: do its APIExports exist?"
        ) from error
