"""Which rights of a syncer are needed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from headwater.machinery.conditions import get_condition
from headwater.machinery.objects import Object
from headwater.syncer.target.needs import granting_words, needed_rules, report_unneeded, unneeded

NEEDED = needed_rules([("apps", "deployments")], tunnel=False)


def rule(group: str, resource: str, *verbs: str, names: tuple[str, ...] = ()) -> Object:
    return {"apiGroups": [group], "resources": [resource], "verbs": list(verbs), "resourceNames": list(names)}


@pytest.mark.parametrize(
    ("held", "said"),
    [
        pytest.param(NEEDED, [], id="exactly"),
        pytest.param(NEEDED[:3], [], id="less"),
        pytest.param(needed_rules([], tunnel=True), None, id="access to pods"),
        pytest.param([rule("apps", "deployments", "get", "update")], ["deployments.apps: update"], id="a verb"),
        pytest.param([rule("apps", "deployments", "*", "get")], ["deployments.apps: *"], id="all verbs"),
        pytest.param([rule("", "*", "get")], ["*: get"], id="all resources of a group"),
        pytest.param([rule("*", "*", "*")], ["*.*: *"], id="everything"),
        pytest.param([rule("", "secrets", "update", names=("one",))], ["secrets: update"], id="one object"),
        pytest.param([rule("authorization.k8s.io", "selfsubjectaccessreviews", "create")], [], id="about itself"),
    ],
)
def test_rights_beyond_the_needed_ones(held: list[Object], said: list[str] | None) -> None:
    found = unneeded(held, NEEDED)
    assert found == said if said is not None else {each.partition(":")[0] for each in found} == {
        "pods/attach", "pods/exec", "pods/log", "pods/portforward"
    }  # fmt: skip


def test_a_long_list_is_cut_and_the_remedy_is_not() -> None:
    target: Object = {"metadata": {"name": "east"}}
    rights = [f"resource-{number}.example.org: get, list, watch" for number in range(500)]
    report_unneeded(target, rights, "apply this", datetime(2026, 1, 1, tzinfo=UTC))
    condition = get_condition(target, "SyncerOverprivileged")
    assert condition is not None
    assert len(condition["message"]) < 1024
    assert condition["message"].endswith("; apply this")
    report_unneeded(target, [], "apply this", datetime(2026, 1, 1, tzinfo=UTC))
    assert get_condition(target, "SyncerOverprivileged") is None


@pytest.mark.parametrize(("isolate", "command"), [(False, "east --role`"), (True, "east --role --isolate-tenants`")])
def test_the_words_grant_what_the_syncer_needs_as_it_runs(isolate: bool, command: str) -> None:
    """A role without the rights on policies would leave tenants without their walls."""
    assert f"`headwater sync-target manifest {command}" in granting_words("east", isolate_tenants=isolate)
