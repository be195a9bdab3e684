"""How a syncer is to run: what its owner has chosen once, and its SyncTarget remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from headwater.cli.failure import CommandFailed
from headwater.cli.tenantflags import NOTHING_FOR_TENANTS, TenantFlags, read_cidrs

if TYPE_CHECKING:
    from headwater.client.dynamic import Client
    from headwater.machinery.objects import Object

_OF_TENANTS = {
    "dnsImage": "dns_image",
    "clusterDomain": "cluster_domain",
    "isolateTenants": "isolate_tenants",
    "podCIDRs": "pod_cidrs",
}
_OF_SYNCER = {"namespace": "namespace", "image": "image", "replicas": "replicas", "kcpNamespace": "kcp_namespace"}
_TYPES: Mapping[str, type] = {"isolateTenants": bool, "podCIDRs": list, "replicas": int}


@dataclass(frozen=True, slots=True)
class SyncerChoices:
    """What was said about a syncer by flags; None where nothing was, and what is so by default counts.

    ``unknown`` is what another version has remembered, and is kept.
    """

    tenants: TenantFlags = NOTHING_FOR_TENANTS
    namespace: str | None = None
    image: str | None = None
    replicas: int | None = None
    kcp_namespace: str | None = None
    unknown: Mapping[str, Any] = field(default_factory=dict)

    def over(self, before: SyncerChoices) -> SyncerChoices:
        """These where something is said, else those of before; "" is the default again. Raises CommandFailed."""
        chosen = {name: getattr(before if getattr(self, name) is None else self, name) for name in _OF_SYNCER.values()}
        kept = {name: value for name, value in chosen.items() if value != ""}
        return SyncerChoices(tenants=self.tenants.over(before.tenants), unknown=before.unknown, **kept)

    def at_first(self) -> SyncerChoices:
        """The same for a SyncTarget that is new. Raises CommandFailed for what can't be together."""
        made = self.over(SyncerChoices())
        return replace(made, tenants=made.tenants.at_first())

    def remember(self) -> str | None:
        """The annotation of the SyncTarget; None where there is nothing to remember."""
        from headwater.base import jsonio

        tenants, own = asdict(self.tenants), asdict(self)
        said = {key: tenants[name] for key, name in _OF_TENANTS.items()}
        said |= {key: own[name] for key, name in _OF_SYNCER.items()}
        said = {**self.unknown, **{key: value for key, value in said.items() if value is not None}}
        return jsonio.dumps(dict(sorted(said.items()))).decode() if said else None


def remembered(sync_target: Object) -> SyncerChoices:
    """What a SyncTarget remembers. Raises CommandFailed for what can't be read: to go on would change the syncer."""
    from headwater.apis.sync.v1alpha1.synctarget import SYNCER_CHOICES_ANNOTATION
    from headwater.base import jsonio
    from headwater.machinery.objects import annotations

    text = annotations(sync_target).get(SYNCER_CHOICES_ANNOTATION)
    if text is None:
        return SyncerChoices()
    where = f"metadata.annotations[{SYNCER_CHOICES_ANNOTATION}] of SyncTarget {sync_target['metadata']['name']}"
    try:
        said = jsonio.loads(text)
    except ValueError as error:
        raise CommandFailed(f"{where} can't be read: {error}") from error
    if not isinstance(said, dict):
        raise CommandFailed(f"{where} is not an object")
    for key in said.keys() & {*_OF_TENANTS, *_OF_SYNCER}:
        wanted = _TYPES.get(key, str)
        if type(said[key]) is not wanted:
            raise CommandFailed(f"{where}: {key} is no {wanted.__name__}")
    if "podCIDRs" in said:
        said["podCIDRs"] = read_cidrs([str(each) for each in said["podCIDRs"]])
    return SyncerChoices(
        tenants=TenantFlags(**{name: said.get(key) for key, name in _OF_TENANTS.items()}),
        **{name: said.get(key) for key, name in _OF_SYNCER.items()},
        unknown={key: value for key, value in said.items() if key not in {*_OF_TENANTS, *_OF_SYNCER}},
    )


async def remember(client: Client, sync_target: Object, choices: SyncerChoices) -> None:
    """Have the SyncTarget remember choices that it does not yet. Raises StatusError and TransportError."""
    from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS, SYNCER_CHOICES_ANNOTATION
    from headwater.cli.synctarget.choosing import FIELD_MANAGER
    from headwater.machinery.objects import annotations, name, uid

    text = choices.remember()
    if annotations(sync_target).get(SYNCER_CHOICES_ANNOTATION) == text:
        return
    change = {"uid": uid(sync_target), "annotations": {SYNCER_CHOICES_ANNOTATION: text}}
    await client.resource(SYNC_TARGETS).patch(name(sync_target), {"metadata": change}, field_manager=FIELD_MANAGER)


async def may_tunnel(client: Client, syncer_id: str) -> bool:
    """Whether a syncer was registered with access to pods, by its role in the workspace; if in doubt as by default."""
    from headwater.cli.synctarget.manifests import role_lets_tunnel
    from headwater.machinery.errors import Forbidden, NotFound
    from headwater.machinery.gvk import GroupVersionResource

    roles = client.resource(GroupVersionResource("rbac.authorization.k8s.io", "v1", "clusterroles"))
    try:
        return role_lets_tunnel(await roles.get(syncer_id))
    except (Forbidden, NotFound):
        return True
