"""What comes up from a pcluster by itself, and goes again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.integration.servers import eventually
from tests.integration.servers import namespace as namespace_object
from tests.integration.syncer.conftest import DEPLOYMENTS, NAMESPACES, Line
from tests.integration.syncer.test_line import deployment

from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.apis.workload.labels import LOCATOR_ANNOTATION, SPEC_DIFF_ANNOTATION_PREFIX, sync_target_key
from headwater.client.resource import ResourceClient
from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, annotations, finalizers, labels, name, uid
from headwater.machinery.timestamps import format_time
from headwater.syncer.identity import TargetIdentity
from headwater.syncer.upsync import reconcile

PODS = GroupVersionResource("", "v1", "pods")
JOBS = GroupVersionResource("batch", "v1", "jobs")
SERVICES = GroupVersionResource("", "v1", "services")
ENDPOINTS = GroupVersionResource("", "v1", "endpoints")
SLICES = GroupVersionResource("discovery.k8s.io", "v1", "endpointslices")
SECRETS = GroupVersionResource("", "v1", "secrets")
EVENTS = GroupVersionResource("", "v1", "events")
STATEFUL_SETS = GroupVersionResource("apps", "v1", "statefulsets")
DERIVED = "experimental.workload.kcp.io/upsync-derived-resources"


async def gone(resource: ResourceClient, wanted: str) -> None:
    """Wait until there is no such object."""

    async def missing() -> bool:
        try:
            await resource.get(wanted)
        except NotFound:
            return True
        return False

    await eventually(missing)


async def named(resource: ResourceClient, count: int) -> dict[str, Object]:
    """The objects of a collection once there are so many."""

    async def complete() -> tuple[dict[str, Object]] | None:
        found = {name(each): each for each in (await resource.list())["items"]}
        return (found,) if len(found) == count else None

    objects: dict[str, Object] = (await eventually(complete))[0]
    return objects


async def running(line: Line, count: int) -> dict[str, Object]:
    """The pods of namespace `web` upstream, once so many of them run."""

    async def ready() -> dict[str, Object] | None:
        found = {name(each): each for each in (await line.workspace.resource(PODS, "web").list())["items"]}
        phases = [(each.get("status") or {}).get("phase") for each in found.values()]
        return found if phases == ["Running"] * count else None

    pods: dict[str, Object] = await eventually(ready)
    return pods


def service(object_name: str, **notes: str) -> Object:
    meta = {"name": object_name, "annotations": notes}
    spec = {"selector": {"app": "frontend"}, "ports": [{"port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}


async def started(line: Line, replicas: int = 2) -> str:
    """A Deployment that runs in namespace `web`; the namespace downstream."""
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await line.workspace.resource(DEPLOYMENTS, "web").create(deployment("frontend", replicas))
    return line.downstream_namespace("web")


async def test_pods_come_up_and_go(line: Line) -> None:
    """Their status is the pcluster's, nothing secret comes along, and they go when they are gone."""
    below = await started(line)
    pods = await running(line, 2)
    local = await named(line.downstream.resource(PODS, below), 2)
    assert pods.keys() == local.keys()
    for pod_name, pod in pods.items():
        assert labels(pod)[f"state.workload.kcp.io/{line.key}"] == "Upsync"
        assert labels(pod)["app"] == "frontend"
        assert pod["status"]["podIP"] == local[pod_name]["status"]["podIP"]
        assert pod["spec"]["nodeName"] == local[pod_name]["spec"]["nodeName"]
        assert "workload.kcp.io/rv" in annotations(pod)
        assert list(finalizers(pod)) == [f"workload.kcp.io/syncer-{line.key}"]
        assert "ownerReferences" not in pod["metadata"]
        assert "volumes" not in pod["spec"]
    await line.workspace.resource(DEPLOYMENTS, "web").patch("frontend", {"spec": {"replicas": 1}})
    [left] = await running(line, 1)
    assert left in pods
    await line.workspace.resource(DEPLOYMENTS, "web").delete("frontend")
    await named(line.workspace.resource(PODS, "web"), 0)


async def test_a_pod_whose_name_is_taken_is_told_of(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another pcluster's stays as it is, the StatefulSet says so, and once that one is gone ours is shown.

    With another first ordinal the names differ from the start.
    """
    monkeypatch.setattr(reconcile, "_UNCONFIRMED_SECONDS", 0.05)
    monkeypatch.setattr(reconcile, "_REFUSED_SECONDS", 0.2)
    await line.workspace.resource(SYNC_TARGETS).create(
        {"apiVersion": "sync.kcp.io/v1alpha1", "kind": "SyncTarget", "metadata": {"name": "east"}, "spec": {}}
    )
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    mark = f"state.workload.kcp.io/{sync_target_key(line.cluster, 'east')}"
    theirs = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "db-0", "labels": {mark: "Upsync"}}}
    containers = {"spec": {"containers": [{"name": "c", "image": "nginx"}]}}
    pods = line.workspace.resource(PODS, "web")
    made = await pods.create({**theirs, **containers})
    body = deployment("db")
    body.update(kind="StatefulSet", spec={**body["spec"], "serviceName": "db"})
    stateful_set = await line.workspace.resource(STATEFUL_SETS, "web").create(body)

    async def told() -> Object | None:
        found = (await line.workspace.resource(EVENTS, "web").list())["items"]
        return next((each for each in found if each["reason"] == "NotShown"), None)

    event = await eventually(told)
    assert event["involvedObject"]["uid"] == uid(stateful_set), "so `kubectl describe` finds it"
    assert event["message"].startswith("SyncTarget west runs pods that are not shown here")

    async def shown() -> dict[str, bool]:
        return {name(each): labels(each).get(mark) == "Upsync" for each in (await pods.list())["items"]}

    async def ours_beside_theirs() -> bool:
        return await shown() == {"db-0": True, "db-1": False}

    await eventually(ours_beside_theirs)
    assert uid(await pods.get("db-0")) == uid(made)
    await pods.delete("db-0", grace_period_seconds=0)

    async def ours() -> bool:
        return await shown() == {"db-0": False, "db-1": False}

    await eventually(ours)
    shifted = {SPEC_DIFF_ANNOTATION_PREFIX + line.key: '[{"op": "add", "path": "/ordinals", "value": {"start": 100}}]'}
    await line.workspace.resource(STATEFUL_SETS, "web").patch("db", {"metadata": {"annotations": shifted}})

    async def with_names_of_its_own() -> bool:
        return await shown() == {"db-100": False, "db-101": False}

    await eventually(with_names_of_its_own)


async def test_a_namespace_goes_with_its_pods(line: Line) -> None:
    """What came up does not keep a namespace from being deleted, and is not made again meanwhile."""
    await started(line)
    await running(line, 2)
    await line.workspace.resource(NAMESPACES).delete("web")
    await gone(line.workspace.resource(NAMESPACES), "web")


async def test_a_pod_that_terminates_shows_so(line: Line) -> None:
    """As long as somebody holds it downstream it is there upstream, with a deletion timestamp."""
    below = await started(line, 1)
    [pod_name] = await running(line, 1)
    local = line.downstream.resource(PODS, below)
    await local.patch(pod_name, {"metadata": {"finalizers": ["example.io/held"]}})
    await local.delete(pod_name, grace_period_seconds=0)
    pods = line.workspace.resource(PODS, "web")

    async def terminating() -> bool:
        return "deletionTimestamp" in (await pods.get(pod_name))["metadata"]

    await eventually(terminating)
    await local.patch(pod_name, {"metadata": {"finalizers": None}})
    await gone(pods, pod_name)


@pytest.mark.parametrize(("target", "namespace"), [("another-uid", "web"), ("", "other")])
async def test_pods_are_shown_again_once_their_namespace_says_whose_it_is(
    line: Line, target: str, namespace: str
) -> None:
    """Somebody changes its locator and puts it back, and nothing happens to what is in it."""
    space = await started(line)
    before = await running(line, 2)
    below = line.downstream.resource(DEPLOYMENTS, space)
    copy = uid(await below.get("frontend"))
    spaces = line.downstream.resource(NAMESPACES)
    own = annotations(await spaces.get(space))[LOCATOR_ANNOTATION]
    identity = TargetIdentity(line.cluster, line.options.sync_target_name, target or line.options.sync_target_uid)
    other = identity.locator(line.cluster, namespace).to_json()
    await spaces.patch(space, {"metadata": {"annotations": {LOCATOR_ANNOTATION: other}}})
    await named(line.workspace.resource(PODS, "web"), 0)
    await spaces.patch(space, {"metadata": {"annotations": {LOCATOR_ANNOTATION: own}}})
    assert (await running(line, 2)).keys() == before.keys()
    assert uid(await below.get("frontend")) == copy
    await line.workspace.resource(DEPLOYMENTS, "web").patch("frontend", {"spec": {"replicas": 1}})
    await running(line, 1)


async def test_a_jobs_pods_are_those_that_it_selects(line: Line) -> None:
    """A Job selects by its uid, which is another one on the pcluster: kubectl logs job/x asks by the one upstream."""
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i", "command": ["sleep", "600"]}]}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"}, "spec": {"template": {"spec": pod}}}
    made = await line.workspace.resource(JOBS, "web").create(job)
    selector = ",".join(f"{label}={value}" for label, value in made["spec"]["selector"]["matchLabels"].items())

    async def selected() -> list[Object]:
        return (await line.workspace.resource(PODS, "web").list_all(label_selector=selector))[0]

    assert len(await eventually(selected)) == 1


async def test_pods_can_be_left_out(line: Line) -> None:
    """A syncer that shall not show them takes back what an earlier one showed, and the pcluster's go on."""
    below = await started(line, 1)
    await running(line, 1)
    await line.stop_agent()
    line.options = replace(line.options, upsync_pods=False)
    line.start_agent()
    await named(line.workspace.resource(PODS, "web"), 0)
    await line.workspace.resource(DEPLOYMENTS, "web").patch("frontend", {"spec": {"replicas": 2}})
    await named(line.downstream.resource(PODS, below), 2)
    assert (await line.workspace.resource(PODS, "web").list())["items"] == []


async def test_bare_pods_of_the_pcluster_stay_there(line: Line) -> None:
    """What its owner runs in the tenant's namespace, and marked pods in other namespaces, are nobody's upstream."""
    below = await started(line, 1)
    await running(line, 1)
    spec = {"containers": [{"name": "c", "image": "busybox"}]}
    marks = {f"state.workload.kcp.io/{line.key}": "Upsync"}
    debugging: Object = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "debug"}, "spec": spec}
    await line.downstream.resource(PODS, below).create(debugging)
    elsewhere = {**debugging, "metadata": {"name": "elsewhere", "labels": marks}}
    await line.downstream.resource(PODS, "default").create(elsewhere)
    marked = {**debugging, "metadata": {"name": "marked", "labels": marks}}
    await line.downstream.resource(PODS, below).create(marked)
    pods = line.workspace.resource(PODS, "web")
    assert await eventually(lambda: pods.get("marked"))
    assert not {"debug", "elsewhere"} & (await named(pods, 2)).keys()
    await line.downstream.resource(PODS, below).patch("marked", {"metadata": {"labels": {next(iter(marks)): None}}})
    await gone(pods, "marked")


async def test_what_was_missed_is_made_up_for(line: Line) -> None:
    """A syncer that was away removes what went, brings up what came, and writes nothing of what stayed."""
    below = await started(line, 2)
    before = await running(line, 2)
    await line.stop_agent()
    victim, stays = sorted(before)
    await line.downstream.resource(PODS, below).delete(victim, grace_period_seconds=0)
    local = line.downstream.resource(PODS, below)

    async def replaced() -> bool:
        found = [each for each in (await local.list())["items"] if name(each) != victim]
        return len(found) == 2 and all((each.get("status") or {}).get("phase") == "Running" for each in found)

    await eventually(replaced)
    line.start_agent()

    async def caught_up() -> bool:
        return victim not in await running(line, 2)

    await eventually(caught_up)
    assert (await line.workspace.resource(PODS, "web").get(stays)) == before[stays]


async def test_endpoints_come_up_where_a_service_asks(line: Line) -> None:
    """Y5, with EndpointSlices: per Service and per resource, with references as they read upstream."""
    below = await started(line, 1)
    services = line.workspace.resource(SERVICES, "web")
    await services.create(service("plain"))
    await services.create(service("with-endpoints", **{DERIVED: "endpoints"}))
    await services.create(service("with-slices", **{DERIVED: "endpointslices.discovery.k8s.io"}))
    [pod] = (await running(line, 1)).values()
    await named(line.downstream.resource(ENDPOINTS, below), 3)

    async def addressed() -> Object | None:
        found: list[Object] = (await line.workspace.resource(ENDPOINTS, "web").list())["items"]
        complete = [each for each in found if (each.get("subsets") or [{}])[0].get("addresses")]
        return complete[0] if len(complete) == len(found) == 1 else None

    only = await eventually(addressed)
    assert name(only) == "with-endpoints"
    [address] = only["subsets"][0]["addresses"]
    assert address["targetRef"] == {"kind": "Pod", "name": name(pod), "namespace": "web"}
    [piece] = (await named(line.workspace.resource(SLICES, "web"), 1)).values()
    assert labels(piece)["kubernetes.io/service-name"] == "with-slices"
    await services.patch("with-endpoints", {"metadata": {"annotations": {DERIVED: None}}})
    await named(line.workspace.resource(ENDPOINTS, "web"), 0)
    await services.patch("with-slices", {"metadata": {"annotations": {DERIVED: "endpoints"}}})
    await named(line.workspace.resource(SLICES, "web"), 0)
    assert name(next(iter((await named(line.workspace.resource(ENDPOINTS, "web"), 1)).values()))) == "with-slices"
    await line.workspace.resource(ENDPOINTS, "web").patch("with-slices", {"subsets": None})
    assert await eventually(addressed)


async def test_secrets_come_up_when_both_sides_want_it(line: Line) -> None:
    """The pcluster marks a Secret, and the tenant asks for them on the namespace."""
    below = await started(line, 1)
    await running(line, 1)
    marks = {f"state.workload.kcp.io/{line.key}": "Upsync"}
    local = line.downstream.resource(SECRETS, below)
    body: Object = {"apiVersion": "v1", "kind": "Secret", "stringData": {"a": "b"}}
    await local.create({**body, "metadata": {"name": "made-below", "labels": marks}})
    await local.create({**body, "metadata": {"name": "kept-below"}})
    namespaces, secrets = line.workspace.resource(NAMESPACES), line.workspace.resource(SECRETS, "web")
    await namespaces.patch("web", {"metadata": {"annotations": {DERIVED: "secrets"}}})
    found = await eventually(lambda: secrets.get("made-below"))
    assert found["data"] == {"a": "Yg=="}
    await local.patch("made-below", {"stringData": {"a": "c"}})

    async def followed() -> bool:
        return bool((await secrets.get("made-below"))["data"] == {"a": "Yw=="})

    await eventually(followed)
    await namespaces.patch("web", {"metadata": {"annotations": {DERIVED: None}}})
    await gone(secrets, "made-below")
    assert await local.get("made-below")


async def test_what_came_up_is_deleted_with_its_target(line: Line) -> None:
    """Nobody is left to look after it; on the pcluster all goes on."""
    below = await started(line, 1)
    await running(line, 1)
    await line.workspace.resource(SYNC_TARGETS).delete("west")
    await named(line.workspace.resource(PODS, "web"), 0)
    assert (await line.downstream.resource(PODS, below).list())["items"]


def event(below: str, about: Object, number: int, **fields: Any) -> Object:
    """An Event about a pod, as a kubelet writes it."""
    involved = {"kind": "Pod", "apiVersion": "v1", "name": name(about), "namespace": below, "uid": uid(about)}
    return {
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": f"e{number}", "namespace": below},
        "involvedObject": involved, "reason": "Pulled", "message": f"pulled in {below}", "type": "Normal",
        "source": {"component": "kubelet"}, "count": 1, **fields,
    }  # fmt: skip


async def test_events_of_pods_are_told_upstream(line: Line) -> None:
    """About the pod as it is upstream, once for the same words, counted, and without the pcluster's names."""
    below = await started(line, 1)
    [pod] = (await running(line, 1)).values()
    [local] = (await named(line.downstream.resource(PODS, below), 1)).values()
    now = format_time(datetime.now(UTC))
    times = {"firstTimestamp": now, "lastTimestamp": now}
    events = line.downstream.resource(EVENTS, below)
    for number in range(2):
        await events.create(event(below, local, number, **times))
    await events.create(event(below, local, 2, reason="Failed", message="no", type="Warning", **times))

    async def told() -> dict[str, Object] | None:
        found = (await line.workspace.resource(EVENTS, "web").list(field_selector=f"involvedObject.uid={uid(pod)}"))[
            "items"
        ]
        reasons = {each["reason"]: each for each in found}
        return reasons if {"Pulled", "Failed"} <= reasons.keys() else None

    found = await eventually(told)
    assert found["Pulled"]["message"] == "pulled in web"
    assert found["Failed"]["type"] == "Warning"
    listed = (await line.workspace.resource(EVENTS, "web").list())["items"]
    assert (
        len([each for each in listed if each["reason"] == "Pulled" and each["involvedObject"]["uid"] == uid(pod)]) == 1
    )
    await line.stop_agent()
    await events.patch("e0", {"count": 7})
    line.start_agent()

    async def counted() -> bool:
        return (await told() or {})["Pulled"]["count"] == 7

    await eventually(counted)
    again = (await line.workspace.resource(EVENTS, "web").list())["items"]
    assert {name(each) for each in again} == {name(each) for each in listed}
