"""Discovery documents, legacy and aggregated, from the resources that are served."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from headwater.apiserver.resources import ResourceInfo
from headwater.machinery.gvk import GroupVersionKind, version_priority
from headwater.machinery.objects import Object

AGGREGATED_GROUP = "apidiscovery.k8s.io"
AGGREGATED_KIND = "APIGroupDiscoveryList"
AGGREGATED_VERSIONS = ("v2", "v2beta1")
_SUBRESOURCE_VERBS = ("get", "patch", "update")
_SCALE = GroupVersionKind("autoscaling", "v1", "Scale")

Groups = dict[str, dict[str, list[ResourceInfo]]]


def by_group(infos: Iterable[ResourceInfo]) -> Groups:
    """Resources by group and version: groups as they come, versions in the order that clients should prefer."""
    groups: Groups = {}
    for info in infos:
        groups.setdefault(info.group, {}).setdefault(info.version, []).append(info)
    return {
        group: {
            version: sorted(versions[version], key=lambda info: info.resource)
            for version in sorted(versions, key=version_priority)
        }
        for group, versions in groups.items()
    }


def api_versions(server_address: str) -> Object:
    """The answer to /api."""
    addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": server_address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}


def api_group(group: str, versions: Iterable[str]) -> Object:
    """One group, as in the list and, with its type, under /apis/<group>."""
    listed = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
    return {"name": group, "versions": listed, "preferredVersion": listed[0]}


def api_group_list(groups: Groups) -> Object:
    """The answer to /apis."""
    named = [api_group(group, versions) for group, versions in groups.items() if group]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": named}


def api_resource_list(group_version: str, infos: Sequence[ResourceInfo]) -> Object:
    """The answer to /api/v1 and /apis/<group>/<version>."""
    resources = [entry for info in infos for entry in _legacy_entries(info)]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources}


def _legacy_entries(info: ResourceInfo) -> list[Object]:
    entry: Object = {
        "name": info.resource,
        "singularName": info.singular,
        "namespaced": info.namespaced,
        "kind": info.kind,
        "verbs": list(info.verbs),
    }
    if info.short_names:
        entry["shortNames"] = list(info.short_names)
    if info.categories:
        entry["categories"] = list(info.categories)
    entries = [entry]
    for name, kind, verbs in _subresources(info):
        sub: Object = {"name": f"{info.resource}/{name}", "singularName": "", "namespaced": info.namespaced}
        if (kind.group, kind.version) != (info.group, info.version):
            sub |= {"group": kind.group, "version": kind.version}
        entries.append({**sub, "kind": kind.kind, "verbs": list(verbs)})
    return entries


def _subresources(info: ResourceInfo) -> list[tuple[str, GroupVersionKind, Sequence[str]]]:
    found: list[tuple[str, GroupVersionKind, Sequence[str]]] = [
        (name, handler.kind, handler.verbs) for name, handler in info.connect.items()
    ]
    if info.scale is not None:
        found.append(("scale", _SCALE, _SUBRESOURCE_VERBS))
    if "status" in info.subresources:
        found.append(("status", info.gvk, _SUBRESOURCE_VERBS))
    return sorted(found, key=lambda entry: entry[0])


def aggregated(groups: Groups, version: str) -> Object:
    """The aggregated answer to /apis, or to /api when given the core group only."""
    return {
        "kind": AGGREGATED_KIND,
        "apiVersion": f"{AGGREGATED_GROUP}/{version}",
        "metadata": {},
        "items": [_aggregated_group(group, versions) for group, versions in groups.items()],
    }


def _aggregated_group(group: str, versions: dict[str, list[ResourceInfo]]) -> Object:
    meta: Object = {"creationTimestamp": None}
    if group:
        meta["name"] = group
    listed = [
        {"version": version, "freshness": "Current", "resources": [_aggregated_entry(info) for info in infos]}
        for version, infos in versions.items()
    ]
    return {"metadata": meta, "versions": listed}


def _aggregated_entry(info: ResourceInfo) -> Object:
    entry: Object = {
        "resource": info.resource,
        "responseKind": _kind(info.gvk),
        "scope": "Namespaced" if info.namespaced else "Cluster",
        "singularResource": info.singular,
        "verbs": list(info.verbs),
    }
    if info.short_names:
        entry["shortNames"] = list(info.short_names)
    if info.categories:
        entry["categories"] = list(info.categories)
    subresources = [
        {"subresource": name, "responseKind": _kind(kind), "verbs": list(verbs)}
        for name, kind, verbs in _subresources(info)
    ]
    if subresources:
        entry["subresources"] = subresources
    return entry


def _kind(gvk: GroupVersionKind) -> Object:
    return {"group": gvk.group, "version": gvk.version, "kind": gvk.kind}
