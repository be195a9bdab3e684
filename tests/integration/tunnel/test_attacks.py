"""Who gets through a tunnel, and who does not: other tenants, agents, forged requests, and a pcluster's other pods."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from tests.integration.servers import eventually
from tests.integration.syncer.conftest import NAMESPACES
from tests.integration.tunnel.callers import Caller, account, admin, agent_token, rule
from tests.integration.tunnel.ground import PODS, Ground, pod_object

from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGET, SYNC_TARGETS
from headwater.apis.workload.labels import LOCATOR_ANNOTATION, state_label, sync_target_key
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, uid
from headwater.syncer.identity import TargetIdentity
from headwater.tunnel.frames import PROTOCOL, Frame, FrameType

pytestmark = pytest.mark.asyncio(loop_scope="module")
POD = "/api/v1/namespaces/default/pods/web"
EXEC = f"{POD}/exec?command=echo&command=hi&stdout=true"
TARGETS = "/apis/sync.kcp.io/v1alpha1/synctargets"
ALL = ("pods/log", "pods/exec", "pods/attach", "pods/portforward")


@pytest.mark.parametrize(
    ("name", "rules", "log", "command"),
    [
        ("nothing", [], 403, 403),
        ("reads-pods", [rule("pods", verbs=["get", "list", "watch"])], 403, 403),
        ("reads-logs", [rule("pods/log", verbs=["get"])], 200, 403),
        ("reads-everything", [rule("pods", "pods/exec", "pods/log", verbs=["get", "list", "watch"])], 200, 403),
        ("posts-only", [rule("pods/exec", verbs=["create"])], 403, 403),
        ("runs-commands", [rule("pods/exec", verbs=["create", "get"])], 403, 101),
    ],
)
async def test_the_workspaces_rbac_decides(
    shared: Ground, name: str, rules: list[Object], log: int, command: int
) -> None:
    """Under WebSocket's GET a command needs the right to create it, too: looking is not doing."""
    caller = Caller(shared, await account(shared.line.workspace, name, rules))
    assert (await caller.status_of("GET", f"{POD}/log"))[0] in ((200,) if log == 200 else (log,))
    assert (await caller.handshake(EXEC))[0] == command


async def other_workspace(shared: Ground) -> Any:
    """A workspace of someone else, with compute bound."""
    from tests.integration.syncer.conftest import bind

    workspaces = shared.line.control_plane.client.cluster("root").resource(
        GroupVersionResource("tenancy.kcp.io", "v1alpha1", "workspaces")
    )
    await workspaces.create(
        {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": "blog"}, "spec": {}}
    )

    async def ready() -> Object | None:
        found = await workspaces.get("blog")
        return found if (found.get("status") or {}).get("phase") == "Ready" else None

    cluster = (await eventually(ready))["spec"]["cluster"]
    client = shared.line.control_plane.client.cluster(cluster)
    await bind(client, "root:compute", "kubernetes")
    return client, cluster


async def test_another_tenant_reaches_nothing(shared: Ground) -> None:
    """Not by the other's workspace, and not by a pod of its own that is marked as if it ran where the other's does."""
    client, cluster = await other_workspace(shared)
    rules = [rule("pods", *ALL, verbs=["create", "get"])]
    caller = Caller(shared, await account(client, "mallory", rules))
    assert (await caller.status_of("GET", f"{POD}/log"))[0] == 403
    assert (await caller.handshake(EXEC))[0] == 403
    # The mark is the system's, so a tenant can't set it ...
    pod = pod_object("web", labels={state_label(shared.line.key): "Upsync"})
    refused, _ = await caller.handshake(EXEC, cluster=cluster)
    assert refused == 404
    # ... and with it there is still no such pod in the downstream namespace of this workspace.
    await client.resource(PODS, "default").create(pod)
    for path in (f"{POD}/log", EXEC):
        status, body = await caller.handshake(path, cluster=cluster)
        assert (status, body["message"]) == (404, 'pods "web" not found')


@pytest.mark.parametrize(("token", "status"), [("", 403), ("wrong", 401)])
async def test_strangers_are_refused(shared: Ground, token: str, status: int) -> None:
    assert (await Caller(shared, token).handshake(EXEC))[0] == status
    assert (await Caller(shared, token).handshake(f"{TARGETS}/west/tunnel", protocol=PROTOCOL))[0] == status


async def test_an_agents_credential_opens_its_own_tunnel_only(shared: Ground) -> None:
    """Not another target's, not one under another uid, no pods, and nobody else opens one."""
    other = await shared.line.workspace.resource(SYNC_TARGETS).create(
        {"apiVersion": SYNC_TARGET.api_version, "kind": "SyncTarget", "metadata": {"name": "east"}, "spec": {}}
    )
    agent = Caller(shared, agent_token(shared))
    own = shared.line.options.sync_target_uid
    attempts = [
        (agent, f"{TARGETS}/east/tunnel?uid={uid(other)}", 403),
        (agent, f"{TARGETS}/east/tunnel?uid={own}", 403),
        (agent, f"{TARGETS}/west/tunnel?uid={uid(other)}", 404),
        (agent, f"{TARGETS}/west/tunnel?uid=", 404),
        (agent, f"{TARGETS}/west/tunnel", 404),
        (agent, EXEC, 403),
        (agent, f"{POD}/log", 403),
        (Caller(shared, await account(shared.line.workspace, "tenant", [rule("pods", *ALL, verbs=["*"])])),
         f"{TARGETS}/west/tunnel?uid={own}", 403),
    ]  # fmt: skip
    for caller, path, status in attempts:
        assert (await caller.handshake(path, protocol=PROTOCOL))[0] == status, path
    assert (await agent.handshake(f"{TARGETS}/west/tunnel?uid={own}", protocol=PROTOCOL, cluster="root"))[0] == 403
    assert (await agent.handshake(f"{TARGETS}/west/tunnel?uid={own}", protocol="v0.tunnel"))[0] == 400
    assert (await agent.status_of("GET", f"{TARGETS}/west/tunnel?uid={own}"))[0] == 400
    assert (await agent.status_of("POST", f"{TARGETS}/west/tunnel?uid={own}"))[0] == 403


async def test_nothing_of_the_caller_reaches_the_pcluster(shared: Ground) -> None:
    """The pcluster sees the agent's own credential, and no identity, cookie or address of whoever asks."""
    seen: list[dict[str, str]] = []
    web = shared.line.pcluster._web
    assert web is not None
    handler = web.handler

    async def recording(request: Any) -> Any:
        if request.path.endswith("/exec"):
            seen.append(dict(request.headers))
        return await handler(request)

    web.handler = recording
    try:
        forged = {"cookie": "a=b", "x-remote-user": "admin", "x-forwarded-for": "1.2.3.4", "user-agent": "me"}
        caller = admin(shared)
        async with caller.exec("true", headers=forged) as command:
            await command.rest()
        refused = await caller.status_of("GET", EXEC, impersonate_group="system:masters")
        assert refused[0] == 400
    finally:
        web.handler = handler
    assert len(seen) == 1
    assert seen[0].keys() == {
        "host", "connection", "upgrade", "authorization", "sec-websocket-key", "sec-websocket-protocol",
        "sec-websocket-version", "accept",
    }  # fmt: skip
    assert seen[0]["authorization"] not in caller._headers.values()
    assert agent_token(shared) not in seen[0]["authorization"]


async def test_impersonation_counts_as_the_one_who_is_impersonated(shared: Ground) -> None:
    headers = {"impersonate_user": "system:serviceaccount:default:nobody"}
    assert (await admin(shared).status_of("GET", f"{POD}/log", **headers))[0] == 403


@pytest.mark.parametrize(
    ("name", "labels"),
    [("unmarked", {"state": ""}), ("of-another", {"state": "", "state.workload.kcp.io/other": "Upsync"})],
)
async def test_a_pod_below_that_is_not_ours_is_not_there(shared: Ground, name: str, labels: dict[str, str]) -> None:
    """Though it is in the right namespace, and the control plane says that it is."""
    marks = {(state_label(shared.line.key) if key == "state" else key): value for key, value in labels.items()}
    await shared.pod_below(name, **marks)
    await shared.pod_above(name)
    for path in ("log", "exec?command=ls&stdout=true"):
        status, body = await admin(shared).handshake(f"/api/v1/namespaces/default/pods/{name}/{path}")
        assert (status, body["message"]) == (404, f'pods "{name}" not found')


async def serves(shared: Ground) -> bool:
    return (await admin(shared).status_of("GET", f"{POD}/log"))[0] == 200


async def test_a_namespace_of_another_target_is_not_entered(shared: Ground) -> None:
    """Its locator names another SyncTarget, another uid, or another workspace."""
    spaces = shared.line.downstream.resource(NAMESPACES)
    own = shared.identity.locator(shared.line.cluster, "default")
    cluster = shared.line.cluster
    others = [
        TargetIdentity("elsewhere", "west", own.sync_target_uid).locator(cluster, "default"),
        TargetIdentity(own.sync_target_cluster, "west", "another-uid").locator(cluster, "default"),
        shared.identity.locator("elsewhere", "default"),
        shared.identity.locator(cluster, "other"),
    ]
    try:
        for locator in others:
            await spaces.patch(shared.space, {"metadata": {"annotations": {LOCATOR_ANNOTATION: locator.to_json()}}})
            assert (await admin(shared).status_of("GET", f"{POD}/log"))[0] == 404, locator
    finally:
        await spaces.patch(shared.space, {"metadata": {"annotations": {LOCATOR_ANNOTATION: own.to_json()}}})
    await eventually(lambda: serves(shared))


async def test_pods_that_lead_nowhere(shared: Ground) -> None:
    """Unknown, not upsynced, on two targets at once, or on one without a tunnel."""
    pods = shared.line.workspace.resource(PODS, "default")
    for name in ("north", "south"):
        await shared.line.workspace.resource(SYNC_TARGETS).create(
            {"apiVersion": SYNC_TARGET.api_version, "kind": "SyncTarget", "metadata": {"name": name}, "spec": {}}
        )
    north, south = (sync_target_key(shared.line.cluster, name) for name in ("north", "south"))
    await pods.create(pod_object("plain"))
    await shared.pod_above("elsewhere", key=north)
    await pods.create(pod_object("twice", labels={state_label(key): "Upsync" for key in (north, south)}))
    for name, status in (("missing", 404), ("plain", 400), ("twice", 400), ("elsewhere", 503)):
        answer = await admin(shared).status_of("GET", f"/api/v1/namespaces/default/pods/{name}/log")
        assert answer[0] == status, (name, answer)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"\x03\x00\x00\x00\x01" + bytes(200_000), id="an oversized frame"),
        pytest.param(b"\x00", id="no frame"),
        pytest.param(Frame(FrameType.OPEN, 1, b"{}").encode(), id="a stream opened from below"),
        pytest.param(Frame(FrameType.DATA, 77, b"x").encode(), id="data for a stream that was never opened"),
    ],
)
async def test_an_agent_that_breaks_the_protocol_loses_its_tunnel(shared: Ground, message: bytes) -> None:
    """And nobody else loses anything."""
    agent = Caller(shared, agent_token(shared))
    url = agent.url(f"{TARGETS}/west/tunnel?uid={shared.line.options.sync_target_uid}")
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, headers=agent._headers, protocols=(PROTOCOL,), ssl=agent._context) as socket,
        asyncio.timeout(60),
    ):
        await socket.send_bytes(message)
        while (await socket.receive()).type is aiohttp.WSMsgType.BINARY:
            pass
        assert socket.closed

    await eventually(lambda: serves(shared))


async def test_an_oversized_message_to_a_command_ends_that_command(shared: Ground) -> None:
    async with admin(shared).exec("cat") as command, asyncio.timeout(20):
        await command.socket.send_bytes(b"\x00" + bytes(2 * 1024 * 1024))
        await command.rest()
    assert command.closed_with[0] in (1009, 1006)
    assert (await admin(shared).status_of("GET", f"{POD}/log"))[0] == 200
