"""Tokens of service accounts, from the control plane to the pods of a pcluster, and back into the workspace."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest
from tests.integration.scheduling.skipclock import SkipClock
from tests.integration.servers import config_map, eventually
from tests.integration.servers import namespace as namespace_object
from tests.integration.syncer.conftest import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, PLURALS, Line
from tests.integration.syncer.test_line import copy_of, deployment

from headwater.apis.workload.labels import syncer_id
from headwater.client.connection import ConnectionSettings
from headwater.client.dynamic import ClusterClient
from headwater.client.transport import NetworkTransport
from headwater.machinery.conditions import get_condition
from headwater.machinery.errors import Forbidden, NotFound
from headwater.machinery.objects import Object, annotations, name, namespace, uid
from headwater.syncer.run import run

ACCOUNTS, SECRETS = PLURALS["ServiceAccount"], PLURALS["Secret"]
ACCESS = "kcp-access-robot"


def running(object_name: str, account: str = "robot") -> Object:
    """A Deployment whose pods run as an account."""
    made = deployment(object_name, replicas=1)
    made["spec"]["template"]["spec"]["serviceAccountName"] = account
    return made


async def make_account(line: Line, account: str = "robot", **fields: Any) -> None:
    body: Object = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account}, **fields}
    await line.workspace.resource(ACCOUNTS, "web").create(body)


@pytest.fixture
async def web(line: Line) -> Line:
    """A namespace with an account that may do anything in the workspace."""
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await make_account(line)
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "robot"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "robot", "namespace": "web"}],
    }
    await line.workspace.resource(PLURALS["ClusterRoleBinding"]).create(binding)
    return line


async def secret_of(line: Line, secret: str = ACCESS) -> dict[str, str]:
    """The contents of a Secret on the pcluster."""
    found = await line.downstream.resource(SECRETS, line.downstream_namespace("web")).get(secret)
    return {key: base64.b64decode(value).decode() for key, value in found["data"].items()}


async def pods_of(line: Line, object_name: str) -> Any:
    """The pod spec of a copy."""
    copy = await copy_of(line, object_name)
    return copy["spec"]["template"]["spec"] if copy is not None else None


def mounts(pod: Any) -> bool:
    """Whether a pod spec has the Secret."""
    return any((each.get("secret") or {}).get("secretName") == ACCESS for each in pod.get("volumes") or ())


async def test_a_client_in_a_pod_reaches_its_workspace(web: Line) -> None:
    """Y1: by what its pod has, and nothing else, it writes into its workspace; other workspaces refuse it."""
    await web.workspace.resource(DEPLOYMENTS, "web").create(running("frontend"))
    pod = await eventually(lambda: pods_of(web, "frontend"))
    files = await secret_of(web)
    assert pod["serviceAccountName"] == "robot"
    assert pod["automountServiceAccountToken"] is False
    assert files["namespace"] == "web"
    variables = {each["name"]: each["value"] for each in pod["containers"][0]["env"]}
    address = f"https://{variables['KUBERNETES_SERVICE_HOST']}:{variables['KUBERNETES_SERVICE_PORT']}"
    settings = ConnectionSettings(server=address, ca_data=files["ca.crt"].encode(), token=files["token"])
    transport = NetworkTransport(settings)
    try:
        client = ClusterClient(transport).cluster("")
        await client.resource(CONFIG_MAPS, files["namespace"]).create(config_map("expected-configmap"))
        for other in ("root", "root:compute"):
            with pytest.raises(Forbidden):
                await ClusterClient(transport).cluster(other).resource(CONFIG_MAPS, "default").list()
    finally:
        await transport.close()
    assert await web.workspace.resource(CONFIG_MAPS, "web").get("expected-configmap")

    async def named_below() -> Object | None:
        return await copy_of(web, "robot", ACCOUNTS)

    assert (await eventually(named_below))["automountServiceAccountToken"] is False
    assert await copy_of(web, "default", ACCOUNTS) is None


async def test_the_secret_is_kept_as_it_is(web: Line) -> None:
    """Deleted or edited by hand it comes back, a restart changes nothing, and it goes with the last that mounts it."""
    deployments = web.workspace.resource(DEPLOYMENTS, "web")
    for each in ("frontend", "backend"):
        await deployments.create(running(each))
        await eventually(lambda each=each: pods_of(web, each))
    secrets = web.downstream.resource(SECRETS, web.downstream_namespace("web"))
    first = await secrets.get(ACCESS)
    await web.stop_agent()
    web.start_agent()
    await deployments.patch("frontend", {"spec": {"replicas": 2}})

    async def scaled() -> bool:
        return ((await copy_of(web, "frontend")) or {})["spec"]["replicas"] == 2

    await eventually(scaled)
    assert (await secrets.get(ACCESS))["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    await secrets.patch(ACCESS, {"data": {"token": base64.b64encode(b"forged").decode()}})

    async def repaired() -> bool:
        return (await secret_of(web))["token"].startswith("ey")

    await eventually(repaired)
    await secrets.delete(ACCESS)

    async def back() -> bool:
        return uid(await secrets.get(ACCESS)) != uid(first)

    await eventually(back)
    await deployments.delete("frontend")

    async def gone(object_name: str) -> bool:
        return await copy_of(web, object_name) is None

    await eventually(lambda: gone("frontend"))
    assert await secrets.get(ACCESS)
    await deployments.delete("backend")

    async def deleted() -> bool:
        try:
            await secrets.get(ACCESS)
        except NotFound:
            return True
        return False

    await eventually(deleted)


async def test_tokens_are_renewed_in_time(web: Line) -> None:
    """After half of an hour at the earliest and three quarters at the latest, by the syncer's own clock."""
    await web.stop_agent()
    clock = SkipClock()
    web.agent = asyncio.create_task(run(web.options, clock=clock))
    await web.workspace.resource(DEPLOYMENTS, "web").create(running("frontend"))
    await eventually(lambda: pods_of(web, "frontend"))
    first = (await secret_of(web))["token"]

    async def passed_by(marker: str) -> Object | None:
        """The copy of something made now: the syncer has done what was due before."""
        await web.workspace.resource(CONFIG_MAPS, "web").create(config_map(marker))
        found: Object = await eventually(lambda: copy_of(web, marker, CONFIG_MAPS))
        return found

    clock.skip(29 * 60)
    await passed_by("early")
    assert (await secret_of(web))["token"] == first
    clock.skip(17 * 60)

    async def renewed() -> bool:
        return (await secret_of(web))["token"] != first

    await eventually(renewed)


async def test_whoever_wants_no_access_gets_none(web: Line) -> None:
    """By an annotation, by the pods, or by the account, whose change of mind is followed."""
    await make_account(web, "shy", automountServiceAccountToken=False)
    deployments = web.workspace.resource(DEPLOYMENTS, "web")
    quiet = running("quiet")
    quiet["metadata"]["annotations"] = {"workload.kcp.io/workspace-access": "false"}
    await deployments.create(quiet)
    await deployments.create(running("shy", "shy"))
    for each in ("quiet", "shy"):
        pod = await eventually(lambda each=each: pods_of(web, each))
        assert not pod.get("volumes")
        assert "env" not in pod["containers"][0]
        assert pod["automountServiceAccountToken"] is False
    found = await web.downstream.resource(SECRETS, web.downstream_namespace("web")).list()
    assert [each for each in map(name, found["items"]) if each.startswith("kcp-access-")] == []
    await web.workspace.resource(ACCOUNTS, "web").patch("shy", {"automountServiceAccountToken": True})

    async def given() -> bool:
        return bool((await pods_of(web, "shy")).get("volumes"))

    await eventually(given)
    await web.workspace.resource(ACCOUNTS, "web").patch("shy", {"automountServiceAccountToken": False})

    async def taken() -> bool:
        return not (await pods_of(web, "shy")).get("volumes")

    await eventually(taken)


async def test_pods_without_a_token_are_not_started(web: Line) -> None:
    """The workspace is told why; once there is a token they are. A Secret of the reserved name stays upstream."""
    secrets = web.workspace.resource(SECRETS, "web")
    await secrets.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "kcp-access-ghost"}})
    deployments = web.workspace.resource(DEPLOYMENTS, "web")
    await deployments.create(running("haunted", "ghost"))
    note = f"sync-failed.workload.kcp.io/{web.key}"

    async def told(resource: Any, object_name: str, text: str) -> bool:
        return text in annotations(await resource.get(object_name)).get(note, "")

    await eventually(lambda: told(deployments, "haunted", 'serviceaccounts "ghost" not found'))
    await eventually(lambda: told(secrets, "kcp-access-ghost", "NameCollision"))
    assert await copy_of(web, "haunted") is None
    await make_account(web, "ghost")
    pod = await eventually(lambda: pods_of(web, "haunted"))
    assert pod["volumes"][0]["secret"]["secretName"] == "kcp-access-ghost"
    assert (await secret_of(web, "kcp-access-ghost"))["namespace"] == "web"
    copy = await eventually(lambda: copy_of(web, "ghost", ACCOUNTS))
    assert namespace(copy) == web.downstream_namespace("web")

    async def taken_again() -> bool:
        return note not in annotations(await deployments.get("haunted"))

    await eventually(taken_again)


async def test_rights_that_are_lacking_roll_nothing(web: Line) -> None:
    """Without rights on service accounts of the pcluster pods stay as they are, also after a restart."""
    deployments = web.workspace.resource(DEPLOYMENTS, "web")
    await deployments.create(running("frontend"))
    before = await eventually(lambda: pods_of(web, "frontend"))
    assert mounts(before)
    roles, role_name = web.downstream.resource(PLURALS["ClusterRole"]), syncer_id("west", uid(web.target))

    def lesser(rule: Object) -> Object:
        return {**rule, "resources": [each for each in rule["resources"] if each != "serviceaccounts"]}

    role = await roles.get(role_name)
    await roles.patch(role_name, {"rules": [lesser(rule) for rule in role["rules"]]})
    await web.stop_agent()
    web.start_agent()

    async def said() -> bool:
        condition = get_condition(await web.sync_target(), "SyncerAuthorized") or {}
        return "serviceaccounts" in condition.get("message", "")

    await eventually(said)
    await deployments.patch("frontend", {"spec": {"replicas": 3}})

    async def scaled() -> bool:
        return ((await copy_of(web, "frontend")) or {})["spec"]["replicas"] == 3

    await eventually(scaled)
    assert await pods_of(web, "frontend") == before


async def test_no_token_is_in_a_log_line(web: Line, capfd: pytest.CaptureFixture[str]) -> None:
    await web.workspace.resource(DEPLOYMENTS, "web").create(running("frontend"))
    await eventually(lambda: pods_of(web, "frontend"))
    token = (await secret_of(web))["token"]
    said = "".join(capfd.readouterr())
    assert token.rpartition(".")[2] not in said
