"""What a syncer brings up through its virtual workspace, and what it is kept from."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.scheduling.ground import (
    COMPUTE,
    CONFIG_MAPS,
    EXPORTS,
    NAMESPACES,
    PODS,
    SCHEMAS,
    SECRETS,
    Space,
    Syncer,
    eventually,
    gone,
)
from tests.integration.virtual.stage import CLUSTER_ROLE_BINDINGS, COWBOYS, Stage

from headwater.apis.kube.kinds import kube_kinds
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.apiserver.authn.interface import UserInfo
from headwater.base import jsonio
from headwater.client.dynamic import ClusterClient
from headwater.client.paths import JSON_PATCH
from headwater.client.resource import ResourceClient
from headwater.controlplane.bootstrap.compute import schema_name, schema_object
from headwater.machinery.errors import (
    AlreadyExists,
    BadRequest,
    Conflict,
    Forbidden,
    MethodNotAllowed,
    NotFound,
    UnsupportedMediaType,
)
from headwater.machinery.gvk import GroupVersionKind, GroupVersionResource
from headwater.machinery.objects import Object, annotations, labels, resource_version, uid

VOLUMES = GroupVersionResource("", "v1", "persistentvolumes")
EVENTS = GroupVersionResource("", "v1", "events")
DERIVED = "experimental.workload.kcp.io/upsync-derived-resources"


class Upsyncer:
    """The upsyncer of one target."""

    def __init__(self, stage: Stage, syncer: Syncer, client: ClusterClient) -> None:
        self.stage = stage
        self.key = syncer.key
        self.client = client

    @property
    def marks(self) -> dict[str, str]:
        return {f"state.workload.kcp.io/{self.key}": "Upsync"}

    def resource(self, gvr: GroupVersionResource, space: str = "default", *, of: Space | None = None) -> ResourceClient:
        return self.client.cluster((of or self.stage.tenant).cluster).resource(gvr, space)

    def diff(self, *operations: Object) -> dict[str, str]:
        """The annotation by which the syncer changes an object on its way up."""
        return {f"internal.workload.kcp.io/upsyncdiff{self.key}": jsonio.dumps(operations).decode()}

    def pod(self, name: str = "p", **meta: Any) -> Object:
        meta.setdefault("labels", self.marks)
        spec = {"containers": [{"name": "c", "image": "nginx"}]}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **meta}, "spec": spec}

    def volume(self, **meta: Any) -> Object:
        meta.setdefault("labels", self.marks)
        spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/tmp/data"}}
        return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv", **meta}, "spec": spec}


async def upsyncer_of(stage: Stage, name: str, user: UserInfo | None = None) -> Upsyncer:
    found = await stage.west.resource(SYNC_TARGETS).get(name)
    base = f"/services/upsyncer/{stage.west.cluster}/{name}/{uid(found)}"
    loopback = stage.ground.process.api.loopback(user) if user else stage.ground.process.api.loopback()
    return Upsyncer(stage, getattr(stage, name), ClusterClient(loopback, base_path=base))


@pytest.fixture
async def north(stage: Stage) -> Upsyncer:
    """The upsyncer of north, where the tenant's namespace is placed; the tenant and both targets know pods."""
    await stage.tenant.bind()
    await stage.place("north")
    return await upsyncer_of(stage, "north")


@pytest.fixture
async def volumes(stage: Stage, north: Upsyncer) -> Upsyncer:
    """The same with an export of PersistentVolumes."""
    kind = kube_kinds()[GroupVersionKind("", "v1", "PersistentVolume")]
    await stage.west.resource(SCHEMAS).create(schema_object(kind))
    entry = {"group": "", "name": "persistentvolumes", "schema": schema_name(kind)}
    body = {"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIExport", "metadata": {"name": "volumes"}}
    await stage.west.resource(EXPORTS).create({**body, "spec": {"resources": [entry]}})
    read = stage.west.resource(EXPORTS).get
    await eventually(lambda: read("volumes"), lambda obj: (obj.get("status") or {}).get("identityHash"))
    await stage.tenant.bind(stage.west.path, "volumes")
    exports = [{"export": "wildwest"}, {"export": "volumes"}, COMPUTE]
    targets = stage.west.resource(SYNC_TARGETS)
    await targets.patch("north", {"spec": {"supportedAPIExports": exports}})
    await eventually(
        lambda: targets.get("north"),
        lambda obj: "persistentvolumes" in [each["resource"] for each in obj["status"]["syncedResources"]],
    )
    await stage.west.accept("north")
    return north


async def test_discovery(north: Upsyncer) -> None:
    """Only what a pcluster makes is there: no workloads, and nothing of scale."""
    found = await north.client.cluster("*").get_json("/api/v1")
    verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
    served = {each["name"]: each["verbs"] for each in found["resources"]}
    assert served == {
        "endpoints": verbs, "events": verbs, "pods": verbs, "pods/status": ["get", "patch", "update"], "secrets": verbs,
    }  # fmt: skip
    groups = {group["name"] for group in (await north.client.cluster("*").get_json("/apis"))["groups"]}
    assert groups == {"discovery.k8s.io", "wildwest.dev"}
    for path in ("/api/v1/services", "/apis/apps/v1", "/apis/apps/v1/deployments", "/api/v1/namespaces", "/version"):
        with pytest.raises(NotFound):
            await north.client.cluster("*").get_json(path)


async def test_volumes_are_listed(stage: Stage, volumes: Upsyncer) -> None:
    """U1: an object that carries the label is there, over one logical cluster and over all; others are not."""
    resource = stage.tenant.resource(VOLUMES)
    await resource.create(volumes.volume())
    await resource.create(volumes.volume(name="own", labels={}))
    for cluster in (stage.tenant.cluster, "*"):
        [found] = (await volumes.client.cluster(cluster).resource(VOLUMES).list())["items"]
        assert found["metadata"]["name"] == "pv"
    south = await upsyncer_of(stage, "south")
    with pytest.raises(NotFound):
        await south.resource(VOLUMES, "").get("pv")


async def test_volumes_are_made_and_report(stage: Stage, volumes: Upsyncer) -> None:
    """U2, U3, U5, U6, U7: created without status, which is written by itself; changed, kept to its label, deleted."""
    resource = volumes.resource(VOLUMES, "")
    made = await resource.create({**volumes.volume(), "status": {"phase": "Available"}})
    assert not made.get("status")
    await resource.update_status({**made, "status": {"phase": "Available"}})
    stored = await stage.tenant.resource(VOLUMES).get("pv")
    assert stored["status"]["phase"] == "Available"
    patch = '[{"op": "replace", "path": "/spec/capacity/storage", "value": "2Gi"}]'
    note = f"internal.workload.kcp.io/upsyncdiff{volumes.key}"
    other = await resource.create(volumes.volume(name="diffed", annotations={note: patch}))
    assert other["spec"]["capacity"] == {"storage": "2Gi"}
    assert note not in annotations(other)
    changed = {**stored, "spec": {**stored["spec"], "hostPath": {"path": "/tmp/else"}}}
    stored = await resource.update(changed)
    assert (await stage.tenant.resource(VOLUMES).get("pv"))["spec"]["hostPath"]["path"] == "/tmp/else"
    with pytest.raises(BadRequest, match="does not match labels"):
        await resource.update({**stored, "metadata": {**stored["metadata"], "labels": {}}})
    with pytest.raises(BadRequest, match="does not match labels"):
        await resource.update_status({**stored, "metadata": {**stored["metadata"], "labels": {}}})
    assert await stage.tenant.resource(VOLUMES).get("pv") == stored
    await resource.delete("pv")
    with pytest.raises(NotFound):
        await stage.tenant.resource(VOLUMES).get("pv")


async def test_creation_needs_the_label(stage: Stage, north: Upsyncer) -> None:
    """U4, and a label for another target, a state that would bring it down, and marks that are forged."""
    pods = north.resource(PODS)
    south = f"state.workload.kcp.io/{stage.south.key}"
    own = next(iter(north.marks))
    for marks in ({}, {own: "Sync"}, {south: "Upsync"}):
        with pytest.raises(BadRequest, match="does not match labels"):
            await pods.create(north.pod(labels=marks))
    forged: list[Object] = [
        {"labels": {**north.marks, south: "Sync"}},
        {"annotations": {f"deletion.internal.workload.kcp.io/{stage.south.key}": "2026-01-01T00:00:00Z"}},
        {"finalizers": ["example.io/held"]},
        {"ownerReferences": [{"apiVersion": "v1", "kind": "Namespace", "name": "default", "uid": "u"}]},
    ]
    for meta in forged:
        with pytest.raises(Forbidden):
            await pods.create(north.pod(**meta))
    with pytest.raises(BadRequest, match="created there"):
        await north.resource(PODS, "").create(north.pod())
    assert (await stage.tenant.resource(PODS, "default").list())["items"] == []


async def test_nothing_is_made_where_nothing_is_placed(stage: Stage, north: Upsyncer) -> None:
    """Not in the tenant's other namespaces, other workspaces, ones that don't exist, and not through another target."""
    await stage.tenant.namespace("other")
    south = await upsyncer_of(stage, "south")
    answers = set()
    for client, kind in (
        (north.resource(PODS, "none"), north),
        (north.resource(PODS, of=stage.west), north),
        (north.client.cluster("doesnotexist").resource(PODS, "default"), north),
        (south.resource(PODS), south),
    ):
        with pytest.raises(Forbidden, match="is placed on the SyncTarget") as caught:
            await client.create(kind.pod())
        answers.add(str(caught.value).replace("'none'", "'default'"))
    assert len(answers) == 1, "an answer tells nothing about what is there"
    with pytest.raises((Forbidden, BadRequest)):
        await north.client.cluster("*").resource(PODS, "default").create(north.pod())
    assert (await stage.tenant.resource(PODS).list())["items"] == []


async def test_an_object_alone_makes_its_namespace_a_place(stage: Stage, north: Upsyncer) -> None:
    """What was put on a target that its namespace has not is reason enough; what came up from there is none."""
    await stage.ground.skip(10)
    namespaces = stage.tenant.resource(NAMESPACES)
    await namespaces.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-public2"}})
    south = await upsyncer_of(stage, "south")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "data": {}}
    only_up = {"name": "up", "labels": south.marks}
    await stage.tenant.resource(CONFIG_MAPS, "default").create({**body, "metadata": only_up})
    with pytest.raises(Forbidden, match="is placed"):
        await south.resource(PODS).create(south.pod())
    own = next(iter(south.marks))
    await stage.tenant.resource(CONFIG_MAPS, "default").create(
        {**body, "metadata": {"name": "down", "labels": {own: "Sync"}, "finalizers": [stage.south.finalizer]}}
    )
    await south.resource(PODS).create(south.pod())
    assert labels(await stage.tenant.resource(PODS, "default").get("p")) == south.marks


async def test_objects_of_others_are_out_of_reach(stage: Stage, north: Upsyncer) -> None:
    """A tenant's own, and those of another target, can't be read, taken over, changed or deleted."""
    other = {f"state.workload.kcp.io/{stage.south.key}": "Upsync"}
    secrets = stage.tenant.resource(SECRETS, "default")
    await stage.tenant.resource(NAMESPACES).patch("default", {"metadata": {"annotations": {DERIVED: "secrets"}}})
    for name, marks in (("own", {}), ("south", other)):
        await secrets.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "labels": marks}})
        seen = north.resource(SECRETS)
        before = await secrets.get(name)
        for call in (
            seen.get(name),
            seen.patch(name, {"metadata": {"labels": north.marks}}),
            seen.update({**before, "metadata": {**before["metadata"], "labels": north.marks}}),
            seen.delete(name),
        ):
            with pytest.raises(NotFound, match=f'secrets "{name}" not found'):
                await call
        with pytest.raises(AlreadyExists):
            await seen.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "labels": north.marks}})
        assert await secrets.get(name) == before
    assert (await north.client.cluster("*").resource(SECRETS).list())["items"] == []


async def test_secrets_come_up_only_where_they_are_asked_for(stage: Stage, north: Upsyncer) -> None:
    """The tenant says so on the Namespace; taken back, they can be deleted and not changed. No credentials, ever."""
    secret: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "labels": north.marks}}
    secrets = north.resource(SECRETS)
    with pytest.raises(Forbidden, match="does not ask for Secrets"):
        await secrets.create(secret)
    namespaces = stage.tenant.resource(NAMESPACES)
    await namespaces.patch("default", {"metadata": {"annotations": {DERIVED: "secrets"}}})
    await secrets.create(secret)
    notes = {"kubernetes.io/service-account.name": "default"}
    meta = {"name": "t", "labels": north.marks, "annotations": notes}
    for type_ in ("kubernetes.io/service-account-token", "Opaque"):
        with pytest.raises(Forbidden, match="credential"):
            await secrets.create({**secret, "type": type_, "metadata": meta})
    with pytest.raises(Forbidden, match="credential"):
        await secrets.patch("s", {"metadata": {"annotations": notes}})
    made_one = north.diff({"op": "add", "path": "/type", "value": "bootstrap.kubernetes.io/token"})
    with pytest.raises(Forbidden, match="credential"):
        await secrets.create({**secret, "metadata": {**meta, "annotations": made_one}})
    await namespaces.patch("default", {"metadata": {"annotations": {DERIVED: None}}})
    with pytest.raises(Forbidden, match="does not ask for Secrets"):
        await secrets.patch("s", {"data": {"a": "YQ=="}})
    await secrets.delete("s")


async def test_pods_come_up_and_change(stage: Stage, north: Upsyncer) -> None:
    """Patches of both types, conflicts, preconditions, and no other verb."""
    pods = north.resource(PODS)
    made = await pods.create(north.pod())
    await pods.patch_status("p", {"status": {"phase": "Running"}})
    await pods.patch("p", [{"op": "add", "path": "/metadata/annotations", "value": {"a": "b"}}], patch_type=JSON_PATCH)
    stored = await stage.tenant.resource(PODS, "default").get("p")
    assert (stored["status"]["phase"], annotations(stored)["a"]) == ("Running", "b")
    with pytest.raises(Conflict):
        await pods.update({**made, "spec": {**made["spec"], "nodeName": "late"}})
    with pytest.raises(Conflict):
        await pods.patch("p", {"metadata": {"resourceVersion": resource_version(made), "labels": {"x": "y"}}})
    with pytest.raises(BadRequest, match="does not match the name on the URL"):
        await pods.patch("p", {"metadata": {"name": "q"}})
    with pytest.raises(UnsupportedMediaType):
        await pods.patch("p", {}, patch_type="application/apply-patch+yaml")
    with pytest.raises(MethodNotAllowed):
        await pods.delete_collection()
    with pytest.raises(MethodNotAllowed):
        await pods.create_subresource("p", "binding", north.pod())
    with pytest.raises(BadRequest, match="dryRun"):
        await pods.create(north.pod("q"), dry_run=True)
    raw = north.client.cluster(stage.tenant.cluster)
    for body in (
        b"{",
        b"[]",
        b"[" * 300 + b"]" * 300,
        b'{"metadata": {"labels": [1]}}',
        b'{"metadata": {"finalizers": "x"}}',
        b'{"metadata": 1}',
    ):
        answer = await raw.raw("POST", "/api/v1/namespaces/default/pods", body=body)
        assert answer.status == 400, body
    with pytest.raises(Conflict):
        await pods.delete("p", uid="another")
    await pods.delete("p", uid=uid(made))
    await gone(lambda: stage.tenant.resource(PODS, "default").get("p"))


async def test_events_are_about_their_own_namespace(stage: Stage, north: Upsyncer) -> None:
    """An Event needs a place as everything else."""
    event: Object = {
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "labels": north.marks},
        "involvedObject": {"kind": "Pod", "name": "p", "namespace": "default"}, "reason": "Pulled", "message": "m",
    }  # fmt: skip
    await north.resource(EVENTS).create(event)
    assert (await stage.tenant.resource(EVENTS, "default").get("e"))["reason"] == "Pulled"
    elsewhere = {**event, "involvedObject": {"kind": "Pod", "name": "p", "namespace": "kube-system"}}
    moved = north.diff({"op": "replace", "path": "/involvedObject/namespace", "value": "kube-system"})
    meta = {**event["metadata"], "name": "f"}
    for forged in ({**elsewhere, "metadata": meta}, {**event, "metadata": {**meta, "annotations": moved}}):
        with pytest.raises(Forbidden, match=r"involvedObject\.namespace"):
            await north.resource(EVENTS).create(forged)
    with pytest.raises(Forbidden, match=r"involvedObject\.namespace"):
        await north.resource(EVENTS).patch("e", {"metadata": {"annotations": moved}})


async def test_watching(stage: Stage, north: Upsyncer) -> None:
    """Over all logical clusters, the events of what the target brought up, until the right to it ends."""
    everything = north.client.cluster("*").resource(PODS)
    start = (await everything.list())["metadata"]["resourceVersion"]
    other = {f"state.workload.kcp.io/{stage.south.key}": "Upsync"}
    await stage.tenant.resource(PODS, "default").create(north.pod("other", labels=other))
    await north.resource(PODS).create(north.pod())
    seen = []
    async with everything.watch(resource_version=start) as events:
        async for kind, obj in events:
            seen.append((kind, obj["metadata"].get("name")))
            if kind == "ADDED":
                await north.resource(PODS).delete("p")
            if kind == "DELETED":
                break
    assert [each for each in seen if each[0] != "BOOKMARK"] == [("ADDED", "p"), ("DELETED", "p")]
    with pytest.raises(BadRequest):
        await everything.list(label_selector="who in (")
    with pytest.raises(BadRequest):
        await north.client.cluster("*").resource(PODS, "default").list()


async def test_strangers_and_earlier_targets_are_kept_out(stage: Stage, north: Upsyncer) -> None:
    """Without the right to sync there is nothing, and with another UID no target."""
    stranger = await upsyncer_of(stage, "north", UserInfo("stranger", groups=("system:authenticated",)))
    for call in (stranger.client.cluster("*").get_json("/api/v1"), stranger.resource(PODS).create(stranger.pod())):
        with pytest.raises(Forbidden, match="cannot sync it"):
            await call
    stale = f"/services/upsyncer/{stage.west.cluster}/north/another-uid"
    client = ClusterClient(stage.ground.process.api.loopback(), base_path=stale)
    with pytest.raises(NotFound):
        await client.cluster("*").resource(PODS).list()
    assert jsonio.dumps(north.marks)


async def test_what_came_up_goes_with_its_target(stage: Stage, north: Upsyncer) -> None:
    """When the SyncTarget is deleted nobody is left to look after its objects, held by its finalizer or not."""
    finalizer = f"workload.kcp.io/syncer-{north.key}"
    await north.resource(PODS).create(north.pod("held", finalizers=[finalizer]))
    await north.resource(PODS).create(north.pod("free"))
    await north.resource(COWBOYS).create(
        {"apiVersion": "wildwest.dev/v1alpha1", "kind": "Cowboy", "metadata": {"name": "c", "labels": north.marks}}
    )
    await stage.west.resource(SYNC_TARGETS).delete("north")
    for gvr, name in ((PODS, "held"), (PODS, "free"), (COWBOYS, "c")):
        await gone(lambda gvr=gvr, name=name: stage.tenant.resource(gvr, "default").get(name))


async def test_tenants_see_pods_and_make_none(stage: Stage, north: Upsyncer) -> None:
    """Pods are the pcluster's: an administrator of the workspace reads them, and can do nothing else with them."""
    await north.resource(PODS).create(north.pod())
    group = "rbac.authorization.k8s.io"
    await stage.tenant.resource(CLUSTER_ROLE_BINDINGS).create(
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "user-1"},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"apiGroup": group, "kind": "User", "name": "user-1"}],
        }
    )
    user = UserInfo("user-1", groups=("system:authenticated",))
    pods = stage.ground.as_user(user).cluster(stage.tenant.cluster).resource(PODS, "default")
    assert (await pods.get("p"))["metadata"]["name"] == "p"
    refused = r'User "user-1" cannot create resource "pods" in API group "" in the namespace "default"'
    with pytest.raises(Forbidden, match=refused):
        await pods.create(north.pod("own", labels={}))
    for call in (pods.delete("p"), pods.patch("p", {"metadata": {"labels": {"a": "b"}}})):
        with pytest.raises(Forbidden, match="cannot"):
            await call


async def test_pods_of_a_lost_pcluster_are_unknown(stage: Stage, north: Upsyncer) -> None:
    """Not heard of, a pod is neither ready nor not; what the syncer reports when it is back stands."""
    await north.resource(PODS).create(north.pod())
    ready = [{"type": "Ready", "status": "True"}, {"type": "PodScheduled", "status": "True"}]
    running = {"status": {"phase": "Running", "conditions": ready, "reason": None, "message": None}}
    await north.resource(PODS).patch_status("p", running)
    pods = stage.tenant.resource(PODS, "default")
    await stage.ground.skip(100)
    lost = await eventually(lambda: pods.get("p"), lambda obj: obj["status"].get("reason"))
    assert lost["status"]["reason"] == "SyncTargetUnreachable"
    assert lost["status"]["phase"] == "Running"
    statuses = {each["type"]: each["status"] for each in lost["status"]["conditions"]}
    assert statuses == {"Ready": "Unknown", "PodScheduled": "True"}
    await stage.west.beat("north")
    await north.resource(PODS).patch_status("p", running)
    back = (await pods.get("p"))["status"]
    assert back["conditions"][0]["status"] == "True"
    assert "reason" not in back
