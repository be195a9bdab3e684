"""Which resources are looked at for what comes up."""

from __future__ import annotations

from headwater.client.discovery import Discovery, ServedResource
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object
from headwater.syncer.upsync.choose import followed_resources, upsyncer_urls

VERBS = frozenset({"get", "list", "watch"})


def served(*gvrs: GroupVersionResource, verbs: frozenset[str] = VERBS) -> Discovery:
    resources = {
        gvr: ServedResource(gvr, gvr.resource.title(), namespaced=True, verbs=verbs, subresources=frozenset())
        for gvr in gvrs
    }
    return Discovery(resources)


def entry(group: str, resource: str, *versions: str, state: str = "Accepted") -> Object:
    return {"group": group, "resource": resource, "versions": list(versions or ("v1",)), "state": state}


SECRETS = GroupVersionResource("", "v1", "secrets")
POD = GroupVersionResource("", "v1", "pods")
BOATS = GroupVersionResource("sea.io", "v1", "boats")


def test_what_is_accepted_and_served_and_made_below() -> None:
    """Workloads are none of it; Secrets always are; kinds of an operator are, at a version that both sides have."""
    entries = [
        entry("", "pods"),
        entry("apps", "deployments"),
        entry("", "endpoints", state="Incompatible"),
        entry("discovery.k8s.io", "endpointslices"),
        entry("sea.io", "boats", "v1alpha1", "v1"),
        entry("sea.io", "buoys", "v2"),
    ]
    deployments = GroupVersionResource("apps", "v1", "deployments")
    buoys = GroupVersionResource("sea.io", "v1", "buoys")
    found = served(POD, deployments, SECRETS, BOATS, buoys)
    assert followed_resources(entries, found) == [POD, BOATS, SECRETS]
    assert followed_resources(entries, served(POD, SECRETS, verbs=frozenset({"get"}))) == []


def test_urls() -> None:
    """One for each shard."""
    shards = [{"syncerURL": "a", "upsyncerURL": "b"}, {"syncerURL": "c"}]
    assert upsyncer_urls({"status": {"virtualWorkspaces": shards}}) == ["b"]
    assert upsyncer_urls({}) == []
