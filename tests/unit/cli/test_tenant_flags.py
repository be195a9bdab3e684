"""What the flags about tenants put into a syncer's manifests."""

from __future__ import annotations

from dataclasses import replace

import click
import pytest
from click.testing import CliRunner
from tests.unit.cli.test_syncer_manifests import PLAN

from headwater.cli.failure import CommandFailed
from headwater.cli.main import cli
from headwater.cli.synctarget.manifests import downstream_objects
from headwater.cli.tenantflags import TenantFlags, tenant_options
from headwater.machinery.objects import Object
from headwater.syncer.dns.desired import role_rule


def arguments(objects: list[Object]) -> list[str]:
    found: list[str] = objects[-1]["spec"]["template"]["spec"]["containers"][0]["args"]
    return found


def test_nothing_by_default() -> None:
    """Neither rights nor flags for what is not used."""
    objects = downstream_objects(PLAN)
    flags = ("--dns-image", "--cluster-domain", "--isolate-tenants", "--pod-cidrs")
    assert not [each for each in arguments(objects) if each.startswith(flags)]
    assert not [each for each in objects if each["metadata"]["name"].startswith("kcp-dns")]
    role = next(each for each in objects if each["kind"] == "ClusterRole")
    assert not [rule for rule in role["rules"] if "networkpolicies" in rule["resources"]]


def test_resolvers_take_rights_in_the_syncers_own_namespace() -> None:
    """Enough to grant a resolver what it needs, without a right to grant more than the syncer has."""
    objects = downstream_objects(replace(PLAN, tenants=TenantFlags(dns_image="hw:1", cluster_domain="k8s.example")))
    assert {"--dns-image=hw:1", "--cluster-domain=k8s.example"} <= set(arguments(objects))
    role = next(each for each in objects if each["kind"] == "Role" and each["metadata"]["name"] == "kcp-dns-east-x")
    assert role["metadata"]["namespace"] == PLAN.namespace
    verbs = {resource: set(rule["verbs"]) for rule in role["rules"] for resource in rule["resources"]}
    assert verbs.keys() == {
        "configmaps", "serviceaccounts", "services", "deployments", "networkpolicies", "rolebindings", "roles",
    }  # fmt: skip
    assert not {"*", "escalate", "bind"} & set().union(*verbs.values())
    assert set(role_rule("any")["verbs"]) <= verbs["configmaps"]
    before = next(each for each in downstream_objects(PLAN) if each["kind"] == "ClusterRole")
    assert next(each for each in objects if each["kind"] == "ClusterRole") == before


def test_isolation_takes_a_right_to_policies() -> None:
    flags = TenantFlags(isolate_tenants=True, pod_cidrs=("10.0.0.0/8", "fd00::/48"))
    objects = downstream_objects(replace(PLAN, tenants=flags))
    assert arguments(objects)[-2:] == ["--isolate-tenants", "--pod-cidrs=10.0.0.0/8,fd00::/48"]
    role = next(each for each in objects if each["kind"] == "ClusterRole")
    assert [rule["verbs"] for rule in role["rules"] if "networkpolicies" in rule["resources"]] == [
        ["create", "get", "list", "update", "watch"]
    ]


def test_what_is_taken_back_is_told_and_takes_what_removing_takes() -> None:
    """The syncer is to remove policies and resolvers, which it can't do with less."""
    kept = downstream_objects(replace(PLAN, tenants=TenantFlags(dns_image="hw:1")))
    objects = downstream_objects(replace(PLAN, tenants=TenantFlags(dns_image="", isolate_tenants=False)))
    assert arguments(objects)[-2:] == ["--dns-image=", "--no-isolate-tenants"]
    role = next(each for each in objects if each["kind"] == "ClusterRole")
    assert [rule["verbs"] for rule in role["rules"] if "networkpolicies" in rule["resources"]] == [["delete", "list"]]
    resolvers = [[each for each in found if each["metadata"]["name"] == "kcp-dns-east-x"] for found in (kept, objects)]
    assert len(resolvers[0]) == 2
    assert resolvers[0] == resolvers[1]


def parsed(*flags: str) -> TenantFlags:
    found: list[TenantFlags] = []

    @click.command()
    @tenant_options
    def command(tenants: TenantFlags) -> None:
        found.append(tenants)

    command.main(list(flags), standalone_mode=False)
    return found[0]


def test_flags_say_what_a_syncer_reads_from_them() -> None:
    flags = parsed("--dns-image=hw:1", "--isolate-tenants", "--pod-cidrs=10.0.0.1/8, fd00::/48")
    assert flags.options() == {
        "dns_image": "hw:1",
        "cluster_domain": "cluster.local",
        "isolate_tenants": True,
        "pod_cidrs": ("10.0.0.0/8", "fd00::/48"),
    }
    assert parsed(*flags.arguments()) == flags
    taken_back = parsed("--dns-image=", "--no-isolate-tenants")
    assert (taken_back.dns_image, taken_back.isolate_tenants) == ("", False)
    assert parsed(*taken_back.arguments()) == taken_back
    assert parsed() == TenantFlags()
    assert parsed().arguments() == []


ISOLATED = TenantFlags("hw:1", "k8s.example", True, ("10.0.0.0/8",))
OPEN = TenantFlags(cluster_domain="k8s.example")


@pytest.mark.parametrize(
    ("flags", "before", "after"),
    [
        pytest.param([], ISOLATED, ISOLATED, id="nothing said"),
        pytest.param([], TenantFlags(), TenantFlags(), id="nothing ever"),
        pytest.param(["--dns-image=hw:2"], ISOLATED, replace(ISOLATED, dns_image="hw:2"), id="another image"),
        pytest.param(["--dns-image="], ISOLATED, replace(ISOLATED, dns_image=""), id="no resolvers any more"),
        pytest.param([], replace(ISOLATED, dns_image=""), replace(ISOLATED, dns_image=""), id="none stays none"),
        pytest.param(["--cluster-domain="], OPEN, TenantFlags(), id="the domain by default"),
        pytest.param(["--pod-cidrs="], ISOLATED, replace(ISOLATED, pod_cidrs=None), id="no ranges any more"),
        pytest.param(["--pod-cidrs=fd00::/48"], ISOLATED, replace(ISOLATED, pod_cidrs=("fd00::/48",)), id="a range"),
        pytest.param(
            ["--no-isolate-tenants"],
            ISOLATED,
            replace(ISOLATED, isolate_tenants=False, pod_cidrs=None),
            id="ranges go with the walls",
        ),
    ],
)
def test_what_is_not_said_stays(flags: list[str], before: TenantFlags, after: TenantFlags) -> None:
    assert parsed(*flags).over(before) == after


def test_a_new_pcluster_has_nothing_to_take_back() -> None:
    """So no right to remove anything is needed."""
    assert parsed("--dns-image=", "--no-isolate-tenants").at_first() == TenantFlags()
    assert ISOLATED.at_first() == ISOLATED


@pytest.mark.parametrize(
    ("flags", "before", "message"),
    [
        (["--isolate-tenants", "--pod-cidrs=10.0.0.0/33"], OPEN, "--pod-cidrs: '10.0.0.0/33' does not appear"),
        (["--pod-cidrs=10.0.0.0/8"], OPEN, "--pod-cidrs needs --isolate-tenants"),
        (["--pod-cidrs=10.0.0.0/8", "--no-isolate-tenants"], ISOLATED, "--pod-cidrs needs --isolate-tenants"),
        (["--cluster-domain=X.y"], OPEN, "--cluster-domain 'X.y' is no DNS domain"),
        (["--dns-image=a b"], OPEN, "--dns-image 'a b' is no name of an image"),
    ],
)
def test_flags_that_can_not_work(flags: list[str], before: TenantFlags, message: str) -> None:
    with pytest.raises(CommandFailed, match=message):
        parsed(*flags).over(before)


AGENT = ["--from-kubeconfig=x", "--from-cluster=a", "--sync-target-name=a", "--sync-target-uid=u"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["syncer"], "Missing option '--from-kubeconfig'"),
        (["syncer", *AGENT, "nothing"], "Got unexpected extra argument (nothing)"),
        (["syncer", "dns"], "Missing option '--configmap'"),
        (["syncer", "dns", "--from-kubeconfig=x"], "No such option"),
        (["syncer", "--help"], "dns  Run the resolver of one workspace"),
        (["syncer", "dns", "--help"], "Usage: headwater syncer dns [OPTIONS]"),
        (["syncer", "dns", "--configmap=x", "--cluster-domain=A"], "--cluster-domain 'A' is no DNS domain"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_beside_has_its_own_flags(arguments: list[str], text: str) -> None:
    assert text in CliRunner().invoke(cli, arguments, prog_name="headwater").output
