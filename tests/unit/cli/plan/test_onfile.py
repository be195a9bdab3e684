"""Plans on a file of objects: the same answer as the control plane's, without one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from headwater.apis.workload.labels import sync_target_key
from headwater.cli.failure import CommandFailed
from headwater.cli.main import cli
from headwater.cli.plan.onfile import plan_on

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOST, TENANT = {"kcp.io/cluster": "hub", "kcp.io/path": "root:platform"}, {"kcp.io/cluster": "shop"}


def sync_target(name: str, cpu: str = "8", cell: str = "") -> dict[str, Any]:
    return {
        "apiVersion": "sync.kcp.io/v1alpha1",
        "kind": "SyncTarget",
        "metadata": {"name": name, "annotations": HOST, "labels": {"region": name}},
        "spec": {"cells": [cell] if cell else []},
        "status": {"conditions": [{"type": "Ready", "status": "True"}], "allocatable": {"cpu": cpu}},
    }


def placement(*targets: str, **spec: Any) -> dict[str, Any]:
    keys = ",".join(sync_target_key("hub", each) for each in targets)
    return {
        "apiVersion": "placement.kcp.io/v1alpha1",
        "kind": "Placement",
        "metadata": {
            "name": "web",
            "uid": "u1",
            "annotations": {**TENANT, **({"internal.workload.kcp.io/synctarget": keys} if keys else {})},
        },
        "spec": {"locationWorkspace": "root:platform", **spec},
        "status": {"phase": "Bound"},
    }


def deployment(name: str, target: str, replicas: int = 2, cpu: str = "1") -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": "default",
            "annotations": TENANT,
            "labels": {f"state.workload.kcp.io/{sync_target_key('hub', target)}": "Sync"},
        },
        "spec": {
            "replicas": replicas,
            "template": {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]}},
        },
    }


SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"password": "hunter2"}}
SPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default", "annotations": TENANT}}
FLEET = [
    sync_target("east", cell="a"),
    sync_target("west"),
    SPACE,
    placement("east"),
    deployment("shop", "east"),
    deployment("cart", "east"),
    SECRET,
]


def status(spec: dict[str, Any], objects: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return dict(plan_on(FLEET if objects is None else objects, spec, NOW)["status"])


def invoke(tmp_path: Path, *arguments: str, objects: Any = None) -> Result:
    """Run `plan ... --on` with a file of the objects."""
    file = tmp_path / "fleet.json"
    file.write_text(json.dumps({"kind": "List", "items": FLEET if objects is None else objects}))
    return CliRunner().invoke(cli, ["plan", *arguments, "--on", str(file)])


@pytest.mark.parametrize(
    "spec",
    [{"drain": ["east"]}, {"fail": {"targets": ["east"]}}, {"fail": {"cells": ["a"]}}, {"remove": ["east"]}],
    ids=["drain", "fail", "fail-cell", "remove"],
)
def test_everything_leaves(spec: dict[str, Any]) -> None:
    made = status(spec)
    moves = {each["name"]: (each["before"], each["after"]) for each in made["moves"]}
    assert moves == {name: ({"east": 2}, {"west": 2}) for name in ("cart", "shop")}
    assert {each["workspace"] for each in made["moves"]} == {"shop"}
    assert made["summary"]["workloads"] == 2
    loads = {each["name"]: (each["before"].get("cpu"), each["after"].get("cpu")) for each in made["targets"]}
    assert loads["west"][1] == "4"
    assert loads["east"][0] == "4"


def test_what_no_placement_selects_is_not_counted() -> None:
    """As the control plane counts; one that the plan places is."""
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other", "annotations": TENANT}}
    loose = deployment("loose", "")
    loose["metadata"] |= {"namespace": "other", "labels": {}}
    rule = placement("east")
    rule["spec"]["namespaceSelector"] = {"matchLabels": {"kubernetes.io/metadata.name": "default"}}
    objects = [*(each for each in FLEET if each["kind"] != "Placement"), rule, space, loose]
    assert status({"cordon": ["east"]}, objects)["summary"]["workloads"] == 2
    second = {**rule, "metadata": {"name": "second", "annotations": TENANT, "uid": "u2"}}
    second["spec"] = {**rule["spec"], "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}}}
    summary = status({"apply": [second]}, objects)["summary"]
    assert (summary["workloads"], summary["moves"]) == (3, 1)


def test_a_drain_makes_before_it_breaks_and_a_failure_does_not() -> None:
    assert status({"drain": ["east"]})["dips"] == []
    assert {each["floor"] for each in status({"fail": {"targets": ["east"]}})["dips"]} == {0}


def test_a_cordon_moves_nothing() -> None:
    assert status({"cordon": ["east"]})["moves"] == []


def test_what_does_not_fit() -> None:
    small = [sync_target("west", cpu="2") if each["metadata"]["name"] == "west" else each for each in FLEET]
    made = status({"drain": ["east"]}, small)
    assert made["summary"]["unplaced"] == 1
    assert made["unplaced"][0]["reasons"]


def test_a_new_target_takes_what_found_no_room() -> None:
    """A manifest without status is planned as ready, with the capacity that it names."""
    alone = [each for each in FLEET if each["metadata"]["name"] != "west"]
    north = sync_target("north")
    north["status"] = {"allocatable": {"cpu": "8"}}
    del north["metadata"]["annotations"]
    made = status({"apply": [north], "drain": ["east"]}, alone)
    assert {name for each in made["moves"] for name in each["after"]} == {"north"}


def test_an_applied_placement_is_that_of_the_same_name() -> None:
    """It keeps what it has, and moves what no longer fits its selectors."""
    applied = {
        "apiVersion": "placement.kcp.io/v1alpha1",
        "kind": "Placement",
        "metadata": {"name": "web"},
        "spec": {"locationWorkspace": "root:platform", "syncTargetSelector": {"matchLabels": {"region": "west"}}},
    }
    assert {name for each in status({"apply": [applied]})["moves"] for name in each["after"]} == {"west"}
    same = {**applied, "spec": {"locationWorkspace": "root:platform"}}
    assert status({"apply": [same]})["moves"] == []


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"drain": ["nowhere"]}, "holds no SyncTarget called 'nowhere'"),
        ({"fail": {"cells": ["z"]}}, "is in cell 'z'"),
    ],
)
def test_what_the_file_does_not_hold(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(CommandFailed, match=message):
        status(spec)


def of_kind(kind: str, api_version: str, spec: Any, **other: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "new"}, "spec": spec, **other}


_PLACING, _SYNCING = "placement.kcp.io/v1alpha1", "sync.kcp.io/v1alpha1"
REFUSED = {
    "typo": (of_kind("Placement", _PLACING, {"locationSelect": {}}), r'unknown field "spec\.locationSelect"'),
    "selector": (
        of_kind("Placement", _PLACING, {"namespaceSelector": {"matchLabels": {"a b": "c"}}}),
        r"spec\.namespaceSelector\.matchLabels: Invalid value",
    ),
    "rule": (of_kind("Placement", _PLACING, {"targets": {"min": 3}}), r"spec\.targets: .*min must not be greater"),
    "no-spec": (of_kind("Placement", _PLACING, "x"), "spec: Invalid value"),
    "taint": (of_kind("SyncTarget", _SYNCING, {"taints": [{"key": "a"}]}), r"spec\.taints\[0\]\.effect: Required"),
    "time": (of_kind("SyncTarget", _SYNCING, {"evictAfter": "tomorrow"}), r"spec\.evictAfter: Invalid value"),
    "amount": (
        of_kind("SyncTarget", _SYNCING, {}, status={"allocatable": {"cpu": "many"}}),
        r'status\.allocatable\.cpu: Invalid value: "many": must be a quantity',
    ),
    "amounts": (of_kind("SyncTarget", _SYNCING, {}, status={"allocatable": ["8"]}), "must be an object"),
    "status": (of_kind("SyncTarget", _SYNCING, {}, status="x"), "status: Invalid value"),
    "instances": (
        of_kind("Location", _PLACING, {"instanceSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}),
        r"spec\.instanceSelector\.matchExpressions\[0\]\.values: Required",
    ),
    "version": (of_kind("Location", "placement.kcp.io/v1", {}), r'apiVersion: .*"placement\.kcp\.io/v1alpha1"'),
}


@pytest.mark.parametrize(("applied", "message"), REFUSED.values(), ids=REFUSED)
def test_what_the_control_plane_would_refuse_is_not_planned(applied: dict[str, Any], message: str) -> None:
    """By name of the field: a plan of a manifest that can't be applied, or says something else, is of no use."""
    with pytest.raises(CommandFailed, match=rf'{applied["kind"]} "new" is invalid: .*{message}'):
        status({"apply": [applied]})


BROKEN = [{"kind": 5, "metadata": {"name": "x"}}, {"kind": "SyncTarget", "metadata": {"name": 5}}, {"kind": "Secret"}]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_file_of_something_else(tmp_path: Path, broken: dict[str, Any]) -> None:
    result = invoke(tmp_path, "drain", "east", objects=[*FLEET, broken])
    assert (result.exit_code, "not an API object with kind, metadata and name" in result.output) == (1, True)


def test_a_state_that_cannot_be_read(tmp_path: Path) -> None:
    result = invoke(tmp_path, "drain", "east", objects=[*FLEET, {**sync_target("north"), "spec": "x"}])
    assert (result.exit_code, "the objects of the file can't be read" in result.output) == (1, True)


def test_ambiguous_names_and_workspaces() -> None:
    other = sync_target("east")
    other["metadata"]["annotations"] = {"kcp.io/cluster": "other"}
    with pytest.raises(CommandFailed, match="2 SyncTargets called 'east'"):
        status({"drain": ["east"]}, [*FLEET, other])
    new = {**sync_target("new"), "metadata": {"name": "new"}}
    with pytest.raises(CommandFailed, match=r"say with the annotation kcp\.io/cluster"):
        status({"apply": [new]}, [*FLEET, other])


def test_exit_codes(tmp_path: Path) -> None:
    """0 for a plan, whatever it says; with --exit-code 2 when something would dip or not fit; 1 for errors."""
    assert invoke(tmp_path, "drain", "east", "--exit-code").exit_code == 0
    assert invoke(tmp_path, "fail", "east").exit_code == 0
    assert invoke(tmp_path, "fail", "a", "--exit-code").exit_code == 2
    assert invoke(tmp_path, "fail", "--cell", "a", "--exit-code").exit_code == 2
    assert invoke(tmp_path, "drain", "nowhere", "--exit-code").exit_code == 1
    wrong = invoke(tmp_path, "fail", "nowhere")
    assert wrong.exit_code == 1
    assert "neither a SyncTarget nor a cell. There are: SyncTargets east, west; cells a" in wrong.output


def test_commands_take_files(tmp_path: Path) -> None:
    north = tmp_path / "north.json"
    north.write_text(json.dumps({**sync_target("north"), "metadata": {"name": "north"}}))
    assert invoke(tmp_path, "add", str(north)).exit_code == 0
    assert invoke(tmp_path, "add", "-f", str(north)).exit_code == 0
    changed = tmp_path / "placement.yaml"
    changed.write_text(json.dumps(placement(syncTargetSelector={"names": ["west"]})))
    assert "2 of 2 workloads would move" in invoke(tmp_path, "apply", "-f", str(changed)).output
    assert "can't be planned here, only SyncTarget" in invoke(tmp_path, "add", str(changed)).output
    assert "no objects passed" in invoke(tmp_path, "add").output
    assert "can't be both" in CliRunner().invoke(cli, ["plan", "add", "-", "--on", "-"]).output
    assert "can't read" in invoke(tmp_path, "apply", "-f", str(tmp_path / "none")).output


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    for output in ("json", "yaml", "wide", "table"):
        assert "hunter2" not in invoke(tmp_path, "drain", "east", "-o", output).output
