"""What a server serves: resources by group and version, from aggregated discovery where it is offered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from headwater.client.dynamic import Client
from headwater.machinery.errors import NotAcceptable, NotFound, StatusError
from headwater.machinery.gvk import GroupVersion, GroupVersionKind, GroupVersionResource, version_priority
from headwater.machinery.objects import Object

_AGGREGATED: Final = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)


@dataclass(frozen=True, slots=True)
class ServedResource:
    """One resource at one version. Subresources are names without the resource, such as `status`."""

    gvr: GroupVersionResource
    kind: str
    namespaced: bool
    verbs: frozenset[str]
    subresources: frozenset[str]
    short_names: tuple[str, ...] = ()

    @property
    def gvk(self) -> GroupVersionKind:
        """The kind of its objects."""
        return GroupVersionKind(self.gvr.group, self.gvr.version, self.kind)

    def supports(self, *verbs: str) -> bool:
        """True when it serves all these verbs."""
        return self.verbs.issuperset(verbs)


@dataclass(frozen=True, slots=True)
class Discovery:
    """All that a server serves. ``failed`` are group versions that couldn't be read, so that absence proves nothing."""

    resources: Mapping[GroupVersionResource, ServedResource]
    failed: tuple[GroupVersion, ...] = ()

    def get(self, gvr: GroupVersionResource) -> ServedResource | None:
        """The resource at exactly this version."""
        return self.resources.get(gvr)

    def preferred(self) -> list[ServedResource]:
        """One entry for each resource: at its first version in Kubernetes' order, sorted by group and name."""
        best: dict[tuple[str, str], ServedResource] = {}
        for resource in self.resources.values():
            key = (resource.gvr.group, resource.gvr.resource)
            known = best.get(key)
            if known is None or version_priority(resource.gvr.version) < version_priority(known.gvr.version):
                best[key] = resource
        return [best[key] for key in sorted(best)]

    def versions(self, group: str, resource: str) -> list[str]:
        """Versions at which a resource is served, the preferred one first."""
        found = [gvr.version for gvr in self.resources if gvr.group == group and gvr.resource == resource]
        return sorted(found, key=version_priority)


async def discover(client: Client) -> Discovery:
    """Read discovery of a logical cluster (or server). Raises StatusError or TransportError when nothing can be read.

    Servers without aggregated discovery are asked group by group; a group version that fails is named in `failed`.
    """
    resources: dict[GroupVersionResource, ServedResource] = {}
    failed: list[GroupVersion] = []
    for root in ("/api", "/apis"):
        try:
            document = await client.get_json(root, accept=_AGGREGATED)
        except (NotFound, NotAcceptable):
            continue
        if document.get("kind") == "APIGroupDiscoveryList":
            _read_aggregated(document, resources, failed)
        else:
            await _read_legacy(client, document, resources, failed)
    return Discovery(resources, tuple(failed))


def _read_aggregated(
    document: Object, resources: dict[GroupVersionResource, ServedResource], failed: list[GroupVersion]
) -> None:
    for group in document.get("items") or []:
        group_name = (group.get("metadata") or {}).get("name", "")
        for version in group.get("versions") or []:
            if version.get("freshness") == "Stale":
                failed.append(GroupVersion(group_name, version["version"]))
            for entry in version.get("resources") or []:
                gvr = GroupVersionResource(group_name, version["version"], entry["resource"])
                resources[gvr] = ServedResource(
                    gvr,
                    (entry.get("responseKind") or {}).get("kind", ""),
                    entry.get("scope") == "Namespaced",
                    frozenset(entry.get("verbs") or ()),
                    frozenset(sub["subresource"] for sub in entry.get("subresources") or ()),
                    tuple(entry.get("shortNames") or ()),
                )


async def _read_legacy(
    client: Client,
    document: Object,
    resources: dict[GroupVersionResource, ServedResource],
    failed: list[GroupVersion],
) -> None:
    for group_version in _group_versions(document):
        path = f"/apis/{group_version}" if group_version.group else f"/api/{group_version}"
        try:
            listing = await client.get_json(path)
        except StatusError:
            failed.append(group_version)
            continue
        _read_resource_list(listing, group_version, resources)


def _group_versions(document: Object) -> Sequence[GroupVersion]:
    if document.get("kind") == "APIVersions":
        return [GroupVersion("", version) for version in document.get("versions") or []]
    return [
        GroupVersion.parse(version["groupVersion"])
        for group in document.get("groups") or []
        for version in group.get("versions") or []
    ]


def _read_resource_list(
    listing: Object, group_version: GroupVersion, resources: dict[GroupVersionResource, ServedResource]
) -> None:
    entries = listing.get("resources") or []
    subresources: dict[str, set[str]] = {}
    for entry in entries:
        resource, slash, subresource = entry["name"].partition("/")
        if slash:
            subresources.setdefault(resource, set()).add(subresource)
    for entry in entries:
        if "/" in entry["name"]:
            continue
        gvr = GroupVersionResource(group_version.group, group_version.version, entry["name"])
        resources[gvr] = ServedResource(
            gvr,
            entry.get("kind", ""),
            bool(entry.get("namespaced")),
            frozenset(entry.get("verbs") or ()),
            frozenset(subresources.get(entry["name"], ())),
            tuple(entry.get("shortNames") or ()),
        )
