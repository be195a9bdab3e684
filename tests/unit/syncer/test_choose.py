"""Which resources are synced, and what a 404 means."""

from __future__ import annotations

import pytest

from headwater.client.discovery import Discovery, ServedResource
from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupResource, GroupVersion, GroupVersionResource
from headwater.machinery.objects import Object
from headwater.syncer.identity import TargetIdentity, item_of, parse_item, says_object_is_absent
from headwater.syncer.schemas import Verdict
from headwater.syncer.target.choose import (
    ALWAYS_SYNCED,
    candidates,
    judged_resources,
    shard_urls,
    to_compare,
    wanted_resources,
)
from headwater.syncer.target.rights import Rights

ALL = frozenset({"get", "list", "watch", "create", "update", "patch", "delete"})


def served(
    *gvrs: GroupVersionResource, verbs: frozenset[str] = ALL, failed: tuple[GroupVersion, ...] = ()
) -> Discovery:
    return Discovery({gvr: ServedResource(gvr, "Kind", True, verbs, frozenset()) for gvr in gvrs}, failed)


DEPLOYMENTS = GroupVersionResource("apps", "v1", "deployments")
ENTRY: Object = {"group": "apps", "resource": "deployments", "versions": ["v1", "v1beta1"], "state": "Accepted"}


GRANTED = {DEPLOYMENTS: ()}
BETA = DEPLOYMENTS._replace(version="v1beta1")
NO_WRITES = frozenset({"get", "list", "watch"})
APPS_FAILED = (GroupVersion("apps", "v1"),)


def test_what_is_served_and_granted_is_accepted() -> None:
    """What was said against it before is taken back."""
    before = {**ENTRY, "state": "Incompatible", "message": "not served by the pcluster"}
    assert judged_resources([before], served(DEPLOYMENTS), GRANTED, {}) == [ENTRY]


@pytest.mark.parametrize(
    ("downstream", "rights", "message"),
    [
        pytest.param(served(), {}, "not served by the pcluster", id="not served"),
        pytest.param(
            served(DEPLOYMENTS._replace(version="v9")), {}, "served at v9 only, needs v1 or v1beta1", id="other version"
        ),
        pytest.param(
            served(DEPLOYMENTS, verbs=NO_WRITES), {}, "the pcluster serves it without create, patch, delete", id="verbs"
        ),
        pytest.param(
            served(DEPLOYMENTS), {DEPLOYMENTS: ("get", "watch")}, "the syncer lacks get, watch on it", id="rights"
        ),
    ],
)
def test_what_can_not_be_synced_says_why(downstream: Discovery, rights: Rights, message: str) -> None:
    assert judged_resources([ENTRY], downstream, rights, {}) == [{**ENTRY, "state": "Incompatible", "message": message}]


@pytest.mark.parametrize(
    ("downstream", "rights"),
    [
        pytest.param(served(failed=APPS_FAILED), GRANTED, id="discovery failed"),
        pytest.param(served(BETA, failed=APPS_FAILED), {}, id="not asked for rights"),
    ],
)
def test_not_knowing_is_no_answer(downstream: Discovery, rights: Rights) -> None:
    refused = {**ENTRY, "state": "Incompatible", "message": "the syncer lacks patch on it"}
    for entry in (ENTRY, refused):
        assert judged_resources([entry], downstream, rights, {}) == [entry]
    (pending,) = judged_resources([{**ENTRY, "state": "Pending"}], downstream, rights, {})
    assert pending["state"] == "Pending"


def test_a_schema_that_takes_less_is_refused_by_name() -> None:
    """Another version is taken instead, if both sides serve one that fits; what is to be known of it is said."""
    refused = {DEPLOYMENTS: Verdict(refusal="spec.x: type is integer, not string")}
    both = served(DEPLOYMENTS, BETA)
    assert candidates([ENTRY], served(DEPLOYMENTS), refused) == list(ALWAYS_SYNCED)
    (judged,) = judged_resources([ENTRY], served(DEPLOYMENTS), GRANTED, refused)
    assert (judged["state"], judged["message"]) == ("Incompatible", "spec.x: type is integer, not string")
    assert candidates([ENTRY], both, refused)[-1] == BETA
    noted = {**refused, BETA: Verdict(note="look")}
    (judged,) = judged_resources([ENTRY], both, {BETA: ()}, noted)
    assert (judged["state"], judged["message"]) == ("Accepted", "look")
    assert wanted_resources([judged], both, {BETA: ()}, noted, {})[BETA.group_resource] == BETA


def test_what_has_schemas_to_compare() -> None:
    pods: Object = {"resource": "pods", "versions": ["v1"]}
    downstream = served(DEPLOYMENTS, GroupVersionResource("", "v1", "pods"))
    assert to_compare([ENTRY, pods], downstream) == {DEPLOYMENTS: "Kind"}


def test_what_was_never_judged_says_that_discovery_fails() -> None:
    (pending,) = judged_resources([{**ENTRY, "state": "Pending"}], served(failed=APPS_FAILED), {}, {})
    assert pending["message"] == "discovery of its API group fails on the pcluster"


def test_pods_need_no_rights() -> None:
    """They are made on the pcluster by its own controllers."""
    entry: Object = {"resource": "pods", "versions": ["v1"], "state": "Pending"}
    downstream = served(GroupVersionResource("", "v1", "pods"), verbs=NO_WRITES)
    assert candidates([entry], downstream, {}) == list(ALWAYS_SYNCED)
    judged = judged_resources([entry], downstream, {}, {})
    assert judged == [{**entry, "state": "Accepted"}]
    assert set(wanted_resources(judged, downstream, {}, {}, {}).values()) == set(ALWAYS_SYNCED)


def test_best_common_version_with_all_verbs_is_synced() -> None:
    both = served(DEPLOYMENTS, BETA)
    assert candidates([ENTRY], both, {})[-1] == DEPLOYMENTS
    assert candidates([{**ENTRY, "versions": ["v1beta1"]}], both, {})[-1] == BETA
    limited = ServedResource(DEPLOYMENTS, "Kind", True, NO_WRITES, frozenset())
    assert candidates([ENTRY], Discovery({**both.resources, DEPLOYMENTS: limited}), {})[-1] == BETA


def test_only_accepted_resources_with_rights_are_synced() -> None:
    downstream = served(DEPLOYMENTS)
    assert set(wanted_resources([{**ENTRY, "state": "Pending"}], downstream, {}, {}, {}).values()) == set(ALWAYS_SYNCED)
    assert set(wanted_resources([ENTRY], downstream, {DEPLOYMENTS: ("watch",)}, {}, {}).values()) == set(ALWAYS_SYNCED)
    wanted = wanted_resources([ENTRY], downstream, {ALWAYS_SYNCED[2]: ("get",), DEPLOYMENTS: ()}, {}, {})
    assert set(map(str, wanted)) == {"namespaces", "configmaps", "serviceaccounts", "deployments.apps"}


def test_failing_discovery_stops_no_sync() -> None:
    """A resource that is synced stays so until it is known to be gone."""
    before = {BETA.group_resource: BETA}
    failing = served(failed=APPS_FAILED)
    judged = judged_resources([ENTRY], failing, {}, {})
    assert wanted_resources(judged, failing, {}, {}, before)[BETA.group_resource] == BETA
    judged = judged_resources([ENTRY], served(), {}, {})
    assert BETA.group_resource not in wanted_resources(judged, served(), {}, {}, before)


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
