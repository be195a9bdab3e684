"""Which resources the virtual workspaces of a SyncTarget serve, and how clients discover them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from headwater.apis.apis.v1alpha1.apiresourceschema import API_RESOURCE_SCHEMA
from headwater.apis.apis.v1alpha2.apiexport import API_EXPORT
from headwater.apis.sync.v1alpha1.synctarget import STATE_ACCEPTED
from headwater.base import jsonio
from headwater.base.clock import Clock
from headwater.client.dynamic import ClusterClient
from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupVersion, GroupVersionResource
from headwater.machinery.objects import Object, cluster_name, nested

_MAX_DOMAINS: Final = 1024
_OFFER_SECONDS: Final = 5.0
TOKEN: Final = "token"  # noqa: S105 - the name of a subresource
_TOKEN_VERBS: Final = ("create",)
_STATUS_VERBS: Final = ("get", "patch", "update")


@dataclass(frozen=True, slots=True)
class DomainResource:
    """One served resource. `identity` is the hash of the APIExport it comes from, empty for builtin ones."""

    group: str
    version: str
    resource: str
    kind: str
    namespaced: bool
    identity: str = ""
    has_status: bool = False
    singular: str = ""
    issues_tokens: bool = False

    @property
    def upstream(self) -> GroupVersionResource:
        """The resource as logical clusters serve it, addressed by identity."""
        name = f"{self.resource}:{self.identity}" if self.identity else self.resource
        return GroupVersionResource(self.group, self.version, name)

    @property
    def api_version(self) -> str:
        """`group/version`."""
        return GroupVersion(self.group, self.version).api_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """What a virtual workspace offers: builtin resources, which of the accepted ones, and with which verbs."""

    builtins: tuple[DomainResource, ...]
    serves: Callable[[str, str], bool]
    verbs: tuple[str, ...]


SYNCED: Final = Surface(
    builtins=(
        DomainResource("", "v1", "configmaps", "ConfigMap", namespaced=True),
        DomainResource("", "v1", "namespaces", "Namespace", namespaced=False, has_status=True),
        DomainResource("", "v1", "secrets", "Secret", namespaced=True),
        DomainResource("", "v1", "serviceaccounts", "ServiceAccount", namespaced=True, issues_tokens=True),
    ),
    serves=lambda group, resource: (group, resource) != ("", "pods"),
    verbs=("get", "list", "patch", "update", "watch"),
)
"""What is brought down to a target. Pods are made downstream, by their controllers."""

Domain = Mapping[tuple[str, str, str], DomainResource]
"""(group, version, resource) -> resource."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What an export offered when it was last read: the names of its schemas, and its identity."""

    cluster: str
    identity: str
    schemas: tuple[str, ...]


class DomainSource:
    """Derives the domain of a SyncTarget from its accepted resources and the schemas behind them.

    Domains are shared by content: targets of the same exports have the same one. A change of an export is noticed
    within five seconds.
    """

    def __init__(self, cluster_client: ClusterClient, clock: Clock, surface: Surface) -> None:
        self._cluster_client = cluster_client
        self._clock = clock
        self._surface = surface
        self._domains: OrderedDict[bytes, Domain] = OrderedDict()
        self._offers: OrderedDict[tuple[str, str], tuple[float, Offer | None]] = OrderedDict()

    async def domain(self, sync_target: Object) -> Domain:
        """The resources of a target. An export or schema that is gone just leaves its resources out."""
        accepted = [
            (entry.get("group", ""), entry["resource"], entry.get("identityHash", ""))
            for entry in nested(sync_target, "status", "syncedResources", default=None) or ()
            if entry.get("state") == STATE_ACCEPTED and self._surface.serves(entry.get("group", ""), entry["resource"])
        ]
        offers = await self.offers(sync_target)
        content = jsonio.dumps([accepted, [(offer.cluster, offer.identity, offer.schemas) for offer in offers]])
        known = self._domains.get(content)
        if known is not None:
            self._domains.move_to_end(content)
            return known
        schemas = [(offer.identity, schema) for offer in offers for schema in await self.schemas(offer)]
        domain = _domain(self._surface.builtins, accepted, schemas)
        if len(schemas) == sum(len(offer.schemas) for offer in offers):
            self._domains[content] = domain
        while len(self._domains) > _MAX_DOMAINS:
            self._domains.popitem(last=False)
        return domain

    async def offers(self, sync_target: Object) -> list[Offer]:
        """What a target's exports offer, as far as they are there."""
        home = cluster_name(sync_target)
        references = nested(sync_target, "spec", "supportedAPIExports", default=None) or ()
        found = [await self._offer(each.get("path") or home, each["export"]) for each in references]
        return [offer for offer in found if offer is not None]

    async def _offer(self, cluster: str, export_name: str) -> Offer | None:
        now, key = self._clock.monotonic(), (cluster, export_name)
        until, known = self._offers.get(key, (0.0, None))
        if now < until:
            return known
        try:
            export = await self._cluster_client.cluster(cluster).resource(API_EXPORT.gvr).get(export_name)
            schemas = tuple(each["schema"] for each in nested(export, "spec", "resources", default=None) or ())
            known = Offer(cluster_name(export), nested(export, "status", "identityHash", default=""), schemas)
        except NotFound:
            known = None
        self._offers[key] = (now + _OFFER_SECONDS, known)
        while len(self._offers) > _MAX_DOMAINS:
            self._offers.popitem(last=False)
        return known

    async def schemas(self, offer: Offer) -> list[Object]:
        """The schemas of an export, as far as they are there."""
        client = self._cluster_client.cluster(offer.cluster).resource(API_RESOURCE_SCHEMA.gvr)
        found = []
        for name in offer.schemas:
            try:
                found.append(await client.get(name))
            except NotFound:
                continue
        return found


def _domain(
    builtins: Iterable[DomainResource],
    accepted: Iterable[tuple[str, str, str]],
    schemas: Iterable[tuple[str, Object]],
) -> Domain:
    wanted = set(accepted)
    resources = list(builtins)
    for identity, schema in schemas:
        spec = schema["spec"]
        names = spec["names"]
        if (spec.get("group", ""), names["plural"], identity) not in wanted:
            continue
        resources += [
            DomainResource(
                spec.get("group", ""),
                version["name"],
                names["plural"],
                names["kind"],
                namespaced=spec["scope"] == "Namespaced",
                identity=identity,
                has_status="status" in (version.get("subresources") or {}),
                singular=names.get("singular", ""),
            )
            for version in spec["versions"]
            if version.get("served")
        ]
    return {(each.group, each.version, each.resource): each for each in resources}


def discovery(domain: Domain, path: str, surface: Surface) -> Object | None:
    """The legacy discovery document at a path (`/api`, `/apis`, a group, a version), or None when there is none."""
    parts = path.strip("/").split("/")
    if parts == ["api"]:
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
    groups: dict[str, list[str]] = {}
    for group, version, _ in sorted(domain):
        if version not in groups.setdefault(group, []):
            groups[group].append(version)
    if parts == ["apis"]:
        return {
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": [_group(group, versions) for group, versions in groups.items() if group],
        }
    if len(parts) == 2 and parts[0] == "apis" and parts[1] in groups:
        return {"kind": "APIGroup", "apiVersion": "v1", **_group(parts[1], groups[parts[1]])}
    group_version = None
    if len(parts) == 2 and parts[0] == "api":
        group_version = GroupVersion("", parts[1])
    elif len(parts) == 3 and parts[0] == "apis" and parts[1]:
        group_version = GroupVersion(parts[1], parts[2])
    if group_version is None or group_version.version not in groups.get(group_version.group, ()):
        return None
    return _resource_list(domain, group_version, surface)


def _group(group: str, versions: list[str]) -> Object:
    entries = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
    return {"name": group, "versions": entries, "preferredVersion": entries[0]}


def _resource_list(domain: Domain, group_version: GroupVersion, surface: Surface) -> Object:
    resources: list[Object] = []
    for (group, version, _), each in sorted(domain.items()):
        if (group, version) != group_version:
            continue
        shared = {"singularName": each.singular or each.kind.lower(), "namespaced": each.namespaced, "kind": each.kind}
        resources.append({"name": each.resource, **shared, "verbs": list(surface.verbs)})
        if each.has_status:
            status = {"name": f"{each.resource}/status", **shared, "singularName": "", "verbs": list(_STATUS_VERBS)}
            resources.append(status)
        if each.issues_tokens:
            request = {"group": "authentication.k8s.io", "version": "v1", "kind": "TokenRequest"}
            shared |= {"name": f"{each.resource}/{TOKEN}", "singularName": "", "verbs": list(_TOKEN_VERBS)}
            resources.append({**shared, **request})
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version.api_version,
        "resources": resources,
    }


def allowed_verbs(surface: Surface, resource: DomainResource, subresource: str) -> tuple[str, ...]:
    """Verbs on a resource, its status or its tokens; none for any other subresource."""
    if not subresource:
        return surface.verbs
    if subresource == TOKEN:
        return _TOKEN_VERBS if resource.issues_tokens else ()
    return _STATUS_VERBS if subresource == "status" and resource.has_status else ()
