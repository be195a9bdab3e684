"""Which resources are synced, and what a 404 means."""

from __future__ import annotations

import pytest

from headwater.client.discovery import Discovery, ServedResource
from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupResource, GroupVersion, GroupVersionResource
from headwater.machinery.objects import Object
from headwater.syncer.identity import TargetIdentity, item_of, parse_item, says_object_is_absent
from headwater.syncer.target.choose import ALWAYS_SYNCED, candidates, judged_resources, shard_urls, wanted_resources

ALL = frozenset({"get", "list", "watch", "create", "update", "patch", "delete"})


def served(
    *gvrs: GroupVersionResource, verbs: frozenset[str] = ALL, failed: tuple[GroupVersion, ...] = ()
) -> Discovery:
    return Discovery({gvr: ServedResource(gvr, "Kind", True, verbs, frozenset()) for gvr in gvrs}, failed)


DEPLOYMENTS = GroupVersionResource("apps", "v1", "deployments")
ENTRY: Object = {"group": "apps", "resource": "deployments", "versions": ["v1", "v1beta1"], "state": "Accepted"}


@pytest.mark.parametrize(
    ("downstream", "before", "after"),
    [
        pytest.param(served(DEPLOYMENTS), "Pending", "Accepted", id="served"),
        pytest.param(served(DEPLOYMENTS._replace(version="v9")), "Accepted", "Incompatible", id="no common version"),
        pytest.param(served(), "Accepted", "Incompatible", id="not served"),
        pytest.param(served(failed=(GroupVersion("apps", "v1"),)), "Accepted", "Accepted", id="discovery failed"),
    ],
)
def test_states_follow_what_the_pcluster_serves(downstream: Discovery, before: str, after: str) -> None:
    (entry,) = judged_resources([{**ENTRY, "state": before}], downstream)
    assert entry == {**ENTRY, "state": after}


def test_best_common_version_is_synced() -> None:
    both = served(DEPLOYMENTS, DEPLOYMENTS._replace(version="v1beta1"))
    assert candidates([ENTRY], both)[-1] == DEPLOYMENTS
    assert candidates([{**ENTRY, "versions": ["v1beta1"]}], both)[-1].version == "v1beta1"


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({**ENTRY, "state": "Pending"}, id="not accepted"),
        pytest.param({"resource": "pods", "versions": ["v1"], "state": "Accepted"}, id="pods are made downstream"),
    ],
)
def test_what_is_not_synced(entry: Object) -> None:
    downstream = served(DEPLOYMENTS, GroupVersionResource("", "v1", "pods"))
    assert candidates([entry], downstream) == list(ALWAYS_SYNCED)


def test_read_only_resources_are_not_synced() -> None:
    assert candidates([ENTRY], served(DEPLOYMENTS, verbs=frozenset({"get", "list", "watch"}))) == list(ALWAYS_SYNCED)


def test_denied_resources_are_left_out() -> None:
    wanted = wanted_resources([ENTRY], served(DEPLOYMENTS), [ALWAYS_SYNCED[2]])
    assert set(map(str, wanted)) == {"namespaces", "configmaps", "deployments.apps"}


def test_shards() -> None:
    status = {"virtualWorkspaces": [{"syncerURL": "https://a"}, {"syncerURL": ""}, {"syncerURL": "https://b"}]}
    assert shard_urls({"status": status}) == ["https://a", "https://b"]
    assert shard_urls({}) == []


def test_items_read_back() -> None:
    for resource in (GroupResource("", "configmaps"), GroupResource("apps", "deployments")):
        assert parse_item(item_of(resource, "2x8k|ns/name")) == (resource, "2x8k|ns/name")


@pytest.mark.parametrize(
    ("details", "absent"),
    [
        ({"name": "web", "group": "apps", "kind": "deployments"}, True),
        ({"name": "other", "kind": "deployments"}, False),
        ({"name": "web", "kind": "synctargets"}, False),
        ({}, False),
        (None, False),
    ],
)
def test_only_a_404_about_the_object_counts(details: Object | None, absent: bool) -> None:
    """A missing route, SyncTarget or workspace is a 404 too, and no reason to delete anything."""
    error = NotFound("not found", details=details)
    assert says_object_is_absent(error, GroupResource("apps", "deployments"), "web") is absent


def test_own_locators() -> None:
    """A locator counts only with the uid of this SyncTarget: a namesake made later does not inherit namespaces."""
    identity = TargetIdentity("root-a", "west", "u1")
    text = identity.locator("2x8k", "shop").to_json()
    assert identity.own_locator(text) == identity.locator("2x8k", "shop")
    assert TargetIdentity("root-a", "west", "u2").own_locator(text) is None
    assert TargetIdentity("root-b", "west", "u1").own_locator(text) is None
    assert identity.own_locator("{") is None
    assert identity.own_locator(None) is None
    assert identity.finalizer == f"workload.kcp.io/syncer-{identity.key}"
