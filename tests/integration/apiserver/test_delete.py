"""Deletion: answers, preconditions, finalizers, propagation, grace, collections."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import CONFIG_MAPS, Api
from .test_create_update import config_map

PODS = "/api/v1/namespaces/default/pods"


def held(name: str, *finalizers: str) -> dict[str, Any]:
    obj = config_map(name)
    obj["metadata"]["finalizers"] = list(finalizers)
    return obj


async def test_delete_answers_a_status(api: Api) -> None:
    """What is gone at once is answered by a Status with details; the second delete is 404."""
    made = await api.create(CONFIG_MAPS, config_map("a"))
    gone = await api.delete(f"{CONFIG_MAPS}/a")
    assert (gone.status, gone.body["kind"], gone.body["status"]) == (200, "Status", "Success")
    assert gone.body["details"] == {"name": "a", "kind": "configmaps", "uid": made["metadata"]["uid"]}
    assert (await api.delete(f"{CONFIG_MAPS}/a")).status == 404


async def test_preconditions(api: Api) -> None:
    """A delete with another uid or resourceVersion is a conflict."""
    made = await api.create(CONFIG_MAPS, config_map("a"))
    for wrong in ({"uid": "x"}, {"resourceVersion": "1"}):
        reply = await api.delete(f"{CONFIG_MAPS}/a", {"preconditions": wrong})
        assert reply.status == 409
        assert "Precondition failed" in reply.body["message"]
    good = {"uid": made["metadata"]["uid"], "resourceVersion": made["metadata"]["resourceVersion"]}
    assert (await api.delete(f"{CONFIG_MAPS}/a", {"preconditions": good})).status == 200


async def test_finalizers_hold_an_object(api: Api) -> None:
    """A held object is marked and answered; it goes with its last finalizer, and takes no new ones."""
    made = await api.create(CONFIG_MAPS, held("a", "x.io/one", "x.io/two"))
    marked = await api.delete(f"{CONFIG_MAPS}/a")
    assert marked.status == 200
    meta = marked.body["metadata"]
    assert meta["deletionTimestamp"]
    assert meta["deletionGracePeriodSeconds"] == 0
    assert (await api.delete(f"{CONFIG_MAPS}/a")).version == meta["resourceVersion"]
    more = await api.merge(f"{CONFIG_MAPS}/a", {"metadata": {"finalizers": ["x.io/one", "x.io/three"]}})
    assert more.status == 422
    assert "no new finalizers can be added if the object is being deleted" in more.body["message"]
    one = await api.merge(f"{CONFIG_MAPS}/a", {"metadata": {"finalizers": ["x.io/one"], "deletionTimestamp": None}})
    assert one.body["metadata"]["deletionTimestamp"] == meta["deletionTimestamp"]
    last = await api.merge(f"{CONFIG_MAPS}/a", {"metadata": {"finalizers": None}})
    assert (last.status, last.body["metadata"]["uid"]) == (200, made["metadata"]["uid"])
    assert (await api.get(f"{CONFIG_MAPS}/a")).status == 404


@pytest.mark.parametrize(
    ("options", "finalizers", "status"),
    [
        pytest.param({"propagationPolicy": "Foreground"}, ["foregroundDeletion"], 202, id="foreground"),
        pytest.param({"propagationPolicy": "Orphan"}, ["orphan"], 200, id="orphan"),
        pytest.param({"orphanDependents": True}, ["orphan"], 200, id="orphanDependents"),
        pytest.param({"propagationPolicy": "Background"}, None, 200, id="background"),
        pytest.param({}, None, 200, id="default"),
    ],
)
async def test_propagation(api: Api, options: dict[str, Any], finalizers: list[str] | None, status: int) -> None:
    """Orphan and Foreground leave their finalizer for the garbage collector."""
    await api.create(CONFIG_MAPS, config_map("a"))
    reply = await api.delete(f"{CONFIG_MAPS}/a", options)
    assert reply.status == status
    if finalizers is None:
        assert reply.body["kind"] == "Status"
    else:
        assert reply.body["metadata"]["finalizers"] == finalizers
        other = await api.delete(f"{CONFIG_MAPS}/a", {"propagationPolicy": "Background"})
        assert other.body["kind"] == "Status"


@pytest.mark.parametrize(
    ("options", "status"),
    [
        pytest.param({"propagationPolicy": "Sideways"}, 422, id="unknown policy"),
        pytest.param({"propagationPolicy": "Orphan", "orphanDependents": True}, 422, id="both"),
        pytest.param({"gracePeriodSeconds": "5"}, 400, id="grace as text"),
        pytest.param({"gracePeriodSeconds": -1}, 422, id="negative grace"),
        pytest.param({"kind": "Pod"}, 400, id="not options"),
        pytest.param([1], 400, id="a list"),
    ],
)
async def test_wrong_options(api: Api, options: Any, status: int) -> None:
    """Options that make no sense delete nothing."""
    await api.create(CONFIG_MAPS, config_map("a"))
    assert (await api.delete(f"{CONFIG_MAPS}/a", options)).status == status
    assert (await api.get(f"{CONFIG_MAPS}/a")).status == 200


async def test_query_options(api: Api) -> None:
    """Options may stand in the query."""
    await api.create(CONFIG_MAPS, config_map("a"))
    reply = await api.delete(f"{CONFIG_MAPS}/a", propagationPolicy="Foreground", gracePeriodSeconds="0")
    assert reply.body["metadata"]["finalizers"] == ["foregroundDeletion"]


@pytest.mark.parametrize(
    "options", [{"preconditions": 5}, {"gracePeriodSeconds": 1e30}, {"kind": 5}, {"dryRun": [5]}, [], 5]
)
async def test_odd_options(api: Api, options: Any) -> None:
    """They are refused, and nothing is deleted."""
    await api.create(CONFIG_MAPS, config_map("a"))
    reply = await api.call("DELETE", f"{CONFIG_MAPS}/a", options)
    assert reply.status in (400, 422)
    assert (await api.get(f"{CONFIG_MAPS}/a")).status == 200


async def test_delete_collection(api: Api) -> None:
    """Selectors choose; the answer lists what was chosen; held objects are marked."""
    for number in range(40):
        obj = config_map(f"a{number:02}")
        obj["metadata"]["labels"] = {"odd": str(number % 2)}
        await api.create(CONFIG_MAPS, obj)
    await api.create(CONFIG_MAPS, held("held", "x.io/one"))
    odd = await api.delete(CONFIG_MAPS, labelSelector="odd=1")
    assert (odd.status, odd.body["kind"], len(odd.body["items"])) == (200, "ConfigMapList", 20)
    assert len((await api.get(CONFIG_MAPS)).body["items"]) == 21
    await api.delete(CONFIG_MAPS)
    (left,) = (await api.get(CONFIG_MAPS)).body["items"]
    assert left["metadata"]["deletionTimestamp"]


async def test_pods_have_grace(api: Api) -> None:
    """A pod on a node is marked for its grace period; grace 0 removes it; one without a node goes at once."""
    spec = {"containers": [{"name": "c", "image": "i"}], "terminationGracePeriodSeconds": 20}
    await api.create(PODS, {"metadata": {"name": "free"}, "spec": spec})
    assert (await api.delete(f"{PODS}/free")).body["kind"] == "Status"
    await api.create(PODS, {"metadata": {"name": "p"}, "spec": spec | {"nodeName": "n"}})
    marked = (await api.delete(f"{PODS}/p")).body["metadata"]
    assert marked["deletionGracePeriodSeconds"] == 20
    sooner = (await api.delete(f"{PODS}/p", gracePeriodSeconds="5")).body["metadata"]
    assert sooner["deletionGracePeriodSeconds"] == 5
    assert sooner["deletionTimestamp"] < marked["deletionTimestamp"]
    later = (await api.delete(f"{PODS}/p", gracePeriodSeconds="60")).body["metadata"]
    assert later["deletionGracePeriodSeconds"] == 5
    assert (await api.delete(f"{PODS}/p", gracePeriodSeconds="0")).body["kind"] == "Status"
    assert (await api.get(f"{PODS}/p")).status == 404
