"""A resolver for each workspace on the pcluster, pods that ask it, and policies that keep tenants apart."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
from tests.integration.servers import config_map, eventually
from tests.integration.servers import namespace as namespace_object
from tests.integration.syncer.conftest import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, PLURALS, Line
from tests.integration.syncer.test_line import copy_of, deployment

from headwater.apis.workload.labels import (
    DNS_LABEL,
    ISOLATION_LABEL,
    ISOLATION_POLICY,
    TENANT_LABEL,
    WORKSPACE_LABEL,
    dns_id,
    sync_failure_annotation,
    syncer_id,
)
from headwater.cli.synctarget.ownspace import resolver_objects
from headwater.client.resource import ResourceClient
from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, annotations, labels, name, nested, uid
from headwater.syncer import leftovers
from headwater.syncer.dns.desired import NETWORK_POLICIES, RESOURCES, ROLES, SERVICE_ACCOUNTS, SERVICES
from headwater.syncer.spec import dnsgate
from headwater.syncer.target.needs import needed_rules

OWN = "kcp-syncer"
PODS = GroupVersionResource("", "v1", "pods")


@pytest.fixture
async def resolving(line: Line) -> AsyncIterator[Line]:
    """A line whose syncer has an image for resolvers and isolates tenants, and no right to either yet."""
    await line.stop_agent()
    line.options = replace(line.options, dns_image="headwater:1", own_namespace=OWN, isolate_tenants=True)
    line.start_agent()
    yield line


async def grant(line: Line) -> None:
    """Apply what the manifests have for these flags."""
    identity = syncer_id("west", uid(line.target))
    for obj in resolver_objects(identity, OWN):
        await line.downstream.resource(PLURALS[obj["kind"]], OWN).apply(obj, field_manager="test")
    rule = needed_rules((), isolate_tenants=True)[-1]
    assert rule["resources"] == ["networkpolicies"]
    roles = line.downstream.resource(PLURALS["ClusterRole"])
    await roles.patch(identity, {"rules": [*(await roles.get(identity))["rules"], rule]})


def resolver_name(line: Line) -> str:
    return dns_id("west", uid(line.target), line.cluster)


async def own(line: Line, gvr: GroupVersionResource) -> Object | None:
    """An object of the workspace's resolver."""
    try:
        return await line.downstream.resource(gvr, OWN).get(resolver_name(line))
    except NotFound:
        return None


async def mapped(line: Line) -> Object:
    """The namespaces that the resolver knows."""
    found = await own(line, CONFIG_MAPS)
    data: Object = (found or {}).get("data") or {}
    return data


async def test_pods_ask_the_resolver_of_their_workspace(resolving: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """A workload waits for it, and says so, and nothing else does; then its pods look in their own namespace first."""
    monkeypatch.setattr(dnsgate, "PATIENCE_SECONDS", 0.0)
    line = resolving
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await line.workspace.resource(DEPLOYMENTS, "web").create(deployment("frontend"))
    await line.workspace.resource(CONFIG_MAPS, "web").create(config_map("settings"))
    await eventually(lambda: copy_of(line, "settings", CONFIG_MAPS))
    assert await copy_of(line, "frontend") is None
    told = sync_failure_annotation(line.key)

    async def waits(wanted: bool) -> bool:
        frontend = await line.workspace.resource(DEPLOYMENTS, "web").get("frontend")
        return annotations(frontend).get(told, "").startswith("DNSNotReady: ") is wanted

    await eventually(lambda: waits(True))
    await grant(line)
    copy = await eventually(lambda: copy_of(line, "frontend"))
    service = await line.downstream.resource(SERVICES, OWN).get(resolver_name(line))
    pods = nested(copy, "spec", "template", "spec")
    assert (pods["dnsPolicy"], pods["dnsConfig"]) == (
        "None",
        {
            "nameservers": [service["spec"]["clusterIP"]],
            "searches": ["web.svc.cluster.local", "svc.cluster.local", "cluster.local"],
            "options": [{"name": "ndots", "value": "5"}],
        },
    )
    await eventually(lambda: waits(False))

    async def is_mapped() -> bool:
        return (await mapped(line)).get("web") == line.downstream_namespace("web")

    await eventually(is_mapped)
    await line.downstream.resource(SERVICES, OWN).delete(resolver_name(line))

    async def asks_the_new_one() -> bool:
        now = await own(line, SERVICES)
        asked = nested(await copy_of(line, "frontend"), "spec", "template", "spec", "dnsConfig", "nameservers")
        return now is not None and uid(now) != uid(service) and asked == [now["spec"]["clusterIP"]]

    await eventually(asks_the_new_one)


async def test_namespaces_come_and_go(resolving: Line) -> None:
    """The map follows them, and with the last one the resolver goes."""
    line = resolving
    await grant(line)
    spaces = line.workspace.resource(NAMESPACES)
    for each in ("web", "api"):
        await spaces.create(namespace_object(each))
        await line.workspace.resource(CONFIG_MAPS, each).create(config_map("settings"))

    async def both() -> bool:
        return {"web", "api"} <= (await mapped(line)).keys()

    await eventually(both)
    await spaces.delete("api")

    async def without_api() -> bool:
        return "api" not in await mapped(line) and "web" in await mapped(line)

    await eventually(without_api)
    await line.workspace.resource(GroupVersionResource("placement.kcp.io", "v1alpha1", "placements")).delete("all")
    await spaces.delete("web")

    async def gone() -> bool:
        return not [gvr for gvr in RESOURCES if await own(line, gvr)]

    await eventually(gone)


Break = Callable[[ResourceClient, str], Awaitable[object]]


async def test_what_is_changed_by_hand_is_put_back(resolving: Line) -> None:
    """Every object of a resolver, whether it is changed, extended or deleted."""
    line = resolving
    await grant(line)
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await line.workspace.resource(CONFIG_MAPS, "web").create(config_map("settings"))

    async def complete() -> bool:
        """The workspace has two namespaces on the pcluster, for their root CAs if for nothing else."""
        return {"default", "web"} <= (await mapped(line)).keys() and all(
            [await own(line, gvr) is not None for gvr in RESOURCES]
        )

    await eventually(complete)
    more = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}
    image = {"spec": {"template": {"spec": {"containers": [{"name": "kcp-dns", "image": "other:1"}]}}}}
    changes: list[tuple[GroupVersionResource, Object]] = [
        (CONFIG_MAPS, {"data": {"web": "kcp-other", "kube": "kube-system"}}),
        (CONFIG_MAPS, {"metadata": {"labels": None}}),
        (ROLES, {"rules": [more]}),
        (NETWORK_POLICIES, {"spec": {"ingress": [{}]}}),
        (SERVICES, {"spec": {"selector": {"more": "x"}}}),
        (DEPLOYMENTS, image),
    ]
    before = {gvr: await own(line, gvr) for gvr in RESOURCES}
    for gvr, patch in changes:
        await line.downstream.resource(gvr, OWN).patch(resolver_name(line), patch)
    for gvr in (SERVICE_ACCOUNTS, PLURALS["RoleBinding"]):
        await line.downstream.resource(gvr, OWN).delete(resolver_name(line))

    async def as_before() -> bool:
        for gvr, was in before.items():
            now = await own(line, gvr)
            assert was is not None
            fields = [field for field in was if field not in ("metadata", "status")]
            if now is None or labels(now) != labels(was) or any(now.get(each) != was.get(each) for each in fields):
                return False
        return True

    await eventually(as_before)


async def test_tenants_are_kept_apart(resolving: Line) -> None:
    """By a policy in each namespace that no tenant can replace, and by the label that it goes by."""
    line = resolving
    await grant(line)
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await line.workspace.resource(CONFIG_MAPS, "web").create(config_map("settings"))
    space = line.downstream_namespace("web")
    policies = line.downstream.resource(NETWORK_POLICIES, space)

    async def policy() -> Object | None:
        found = await policies.get(ISOLATION_POLICY)
        return found if found["spec"]["policyTypes"] == ["Ingress", "Egress"] else None

    made = await eventually(policy)
    tenant = labels(await line.downstream.resource(NAMESPACES).get(space))[TENANT_LABEL]
    assert made["spec"]["ingress"][0]["from"][0] == {"namespaceSelector": {"matchLabels": {TENANT_LABEL: tenant}}}
    allowing = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]}
    await line.workspace.resource(NETWORK_POLICIES, "web").create(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": ISOLATION_POLICY},
            "spec": allowing,
        }
    )

    async def both() -> bool:
        names = {name(each) for each in (await policies.list_all())[0]}
        return names == {ISOLATION_POLICY, f"kcp-{ISOLATION_POLICY}"}

    await eventually(both)
    assert (await policies.get(ISOLATION_POLICY))["spec"] == made["spec"]

    async def as_made() -> bool:
        marks = labels(await line.downstream.resource(NAMESPACES).get(space))
        return (await policies.get(ISOLATION_POLICY))["spec"] == made["spec"] and marks.get(TENANT_LABEL) == tenant

    await policies.patch(ISOLATION_POLICY, {"spec": allowing})
    await line.downstream.resource(NAMESPACES).patch(space, {"metadata": {"labels": {TENANT_LABEL: None}}})
    await eventually(as_made)
    await policies.delete(ISOLATION_POLICY)
    await eventually(as_made)


def asking_pod(address: str) -> Object:
    """A pod of the tenant that will not be replaced, as one of a long Job."""
    dns = {"dnsPolicy": "None", "dnsConfig": {"nameservers": [address]}}
    containers = [{"name": "c", "image": "nginx"}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "long"}, "spec": {"containers": containers, **dns}}


async def test_what_is_taken_back_goes_and_nothing_else(resolving: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """Walls at once, a resolver after the last pod that asks it; what only looks like ours stays."""
    monkeypatch.setattr(leftovers, "STILL_USED_SECONDS", 0.1)
    line = resolving
    await grant(line)
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await line.workspace.resource(DEPLOYMENTS, "web").create(deployment("frontend"))
    await eventually(lambda: copy_of(line, "frontend"))
    space = line.downstream_namespace("web")
    policies = line.downstream.resource(NETWORK_POLICIES, space)
    await eventually(lambda: policies.get(ISOLATION_POLICY))
    service = await line.downstream.resource(SERVICES, OWN).get(resolver_name(line))
    await line.downstream.resource(PODS, space).create(asking_pod(service["spec"]["clusterIP"]))
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": {"podSelector": {}}}
    foreign = [
        (space, "owners", {ISOLATION_LABEL: line.key}),
        ("default", ISOLATION_POLICY, {ISOLATION_LABEL: line.key}),
    ]
    for where, object_name, marks in foreign:
        meta = {"name": object_name, "labels": marks}
        await line.downstream.resource(NETWORK_POLICIES, where).create({**policy, "metadata": meta})
    alike = config_map("alike", **{DNS_LABEL: line.key, WORKSPACE_LABEL: line.cluster})
    await line.downstream.resource(CONFIG_MAPS, OWN).create(alike)
    await line.stop_agent()
    line.options = replace(line.options, dns_image="", isolate_tenants=False)
    line.start_agent()

    async def left() -> set[tuple[str, str]]:
        found, _ = await line.downstream.resource(NETWORK_POLICIES).list_all(
            label_selector=f"{ISOLATION_LABEL}={line.key}"
        )
        return {(each["metadata"]["namespace"], name(each)) for each in found}

    async def without_walls() -> bool:
        return await left() == {(where, object_name) for where, object_name, _ in foreign}

    async def asks_the_pcluster() -> bool:
        pods = nested(await copy_of(line, "frontend"), "spec", "template", "spec")
        return pods.get("dnsPolicy", "ClusterFirst") == "ClusterFirst" and "dnsConfig" not in pods

    await eventually(without_walls)
    await eventually(asks_the_pcluster)
    late = {"name": ISOLATION_POLICY, "labels": {ISOLATION_LABEL: line.key}}
    await policies.create({**policy, "metadata": late})
    await eventually(without_walls)  # So it has looked at all of it since.
    assert await own(line, SERVICES) is not None, "a pod still asks it"
    await line.downstream.resource(PODS, space).delete("long", grace_period_seconds=0)

    async def without_resolver() -> bool:
        return not [gvr for gvr in RESOURCES if await own(line, gvr)]

    await eventually(without_resolver)
    assert await line.downstream.resource(CONFIG_MAPS, OWN).get("alike")
    assert await without_walls()
