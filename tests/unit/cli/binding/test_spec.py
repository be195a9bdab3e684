"""What the flags of `bind compute` ask for, and when a Placement that is there asks for the same."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from headwater.base import yamlio
from headwater.cli.binding.spec import ComputeFlags, any_of, differing_fields, placement_spec, split_selectors
from headwater.cli.main import cli

JOINED = {
    "none": ([], {}),
    "everything": (["region=a", ""], {}),
    "one": (["region=a,tier!=b"], {"matchLabels": {"region": "a"}, "matchExpressions": [
        {"key": "tier", "operator": "NotIn", "values": ["b"]}]}),
    "two-values": (["region=a", "region=b"], {"matchExpressions": [
        {"key": "region", "operator": "In", "values": ["a", "b"]}]}),
    "sets-and-values": (["region in (c,a)", "region==b"], {"matchExpressions": [
        {"key": "region", "operator": "In", "values": ["a", "b", "c"]}]}),
    "the-rest-alike": (["region=a,env=prod", "env=prod,region=b"], {
        "matchLabels": {"env": "prod"},
        "matchExpressions": [{"key": "region", "operator": "In", "values": ["a", "b"]}]}),
    "the-same-twice": (["region=a", "region=a"], {"matchLabels": {"region": "a"}}),
}  # fmt: skip
NOT_JOINED = {
    "two-labels": ["region=a", "env=prod"],
    "two-differ": ["region=a,env=prod", "region=b,env=test"],
    "negations": ["region!=a", "region!=b"],
    "one-asks-for-more": ["region=a", "region=a,env=prod"],
}
SPECS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "targets": ({"minimum": 2}, {"targets": {"min": 2, "max": 2}}),
    "more-targets": ({"minimum": 2, "maximum": 3}, {"targets": {"min": 2, "max": 3}}),
    "divided": (
        {"mode": "divided", "weights": ("east=3,west=1", "north=0")},
        {"replicas": {"mode": "Divided", "divideBy": "Weights", "weights": {"east": 3, "west": 1, "north": 0}}},
    ),
    "by-room": (
        {"mode": "divided", "divide_by": "freecapacity"},
        {"replicas": {"mode": "Divided", "divideBy": "FreeCapacity"}},
    ),
    "sync-targets": ({"sync_target_selector": "gpu"}, {"syncTargetSelector": {"matchExpressions": [
        {"key": "gpu", "operator": "Exists"}]}}),
    "workloads": ({"workload_selector": "a=b"}, {"workloadSelector": {"matchLabels": {"a": "b"}}}),
    "spread": (
        {"spread": ("cell", "location=2", "label:topology/zone=3")},
        {"spread": [
            {"by": "cell", "maxSkew": 1},
            {"by": "location", "maxSkew": 2},
            {"by": "label", "label": "topology/zone", "maxSkew": 3},
        ]},
    ),
    "tolerations": (
        {"tolerations": ("gpu", "gpu:NoSchedule", "gpu=a100:NoExecute:300", "old=")},
        {"tolerations": [
            {"key": "gpu", "operator": "Exists"},
            {"key": "gpu", "operator": "Exists", "effect": "NoSchedule"},
            {"key": "gpu", "operator": "Equal", "value": "a100", "effect": "NoExecute", "tolerationSeconds": 300},
            {"key": "old", "operator": "Equal", "value": ""},
        ]},
    ),
}  # fmt: skip
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "targets": ({"minimum": 3, "maximum": 2}, "--min-targets must not be greater"),
    "weights-of-copies": ({"weights": ("east=1",)}, "--weights are for --replicas-mode Divided"),
    "weights-and-room": (
        {"mode": "divided", "divide_by": "freecapacity", "weights": ("east=1",)},
        "exclude each other",
    ),
    "weight": ({"mode": "divided", "weights": ("east",)}, "want SYNC-TARGET=NUMBER"),
    "spread": ({"spread": ("zone",)}, "want cell, location or label:KEY"),
    "spread-label": ({"spread": ("label",)}, "want cell, location or label:KEY"),
    "spread-skew": ({"spread": ("cell=0",)}, "with =N"),
    "toleration": ({"tolerations": ("gpu:Never",)}, "want KEY"),
    "toleration-superscript": ({"tolerations": ("gpu:NoExecute:²",)}, "--tolerations"),
    "weight-superscript": ({"mode": "divided", "weights": ("east=²",)}, "--weights"),
    "toleration-seconds": ({"tolerations": ("gpu:NoSchedule:3",)}, "NoExecute"),
    "namespaces": ({"namespace_selector": "a in"}, "namespace selector format not correct"),
    "greater": ({"sync_target_selector": "a>3"}, "sync target selector format not correct"),
    "locations": ({"location_selectors": ("a=b=c",)}, "location selector format not correct"),
}


@pytest.mark.parametrize(("texts", "expected"), JOINED.values(), ids=JOINED)
def test_any_of_several_location_selectors(texts: list[str], expected: dict[str, Any]) -> None:
    assert any_of(texts) == expected


@pytest.mark.parametrize("texts", NOT_JOINED.values(), ids=NOT_JOINED)
def test_what_one_selector_can_not_say(texts: list[str]) -> None:
    with pytest.raises(ValueError, match="bind once for each"):
        any_of(texts)


def test_lists_are_split_at_commas_outside_of_sets() -> None:
    assert split_selectors("a in (b,c), d=e") == ["a in (b,c)", "d=e"]


@pytest.mark.parametrize(("flags", "expected"), SPECS.values(), ids=SPECS)
def test_spec(flags: dict[str, Any], expected: dict[str, Any]) -> None:
    spec = placement_spec(ComputeFlags(location_workspace="root:platform", **flags))
    assert {field: spec[field] for field in expected} == expected


@pytest.mark.parametrize(("flags", "message"), WRONG.values(), ids=WRONG)
def test_wrong_flags(flags: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        placement_spec(ComputeFlags(location_workspace="root:platform", **flags))


def test_the_same_call_means_the_same_placement() -> None:
    """The name is kcp's where only kcp's flags are used; what chooses otherwise has another name."""
    plain = ComputeFlags(location_workspace="root:platform", namespace_selector="a=b")
    assert (
        plain.placement_name()
        == ComputeFlags(location_workspace="root:platform", namespace_selector="a=b", minimum=2).placement_name()
    )
    others = {
        ComputeFlags(location_workspace="root:platform", sync_target_selector="a=b").placement_name(),
        ComputeFlags(location_workspace="root:platform", workload_selector="a=b").placement_name(),
        plain.placement_name(),
    }
    assert len(others) == 3


def test_defaults_of_the_server_are_no_difference() -> None:
    wanted = placement_spec(ComputeFlags(location_workspace="root:platform"))
    stored = {**wanted, "eviction": {"graceSeconds": 10}, "preferences": [], "replicas": {"mode": "Duplicated"}}
    assert differing_fields(stored, wanted) == []
    assert differing_fields({**stored, "targets": {"min": 1, "max": 2}, "spread": [{"by": "cell"}]}, wanted) == [
        "targets",
        "spread",
    ]


def test_dry_run_prints_the_placement_and_connects_to_nothing() -> None:
    arguments = ["root:platform", "--name", "web", "--location-selectors", "region=a,region=b", "--dry-run"]
    done = CliRunner().invoke(cli, ["bind", "compute", *arguments])
    assert done.exit_code == 0, done.output
    placement = yamlio.load_all(done.output)[0]
    assert (placement["kind"], placement["metadata"]["name"]) == ("Placement", "web")
    assert placement["spec"]["locationSelector"] == any_of(["region=a", "region=b"])
