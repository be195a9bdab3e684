"""Who keeps a resolver from being taken away, and what taking away needs."""

from __future__ import annotations

import pytest

from headwater.machinery.objects import Object
from headwater.syncer.leftovers import asks, has_ended
from headwater.syncer.target.needs import granting_words, needed_rules

OURS = "10.96.0.7"


def pod(*servers: str, phase: str = "Running") -> Object:
    return {"spec": {"dnsPolicy": "None", "dnsConfig": {"nameservers": list(servers)}}, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(pod(OURS), True, id="runs"),
        pytest.param(pod(OURS, "1.1.1.1"), True, id="among others"),
        pytest.param(pod(OURS, phase="Pending"), True, id="starts"),
        pytest.param({"spec": pod(OURS)["spec"]}, True, id="has no status yet"),
        pytest.param(pod(OURS, phase="Succeeded"), False, id="is done"),
        pytest.param(pod(OURS, phase="Failed"), False, id="has failed"),
        pytest.param(pod("10.96.0.70"), False, id="asks another"),
        pytest.param({"spec": {"dnsPolicy": "ClusterFirst"}}, False, id="asks the pcluster"),
    ],
)
def test_pods_that_ask(found: Object, expected: bool) -> None:
    assert asks(found, OURS) is expected


@pytest.mark.parametrize(
    ("kind", "condition", "status", "ended"),
    [
        ("Job", "Complete", "True", True),
        ("Job", "Failed", "True", True),
        ("Job", "Complete", "False", False),
        ("Job", "Suspended", "True", False),
        ("Deployment", "Complete", "True", False),
    ],
)
def test_jobs_that_make_no_pods_any_more(kind: str, condition: str, status: str, ended: bool) -> None:
    copy = {"kind": kind, "status": {"conditions": [{"type": condition, "status": status}]}}
    assert has_ended(copy) is ended


@pytest.mark.parametrize(
    ("isolate", "verbs"),
    [(None, set()), (True, {"create", "get", "list", "update", "watch"}), (False, {"delete", "list"})],
)
def test_rights_on_policies(isolate: bool | None, verbs: set[str]) -> None:
    """Whoever has never isolated tenants needs none, and whoever stops to needs no right to make any."""
    rules = needed_rules([("apps", "deployments")], isolate_tenants=isolate)
    assert {verb for rule in rules if "networkpolicies" in rule["resources"] for verb in rule["verbs"]} == verbs
    assert ("--isolate-tenants" in granting_words("east", isolate_tenants=isolate)) is (isolate is True)
