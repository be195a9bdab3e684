"""Endpoints and EndpointSlices: which pods are behind a Service, with which ports."""

from __future__ import annotations

from typing import Any

from tests.unit.sim.stages.things import Obj, ago, pod, summary

from headwater.sim.changes import Create, Patch
from headwater.sim.stages import endpoints


def service(**spec: Any) -> Obj:
    base = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080, "name": "http"}]}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "d", "uid": "uid-web", "labels": {"l": "v"}},
        "spec": {**base, **spec},
    }


def member(name: str, *, ready: bool = True, **more: Any) -> Obj:
    return pod(name, ready=ready, labels={"app": "web"}, **more)


def planned(made: Obj, pods: list[Obj], existing: Obj | None = None, slices: list[Obj] | None = None) -> list[Any]:
    return list(endpoints.plan(made, pods, existing, slices or []).changes)


def objects(changes: list[Any]) -> tuple[Obj, list[Obj]]:
    created = [change.obj for change in changes if isinstance(change, Create)]
    return created[0], created[1:]


def test_ready_pods_are_behind_a_service() -> None:
    """Others are listed as not ready; strangers, finished and addressless pods are not."""
    addressless = member("d")
    addressless["status"]["podIP"] = ""
    pods = [member("a"), member("bb", ready=False), pod("x", ready=True), member("c", phase="Failed"), addressless]
    made, slices = objects(planned(service(), pods))
    reference = {"kind": "Pod", "namespace": "d"}
    assert made["subsets"] == [
        {
            "addresses": [
                {"ip": "10.0.0.1", "nodeName": "n1", "targetRef": {**reference, "name": "a", "uid": "uid-a"}}
            ],
            "notReadyAddresses": [
                {"ip": "10.0.0.2", "nodeName": "n1", "targetRef": {**reference, "name": "bb", "uid": "uid-bb"}}
            ],
            "ports": [{"port": 8080, "protocol": "TCP", "name": "http"}],
        }
    ]
    assert made["metadata"]["labels"] == {"l": "v"}
    assert len(slices) == 1
    assert slices[0]["metadata"]["labels"]["kubernetes.io/service-name"] == "web"
    assert [each["conditions"]["ready"] for each in slices[0]["endpoints"]] == [True, False]
    assert slices[0]["ports"] == [{"port": 8080, "protocol": "TCP", "name": "http"}]


def test_named_ports_are_looked_up_in_each_pod() -> None:
    """Pods with other numbers are in a slice of their own; a pod without the port offers none."""
    named = [member("a"), member("bb"), member("ccc")]
    for number, each in zip((1, 2), named, strict=False):
        each["spec"]["containers"][0]["ports"] = [{"name": "web", "containerPort": number}]
    _, slices = objects(planned(service(ports=[{"port": 80, "targetPort": "web"}]), named))
    assert [[port["port"] for port in each["ports"]] for each in slices] == [[1], [2], []]


def test_a_hundred_endpoints_fill_a_slice() -> None:
    """The rest goes into the next one."""
    pods = [member(f"p{number:03}") for number in range(150)]
    _, slices = objects(planned(service(), pods))
    assert [len(each["endpoints"]) for each in slices] == [100, 50]
    assert len({each["metadata"]["name"] for each in slices}) == 2


def test_pods_that_leave() -> None:
    """They are terminating in slices and no longer in Endpoints."""
    made, slices = objects(planned(service(), [member("a", deletionTimestamp=ago(0))]))
    assert "subsets" not in made
    assert slices[0]["endpoints"][0]["conditions"] == {"ready": False, "serving": True, "terminating": True}


def test_unready_pods_can_be_published() -> None:
    """publishNotReadyAddresses makes them count as ready."""
    made, slices = objects(planned(service(publishNotReadyAddresses=True), [member("a", ready=False)]))
    assert "addresses" in made["subsets"][0]
    assert slices[0]["endpoints"][0]["conditions"]["ready"] is True


def test_a_headless_service_says_so_and_gives_host_names() -> None:
    """Pods of a StatefulSet are found by name."""
    named = member("web-0")
    named["spec"].update(hostname="web-0", subdomain="web")
    made, slices = objects(planned(service(clusterIP="None"), [named]))
    assert made["metadata"]["labels"]["service.kubernetes.io/headless"] == ""
    assert made["subsets"][0]["addresses"][0]["hostname"] == "web-0"
    assert slices[0]["endpoints"][0]["hostname"] == "web-0"


def test_what_is_right_already_is_not_written() -> None:
    """A change of the pods patches both; slices that are needed no more go."""
    made, slices = objects(planned(service(), [member("a")]))
    assert planned(service(), [member("a")], made, slices) == []
    changed = planned(service(), [member("a", ready=False)], made, slices)
    assert [type(change) for change in changed] == [Patch, Patch]
    extra = {**slices[0], "metadata": {**slices[0]["metadata"], "name": "web-extra"}}
    assert summary(planned(service(), [member("a")], made, [*slices, extra])) == [
        ("delete", "endpointslices", "web-extra")
    ]


def test_services_without_selector_are_left_to_people() -> None:
    """Also external names, and Services on their way out."""
    leaving = service()
    leaving["metadata"]["deletionTimestamp"] = ago(0)
    for made in (service(selector=None), service(type="ExternalName"), leaving):
        assert planned(made, [member("a")]) == []


def test_labels_follow_the_service() -> None:
    """Those that it has no more are taken away, as Kubernetes does; a slice keeps its own."""
    made, slices = objects(planned(service(), [member("a")]))
    relabelled = service()
    relabelled["metadata"]["labels"] = {"new": "1"}
    patches = planned(relabelled, [member("a")], made, slices)
    assert [each.body["metadata"] for each in patches] == [{"labels": {"new": "1", "l": None}}] * 2
