"""How access ends, and how it comes back: cut tunnels, revoked credentials, stopped programs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.integration.servers import eventually
from tests.integration.syncer.conftest import PLURALS, running_line, token_of
from tests.integration.tunnel.callers import ROLE_BINDINGS, Caller, account, admin, agent_token, rule
from tests.integration.tunnel.ground import PODS, Ground

from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.apis.workload.labels import syncer_id
from headwater.client.interface import TransportError
from headwater.client.kubeconfig import load_file
from headwater.controlplane.tunnels.rechecks import Rechecks
from headwater.syncer.access.tunneler import Tunneler
from headwater.tunnel.frames import Frame, FrameType
from headwater.tunnel.session import Session

POD = "/api/v1/namespaces/default/pods/web"
RUNS = [rule("pods/exec", verbs=["create", "get"]), rule("pods/log", verbs=["get"])]


async def log_status(ground: Ground) -> int:
    return (await admin(ground).status_of("GET", f"{POD}/log"))[0]


def end_tunnels(ground: Ground) -> None:
    """As a cable that is cut, seen from the control plane."""
    for tunnel in ground.line.control_plane.tunnels.registry._by_key[ground.line.key]:
        tunnel.session.end("the cable was cut")


async def test_a_cut_tunnel_ends_what_runs_with_a_reason_and_comes_back(ground: Ground) -> None:
    stream = await ground.line.workspace._transport.stream(
        "GET", f"/clusters/{ground.line.cluster}{POD}/log", query=[("follow", "true")]
    )
    chunks = stream.__aiter__()
    assert b"started" in await anext(chunks)
    async with admin(ground).exec("cat") as command, asyncio.timeout(20):
        await command.type(b"before")
        await command.read_until(b"before")
        end_tunnels(ground)
        await command.rest()
        assert command.status["message"] == "the cable was cut"
        assert command.closed_with == (1011, "the cable was cut")
        with pytest.raises(Exception, match="the cable was cut"):
            await anext(chunks)
    await stream.close()

    async def back() -> bool:
        return await log_status(ground) == 200

    await eventually(back)


async def test_a_follower_over_the_network_sees_that_its_log_was_cut(ground: Ground) -> None:
    """The answer has no end mark, so no client takes it for complete."""
    from tests.integration.tunnel.callers import client_with

    client = client_with(ground, await account(ground.line.workspace, "reader", RUNS))
    path = f"/clusters/{ground.line.cluster}{POD}/log"
    stream = await client.transport.stream("GET", path, query=[("follow", "true")])
    chunks = stream.__aiter__()
    await anext(chunks)
    end_tunnels(ground)
    with pytest.raises(TransportError):
        async with asyncio.timeout(60):
            await anext(chunks)
    await stream.close()
    await client.close()


@pytest.mark.parametrize("what", ["role", "account", "token"])
async def test_a_command_ends_with_the_right_to_it(ground: Ground, what: str) -> None:
    """While it runs: the role is taken away, the account deleted, or its token."""
    workspace = ground.line.workspace
    caller = Caller(ground, await account(workspace, "tenant", RUNS))
    async with caller.exec("cat") as command, asyncio.timeout(20):
        await command.type(b"x")
        await command.read_until(b"x")
        if what == "role":
            await workspace.resource(ROLE_BINDINGS).delete("tenant")
        elif what == "account":
            await workspace.resource(PLURALS["ServiceAccount"], "default").delete("tenant")
        else:
            await workspace.resource(PLURALS["Secret"], "default").delete("tenant-token")
        await command.rest()
    assert command.status["message"] == "access was withdrawn"
    assert await log_status(ground) == 200


@pytest.mark.parametrize("what", ["role", "account", "target"])
async def test_a_tunnel_ends_with_the_agents_right_to_it(ground: Ground, what: str) -> None:
    """And with it whatever runs in it; it does not come back."""
    line = ground.line
    identity = syncer_id("west", line.options.sync_target_uid)
    async with admin(ground).exec("cat") as command, asyncio.timeout(20):
        await command.type(b"x")
        await command.read_until(b"x")
        if what == "role":
            await line.workspace.resource(ROLE_BINDINGS).delete(identity)
        elif what == "account":
            await line.workspace.resource(PLURALS["ServiceAccount"], "default").delete(identity)
        else:
            await line.workspace.resource(SYNC_TARGETS).delete("west")
        await command.rest()
        assert command.closed_with[0] == 1011
    assert await log_status(ground) in (404, 503)
    await eventually(_answering(lambda: len(line.control_plane.tunnels.registry) == 0))


async def test_a_control_plane_that_stops_says_so(ground: Ground) -> None:
    async with admin(ground).exec("cat") as command, asyncio.timeout(20):
        await command.type(b"x")
        await command.read_until(b"x")
        stopping = asyncio.create_task(ground.line.control_plane.stop())
        await command.rest()
        await stopping
    assert "stopping" in command.status["message"]


async def test_an_agent_that_stops_ends_what_runs(ground: Ground) -> None:
    async with admin(ground).exec("cat") as command, asyncio.timeout(20):
        await command.type(b"x")
        await command.read_until(b"x")
        await ground.line.stop_agent()
        await command.rest()
        assert command.closed_with[0] == 1011
    assert await log_status(ground) == 503


async def test_a_client_that_goes_ends_its_command(ground: Ground) -> None:
    """Down to the pcluster, where nobody would stop it otherwise."""
    web = ground.line.pcluster._web
    assert web is not None

    def running() -> int:
        return sum(1 for connection in web._connections if connection.phase.value == "upgraded")

    async with admin(ground).exec("sleep", "3600") as command:
        await eventually(_answering(lambda: running() == 1))
        transport = command.socket._response.connection.transport  # type: ignore[union-attr]
        transport.abort()  # type: ignore[union-attr]
    await eventually(_answering(lambda: running() == 0))


def _answering(check: object) -> object:
    async def answer() -> bool:
        return bool(check())  # type: ignore[operator]

    return answer


async def test_an_agent_without_rights_below_says_what_to_do(ground: Ground) -> None:
    """The caller did nothing wrong, and learns nothing about the agent's account."""
    role = syncer_id("west", ground.line.options.sync_target_uid)
    roles = ground.line.downstream.resource(PLURALS["ClusterRole"])
    rules = (await roles.get(role))["rules"]
    kept = [each for each in rules if not any("/" in resource for resource in each["resources"])]
    await roles.patch(role, {"rules": kept})
    for path in (f"{POD}/log", f"{POD}/exec?command=ls&stdout=true"):
        status, body = await admin(ground).handshake(path)
        assert status == 503
        assert "register it with --tunnel" in body["message"]
        assert role not in body["message"]


async def test_a_pod_that_goes_ends_its_log(ground: Ground) -> None:
    stream = await ground.line.workspace._transport.stream(
        "GET", f"/clusters/{ground.line.cluster}{POD}/log", query=[("follow", "true")]
    )
    chunks = stream.__aiter__()
    await anext(chunks)
    await ground.line.downstream.resource(PODS, ground.space).delete("web", grace_period_seconds=0)
    async with asyncio.timeout(60):
        assert b"".join([chunk async for chunk in chunks]) is not None
    await stream.close()


async def test_without_the_switch_there_is_no_tunnel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent opens none, whatever the control plane offers."""
    dialled: list[str] = []

    async def dial(self: Tunneler, url: str) -> str:
        dialled.append(url)
        return "not dialled"

    monkeypatch.setattr(Tunneler, "_once", dial)
    async with running_line(tmp_path, store="memory://") as line:
        await eventually(_answering(lambda: dialled))
        await line.stop_agent()
        dialled.clear()
        line.options = replace(line.options, tunnel=False)
        line.start_agent()
        ground = Ground(line, line.downstream_namespace("default"))
        await ground.make_namespace()
        await ground.pod_below("web")
        await ground.pod_above("web")
        assert await log_status(ground) == 503
        assert not dialled


async def second_token(ground: Ground, identity: str) -> str:
    """Another token of the agent's account."""
    secrets = ground.line.workspace.resource(PLURALS["Secret"], "default")
    notes = {"kubernetes.io/service-account.name": identity}
    await secrets.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/service-account-token",
            "metadata": {"name": "second-token", "annotations": notes},
        }
    )
    return await token_of(ground.line.workspace, "second", "default")


@pytest.mark.parametrize("whose", ["its own", "another account's"])
async def test_a_tunnel_outlives_the_credential_that_opened_it(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    """A new token of the same account takes the old one's place, and what runs goes on; anyone else's ends it."""
    monkeypatch.setattr("headwater.client.credentials._TOKEN_READ_SECONDS", 0.01)
    monkeypatch.setattr("headwater.syncer.access.tunneler._RENEWAL_SECONDS", 0.01)
    renewed: list[str] = []
    take = Session._take

    def noting(self: Session, frame: Frame) -> None:
        take(self, frame)
        if frame.type is FrameType.RENEW:
            renewed.append(frame.payload.decode())

    monkeypatch.setattr(Session, "_take", noting)
    line = ground.line
    identity = syncer_id("west", line.options.sync_target_uid)
    token_file = line.directory / "token"
    token_file.write_text(agent_token(ground))
    config = load_file(line.options.from_kubeconfig)
    config.users["default-user"] = {"tokenFile": str(token_file)}
    await line.stop_agent()
    config.save(line.options.from_kubeconfig)
    line.start_agent()

    async def back() -> bool:
        return await log_status(ground) == 200

    await eventually(back)
    async with admin(ground).exec("cat") as command, asyncio.timeout(30):
        await command.type(b"before")
        await command.read_until(b"before")
        if whose == "another account's":
            token_file.write_text(await account(line.workspace, "tenant", []))
            await command.rest()
        else:
            token_file.write_text(await second_token(ground, identity))
            await eventually(_answering(lambda: renewed))
            await line.workspace.resource(PLURALS["Secret"], "default").delete(f"{identity}-token")
            rechecks = line.control_plane.tunnels._rechecks
            looked = len(looks := _count_looks(rechecks, monkeypatch))
            await eventually(_answering(lambda: len(looks) > looked + 6))
            await command.type(b"after")
            await command.read_until(b"after")
            await line.workspace.resource(PLURALS["Secret"], "default").delete("second-token")
            await command.rest()
        assert command.closed_with[0] == 1011


def _count_looks(rechecks: Rechecks, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Grows with each second look."""
    looks: list[object] = []
    look = rechecks._look

    async def counted(entry: object) -> None:
        await look(entry)  # type: ignore[arg-type]
        looks.append(entry)

    monkeypatch.setattr(rechecks, "_look", counted)
    return looks
