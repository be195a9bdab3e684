"""Nodes that come, go and change while a pcluster runs."""

from __future__ import annotations

import pytest
from tests.integration.sim.pclusters import Driver, is_running, workload

from headwater.apiserver.authn.interface import PRIVILEGED_GROUP, UserInfo
from headwater.apiserver.web.types import Request
from headwater.base import jsonio
from headwater.machinery.errors import BadRequest, Forbidden, MethodNotAllowed
from headwater.machinery.objects import name
from headwater.sim.nodepool import PATH, PoolChange, change_from
from headwater.sim.pcluster import PCluster
from headwater.sim.resources import DEPLOYMENTS, NODES, PODS

ADMIN = UserInfo("admin", groups=(PRIVILEGED_GROUP,))


def request(body: object = None, *, method: str = "PUT", user: UserInfo = ADMIN) -> Request:
    async def read(_limit: int) -> bytes:
        return body if isinstance(body, bytes) else jsonio.dumps(body)

    return Request(method, PATH, read_body=read, user=user)


async def test_a_pool_grows_and_shrinks(pcluster: PCluster, driver: Driver) -> None:
    """Pods of nodes that go are made anew on those that are left."""
    await pcluster.nodes.set(PoolChange(nodes=5, capacity={"pods": "2"}))
    assert len((await driver.resource(NODES, "").list())["items"]) == 5
    await driver.create(DEPLOYMENTS, workload("Deployment", {"replicas": 6}))
    await driver.until_count(PODS, 6, is_running)
    await pcluster.nodes.set(PoolChange(nodes=3))
    left = {name(each) for each in (await driver.resource(NODES, "").list())["items"]}
    assert left == {"east-node-1", "east-node-2", "east-node-3"}
    await driver.until_count(PODS, 6, lambda pod: is_running(pod) and pod["spec"]["nodeName"] in left)


async def test_a_deleted_node_comes_back_with_the_pool(pcluster: PCluster, driver: Driver) -> None:
    nodes = driver.resource(NODES, "")
    await nodes.patch("east-node-2", {"spec": {"unschedulable": True}})
    await nodes.delete("east-node-1")
    answer = await pcluster.nodes.serve(request({"capacity": {"cpu": "2", "vendor.io/gpu": "1"}}))
    shown = jsonio.loads(answer.body)
    assert (shown["nodes"], shown["capacity"]["cpu"], shown["capacity"]["memory"]) == (3, "2", "32Gi")
    items = (await nodes.list())["items"]
    assert {name(each) for each in items} == {"east-node-1", "east-node-2", "east-node-3"}
    for each in items:
        assert each["status"]["allocatable"] == each["status"]["capacity"] == shown["capacity"]
    assert [name(each) for each in items if each["spec"].get("unschedulable")] == ["east-node-2"]
    same = jsonio.loads((await pcluster.nodes.serve(request(method="GET"))).body)
    assert same == shown


async def test_who_may_change_the_pool(pcluster: PCluster) -> None:
    with pytest.raises(Forbidden, match="alice"):
        await pcluster.nodes.serve(request({}, user=UserInfo("alice")))
    with pytest.raises(MethodNotAllowed):
        await pcluster.nodes.serve(request({}, method="DELETE"))
    with pytest.raises(BadRequest, match="JSON"):
        await pcluster.nodes.serve(request(b"{"))
    with pytest.raises(BadRequest, match="at most 32"):
        await pcluster.nodes.set(PoolChange(capacity={f"a.io/{number}": "1" for number in range(33)}))
    answer = await pcluster.client().cluster("").raw("GET", PATH)
    assert jsonio.loads(answer.body)["nodes"] == 3


@pytest.mark.parametrize(
    "data",
    [
        [],
        {"count": 1},
        {"nodes": -1},
        {"nodes": 251},
        {"nodes": True},
        {"nodes": 1.5},
        {"capacity": []},
        {"capacity": {"cpu": 4}},
        {"capacity": {"cpu": "many"}},
        {"capacity": {"cpu": "-1"}},
        {"capacity": {"a b": "1"}},
        {"capacity": {f"a.io/{number}": "1" for number in range(33)}},
    ],
)
def test_changes_that_make_no_sense(data: object) -> None:
    with pytest.raises(BadRequest):
        change_from(data)
