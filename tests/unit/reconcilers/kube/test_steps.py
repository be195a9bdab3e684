"""The pure steps of the Kubernetes controllers."""

from __future__ import annotations

import base64
from collections import Counter
from datetime import UTC, datetime

import pytest

from headwater.base import jsonio
from headwater.base.clock import ManualClock
from headwater.machinery.objects import Object, deep_copy
from headwater.reconcilers.kube.clusterrole.step_aggregate import aggregated_rules, is_aggregated
from headwater.reconcilers.kube.conditions import get_condition, set_condition
from headwater.reconcilers.kube.crd.step_names import set_names
from headwater.reconcilers.kube.namespace.controller import finalized, retry_seconds
from headwater.reconcilers.kube.namespace.step_conditions import set_conditions
from headwater.reconcilers.kube.namespace.step_content import Content
from headwater.reconcilers.kube.token.step_fill import is_orphan, missing, seconds_until_renewal

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 1, 2, tzinfo=UTC)


def test_condition_times_move_with_the_status_only() -> None:
    obj: Object = {}
    assert set_condition(obj, "Ready", value=False, reason="A", message="a", now=NOW)
    assert not set_condition(obj, "Ready", value=False, reason="A", message="a", now=LATER)
    assert set_condition(obj, "Ready", value=False, reason="B", message="b", now=LATER)
    condition = get_condition(obj, "Ready")
    assert condition is not None
    assert condition["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    assert set_condition(obj, "Ready", value=True, reason="B", message="b", now=LATER)
    assert condition["lastTransitionTime"] == "2026-01-02T00:00:00Z"


def test_namespace_conditions_in_kubernetes_words() -> None:
    space: Object = {"metadata": {"name": "a"}}
    content = Content(
        discovery_errors=["x.io/v1: can't be read"],
        deletion_errors=["pods.: no"],
        remaining=Counter({"pods.": 2, "deployments.apps": 1}),
        held=Counter({"x/y": 3}),
    )
    assert set_conditions(space, content, NOW)
    assert not set_conditions(space, content, LATER)
    found = {
        entry["type"]: (entry["status"], entry["reason"], entry["message"]) for entry in space["status"]["conditions"]
    }
    assert space["status"]["phase"] == "Terminating"
    assert found == {
        "NamespaceDeletionDiscoveryFailure": (
            "True",
            "DiscoveryFailed",
            "Discovery failed for some groups, 1 failing: x.io/v1: can't be read",
        ),
        "NamespaceDeletionGroupVersionParsingFailure": (
            "False",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        "NamespaceDeletionContentFailure": (
            "True",
            "ContentDeletionFailed",
            "Failed to delete all resource types, 1 remaining: pods.: no",
        ),
        "NamespaceContentRemaining": (
            "True",
            "SomeResourcesRemain",
            "Some resources are remaining: deployments.apps has 1 resource instances, pods. has 2 resource instances",
        ),
        "NamespaceFinalizersRemaining": (
            "True",
            "SomeFinalizersRemain",
            "Some content in the namespace has finalizers remaining: x/y in 3 resource instances",
        ),
    }
    assert not content.gone
    assert Content().gone


def test_retries_of_a_namespace_slow_down() -> None:
    clock = ManualClock(NOW)
    space: Object = {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}
    delays = []
    for seconds in (0, 4, 3600):
        clock.advance(seconds)
        delays.append(retry_seconds(space, clock))
    assert delays == [0.2, 1.0, 15.0]


def test_only_our_finalizer_is_taken_off() -> None:
    space: Object = {"metadata": {"name": "a"}, "spec": {"finalizers": ["other", "kubernetes"]}}
    before = deep_copy(space)
    assert finalized(space)["spec"]["finalizers"] == ["other"]
    assert space == before


def role(name: str, verb: str, **labels: str) -> Object:
    return {"metadata": {"name": name, "labels": labels}, "rules": [{"verbs": [verb]}]}


def test_rules_are_summed_by_selector_then_name() -> None:
    total: Object = {
        "metadata": {"name": "sum", "labels": {"a": "1"}},
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"b": "1"}}, {"matchLabels": {"a": "1"}}]},
    }
    others = [
        role("z", "get", a="1"),
        role("y", "list", a="1"),
        role("x", "watch", b="1"),
        role("w", "get", b="1"),
        total,
    ]
    assert is_aggregated(total)
    assert not is_aggregated(others[0])
    assert aggregated_rules(total, others) == [{"verbs": [verb]} for verb in ("get", "watch", "list")]


def definition(name: str, kind: str, short: list[str]) -> Object:
    names = {"plural": name, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List", "shortNames": short}
    return {"metadata": {"name": f"{name}.x.io"}, "spec": {"group": "x.io", "names": names}}


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        pytest.param(definition("others", "Other", ["ot"]), "NoConflicts", id="free"),
        pytest.param(definition("others", "Other", ["wd"]), "ShortNamesConflict", id="short name"),
        pytest.param(definition("others", "Widget", ["ot"]), "SingularConflict", id="singular and kind"),
        pytest.param(definition("widget", "Other", ["ot"]), "PluralConflict", id="plural is a singular"),
    ],
)
def test_names_are_accepted_once(wanted: Object, reason: str) -> None:
    first = definition("widgets", "Widget", ["wd"])
    assert set_names(first, [], NOW)
    assert not set_names(first, [], LATER)
    assert set_names(wanted, [first], NOW)
    names = get_condition(wanted, "NamesAccepted")
    established = get_condition(wanted, "Established")
    assert names is not None
    assert established is not None
    assert names["reason"] == reason
    assert established["status"] == names["status"]


def token(**claims: float) -> str:
    payload = base64.urlsafe_b64encode(jsonio.dumps(claims)).rstrip(b"=").decode()
    return base64.b64encode(f"e30.{payload}.sig".encode()).decode()


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        pytest.param({}, 0.0, id="none"),
        pytest.param({"token": token(iat=0, exp=1000)}, 700.0, id="young"),
        pytest.param({"token": token(iat=-1000, exp=200)}, 0.0, id="old"),
        pytest.param({"token": token(iat=0)}, None, id="without end"),
        pytest.param({"token": "!!"}, None, id="not ours"),
    ],
)
def test_tokens_are_renewed_in_time(data: dict[str, str], seconds: float | None) -> None:
    assert seconds_until_renewal({"data": data}, 100.0) == seconds


def test_what_a_token_secret_lacks() -> None:
    secret: Object = {"metadata": {"namespace": "a", "annotations": {}}, "data": {"namespace": "YQ=="}}
    assert missing(secret, "u", "CA") == ({"ca.crt": "Q0E="}, {"kubernetes.io/service-account.uid": "u"})
    assert missing(secret, "u", "")[0] == {}


@pytest.mark.parametrize(
    ("noted", "account_uid", "orphan"), [("", "u", False), ("u", "u", False), ("u", "v", True), ("", "", True)]
)
def test_secrets_of_accounts_that_are_gone(noted: str, account_uid: str, orphan: bool) -> None:
    notes = {"kubernetes.io/service-account.uid": noted} if noted else {}
    assert is_orphan({"metadata": {"annotations": notes}}, account_uid) is orphan
