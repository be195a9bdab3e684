"""Fleets over real sockets and files: kubeconfigs, faults, restarts, and a kill in the middle of work."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from tests.integration.sim.pclusters import Driver, is_running, workload

from headwater.base import jsonio
from headwater.client.dynamic import ClusterClient
from headwater.client.kubeconfig import load_file
from headwater.client.transport import NetworkTransport
from headwater.machinery.errors import Forbidden, InternalError, Unauthorized
from headwater.machinery.gvk import GroupVersionResource
from headwater.sim.faults import PATH
from headwater.sim.fleet import Fleet, FleetOptions, StartError
from headwater.sim.resources import DEPLOYMENTS, PODS
from headwater.sim.run import run

SECRETS = GroupVersionResource("", "v1", "secrets")
ACCOUNTS = GroupVersionResource("", "v1", "serviceaccounts")


def options(root: Path, *names: str) -> FleetOptions:
    return FleetOptions(names=names or ("east",), root_directory=root, nodes=1)


def connect(kubeconfig: Path, **changes: object) -> ClusterClient:
    settings = load_file(kubeconfig).settings()
    for key, value in changes.items():
        settings = type(settings)(**{**_fields(settings), key: value})
    return ClusterClient(NetworkTransport(settings))


def _fields(settings: object) -> dict[str, object]:
    return {name: getattr(settings, name) for name in settings.__dataclass_fields__}  # type: ignore[attr-defined]


async def test_two_pclusters_in_one_process(tmp_path: Path) -> None:
    """Each is reached by its own kubeconfig, knows nothing of the other, and keeps its port over a restart."""
    fleet = Fleet(options(tmp_path, "east", "west"))
    await fleet.start()
    ports = [each.port for each in fleet.pclusters]
    east, west = (connect(each.kubeconfig_path) for each in fleet.pclusters)
    await east.cluster("").resource(DEPLOYMENTS, "default").create(workload("Deployment", {"replicas": 2}))
    await Driver(fleet.pclusters[0]).until_count(PODS, 2, is_running)
    assert (await west.cluster("").resource(PODS).list())["items"] == []
    before = (await east.cluster("").resource(PODS, "default").list())["items"]
    await east.close()
    await west.close()
    await fleet.stop()
    again = Fleet(options(tmp_path, "east", "west"))
    await again.start()
    assert [each.port for each in again.pclusters] == ports
    after = (await Driver(again.pclusters[0]).resource(PODS).list())["items"]
    assert after == before
    await again.stop()


async def test_only_the_right_credentials_open_it(tmp_path: Path) -> None:
    """A service account may do what its roles say, a wrong token nothing."""
    fleet = Fleet(options(tmp_path))
    await fleet.start()
    pcluster = fleet.pclusters[0]
    admin = pcluster.client().cluster("")
    await Driver(pcluster).until(ACCOUNTS, "default", lambda _: True)
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    answer = await admin.resource(ACCOUNTS, "default").create_subresource("default", "token", request)
    bare = {"client_certificate_data": b"", "client_key_data": b""}
    account = connect(pcluster.kubeconfig_path, token=answer["status"]["token"], **bare)
    with pytest.raises(Forbidden, match="system:serviceaccount:default:default"):
        await account.cluster("").resource(SECRETS, "default").list()
    assert (await account.cluster("").raw("GET", PATH)).status == 403
    await account.close()
    stranger = connect(pcluster.kubeconfig_path, token="wrong", **bare)
    with pytest.raises(Unauthorized):
        await stranger.cluster("").resource(SECRETS, "default").list()
    await stranger.close()
    await fleet.stop()


async def test_faults_are_set_from_outside(tmp_path: Path) -> None:
    """Requests over the network fail; the pcluster's own controllers go on."""
    fleet = Fleet(options(tmp_path))
    await fleet.start()
    client = connect(fleet.pclusters[0].kubeconfig_path)
    plain = client.cluster("")
    assert (await plain.raw("PUT", PATH, body=jsonio.dumps({"error_share": 1}))).status == 200
    with pytest.raises(InternalError, match="told to fail"):
        await plain.resource(PODS).list()
    driver = Driver(fleet.pclusters[0])
    await driver.create(DEPLOYMENTS, workload("Deployment", {"replicas": 1}))
    await driver.until_count(PODS, 1, is_running)
    assert (await plain.raw("PUT", PATH, body=b"{}")).status == 200
    assert len((await plain.resource(PODS).list())["items"]) == 1
    await client.close()
    await fleet.stop()


async def test_a_fleet_that_can_not_start_says_why_in_a_line(tmp_path: Path) -> None:
    """A store in use and a busy port; the others are stopped again."""
    fleet = Fleet(options(tmp_path, "west"))
    await fleet.start()
    with pytest.raises(StartError, match=r"pcluster west can't start: store .* is in use by process \d+"):
        await Fleet(options(tmp_path, "east", "west")).start()
    busy = fleet.pclusters[0].port
    taken = FleetOptions(names=["north"], root_directory=tmp_path, first_port=busy)
    with pytest.raises(StartError, match=f"pcluster north can't start: 127.0.0.1:{busy}: .*in use"):
        await Fleet(taken).start()
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(StartError, match=r"pcluster east can't start: .*file"):
        await Fleet(options(file)).start()
    await fleet.stop()


async def test_run_stops_cleanly_when_it_is_cancelled(tmp_path: Path) -> None:
    """The store is free again afterwards."""
    ready: asyncio.Future[Fleet] = asyncio.get_running_loop().create_future()
    task = asyncio.ensure_future(run(options(tmp_path), on_ready=ready.set_result))
    await ready
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    fleet = Fleet(options(tmp_path))
    await fleet.start()
    await fleet.stop()


_PROGRAM = """
import asyncio, sys
from pathlib import Path
from headwater.sim.fleet import FleetOptions
from headwater.sim.run import run
options = FleetOptions(names=["east"], root_directory=Path(sys.argv[1]), nodes=1)
asyncio.run(run(options, on_ready=lambda fleet: print("ready", flush=True)))
"""


async def test_a_killed_pcluster_goes_on_where_it_was(tmp_path: Path) -> None:
    """Every acknowledged write is there after SIGKILL, and half-done work is finished."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PROGRAM, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    client = connect(tmp_path / "east" / "admin.kubeconfig")
    deployments = client.cluster("").resource(DEPLOYMENTS, "default")
    names = [f"web-{number}" for number in range(20)]
    for each in names:
        await deployments.create(workload("Deployment", {"replicas": 2}, object_name=each))
    process.send_signal(signal.SIGKILL)
    await process.wait()
    await client.close()
    fleet = Fleet(options(tmp_path))
    await fleet.start()
    driver = Driver(fleet.pclusters[0])
    assert {each["metadata"]["name"] for each in (await driver.resource(DEPLOYMENTS).list())["items"]} == set(names)
    await driver.until_count(DEPLOYMENTS, 20, lambda obj: (obj.get("status") or {}).get("availableReplicas") == 2)
    assert len((await driver.resource(PODS).list())["items"]) == 40
    await fleet.stop()
