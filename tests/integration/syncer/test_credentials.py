"""A syncer that looks after its own credential: from the bootstrap token to its renewal, its loss and its return."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator

import pytest
from tests.integration.scheduling.skipclock import SkipClock
from tests.integration.servers import config_map, eventually
from tests.integration.servers import namespace as namespace_object
from tests.integration.syncer.conftest import CONFIG_MAPS, NAMESPACES, PLURALS, Line
from tests.integration.syncer.owncredential import ask, keep_own_credential, plan_with_token, strangers

from headwater.apis.sync.v1alpha1.identity import identity_of_target
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.apis.workload.labels import syncer_id
from headwater.apiserver.authn.interface import NOBODY
from headwater.base.ids import new_uid
from headwater.cli.synctarget.manifests import identity_objects
from headwater.client.kubeconfig import load_file
from headwater.machinery.conditions import get_condition
from headwater.machinery.objects import Object, name, uid
from headwater.syncer.credentials.state import CredentialState, decode
from headwater.syncer.run import run


@pytest.fixture
async def own(line: Line) -> AsyncIterator[Line]:
    """A line whose syncer starts from a bootstrap token and keeps its credential in a Secret of the pcluster."""
    await keep_own_credential(line)
    yield line


async def kept(line: Line) -> CredentialState | None:
    """What the Secret holds."""
    secrets = line.downstream.resource(PLURALS["Secret"], "kcp-syncer")
    data = (await secrets.get(line.options.credentials_secret.partition("/")[2])).get("data") or {}
    state = decode(base64.b64decode(data.get("credential.json", "")), uid(line.target))
    return state if state is not None and state.token else None


async def beats(line: Line) -> bool:
    """Whether a heartbeat comes after now."""
    before = (await line.sync_target())["status"].get("lastSyncerHeartbeatTime")

    async def another() -> bool:
        return (await line.sync_target())["status"].get("lastSyncerHeartbeatTime") != before

    return bool(await eventually(another))


async def syncs(line: Line, object_name: str) -> None:
    """A new ConfigMap arrives on the pcluster."""
    await line.workspace.resource(CONFIG_MAPS, "web").create(config_map(object_name))

    async def arrived() -> bool:
        return object_name in {name(each) for each in await line.copies(CONFIG_MAPS)}

    await eventually(arrived)


async def test_it_works_restarts_and_is_renewed(own: Line) -> None:
    """Nothing of the bootstrap token is needed again, and while the credential is renewed the work goes on."""
    own.start_agent()
    await own.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await syncs(own, "one")
    first = await eventually(lambda: kept(own))
    await own.stop_agent()
    clock = SkipClock()
    own.agent = asyncio.create_task(run(own.options, clock=clock))
    await beats(own)
    assert await kept(own) == first, "a restart takes up what was kept"
    clock.skip(18 * 3600)

    async def renewed() -> CredentialState | None:
        state = await kept(own)
        return state if state is not None and state.token != first.token else None

    await eventually(renewed)
    await syncs(own, "two")


async def test_it_says_when_it_can_not_keep_its_credential(own: Line) -> None:
    """The SyncTarget has a condition for as long as the Secret can't be written; the work goes on."""
    clock = SkipClock()
    own.agent = asyncio.create_task(run(own.options, clock=clock))
    await own.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await syncs(own, "one")
    old = await eventually(lambda: kept(own))
    bindings = own.downstream.resource(PLURALS["RoleBinding"], "kcp-syncer")
    binding = await bindings.get(own.options.credentials_secret.partition("/")[2])
    await bindings.delete(name(binding))
    clock.skip(18 * 3600)

    async def told() -> Object | None:
        return get_condition(await own.sync_target(), "CredentialsExpiring")

    condition = await eventually(told)
    assert (condition["status"], condition["reason"]) == ("True", "RenewalFailed")
    assert "can't write Secret kcp-syncer/" in condition["message"]
    await syncs(own, "two")
    again = {key: binding[key] for key in ("apiVersion", "kind", "roleRef", "subjects")}
    await bindings.create({**again, "metadata": {"name": name(binding)}})

    async def well() -> bool:
        clock.skip(60)
        state = await kept(own)
        return state is not None and state.token != old.token and await told() is None

    await eventually(well)


async def test_revoked_it_deletes_nothing_and_comes_back_with_a_new_token(own: Line) -> None:
    """The copies stay, also over a restart, and a new bootstrap token in the kubeconfig is taken up while it runs."""
    clock = SkipClock()
    own.agent = asyncio.create_task(run(own.options, clock=clock))
    await own.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await syncs(own, "one")
    old = await eventually(lambda: kept(own))
    await ask(own, "revoke")
    await own.workspace.resource(CONFIG_MAPS, "web").delete("one")
    clock.skip(120)
    await own.stop_agent()
    assert "one" in {name(each) for each in await own.copies(CONFIG_MAPS)}
    own.agent = asyncio.create_task(run(own.options, clock=clock))
    await plan_with_token(own)
    clock.skip(120)

    async def replaced() -> CredentialState | None:
        state = await kept(own)
        return state if state is not None and state.token != old.token else None

    await eventually(replaced)
    await syncs(own, "two")

    async def gone() -> bool:
        return "one" not in {name(each) for each in await own.copies(CONFIG_MAPS)}

    await eventually(gone)


@pytest.mark.parametrize("end", ["revoke", "delete"])
async def test_an_open_watch_of_its_view_ends_with_the_credential(own: Line, end: str) -> None:
    """What is placed on the SyncTarget afterwards is not told to who watched before."""
    own.start_agent()
    await own.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await syncs(own, "one")
    state = await eventually(lambda: kept(own))
    await own.stop_agent()
    target = identity_of_target(own.target)
    view = f"/services/syncer/{target.cluster}/west/{target.uid}/clusters/*/api/v1/configmaps"
    stream = await own.control_plane.api.loopback(NOBODY).stream(
        "GET", view, query=[("watch", "true")], headers={"authorization": f"Bearer {state.token}"}
    )
    assert stream.status == 200
    seen = bytearray()

    async def follow() -> None:
        async for chunk in stream:
            seen.extend(chunk)

    watching = asyncio.create_task(follow())
    maps = own.workspace.resource(CONFIG_MAPS, "web")

    async def told() -> bool:
        await maps.patch("one", {"data": {"turn": new_uid()}})
        return bool(seen)

    await eventually(told)
    if end == "revoke":
        await ask(own, "revoke")
    else:
        await own.workspace.resource(SYNC_TARGETS).delete("west")
    await maps.patch("one", {"data": {"turn": "hidden"}})
    await asyncio.wait_for(watching, 60)
    assert b"hidden" not in seen


async def test_a_sync_target_that_was_created_anew_gives_the_old_syncer_nothing(own: Line) -> None:
    """Its copies stay, and nothing of the new SyncTarget is told to it."""
    own.start_agent()
    await own.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await syncs(own, "one")
    targets = own.workspace.resource(SYNC_TARGETS)
    old = await targets.get("west")
    await targets.delete("west")
    meta = {"name": "west", "labels": old["metadata"]["labels"]}
    again = await targets.create({**{k: old[k] for k in ("apiVersion", "kind")}, "metadata": meta, "spec": old["spec"]})
    assert uid(again) != uid(old)
    for obj in identity_objects(syncer_id("west", uid(again)), again):
        await own.workspace.resource(PLURALS[obj["kind"]]).create(obj)
    before = await strangers(own)

    async def refused() -> bool:
        return await strangers(own) >= before + 3

    await eventually(refused)
    assert not (await targets.get("west")).get("status", {}).get("lastSyncerHeartbeatTime")
    assert "one" in {name(each) for each in await own.copies(CONFIG_MAPS)}


async def test_the_hub_holds_nothing_that_opens_a_pcluster(own: Line) -> None:
    """Neither the account of the syncer there, nor the administrator's, nor what the syncer keeps there for itself."""
    own.start_agent()
    await own.workspace.resource(NAMESPACES).create(namespace_object("web"))
    await syncs(own, "one")
    await beats(own)
    assert own.options.to_kubeconfig is not None
    below = [load_file(path).settings() for path in (own.options.to_kubeconfig, own.pcluster.kubeconfig_path)]
    state = await eventually(lambda: kept(own))
    secrets = [state.claimant.encode(), state.token.encode()]
    for settings in below:
        secrets += [settings.token.encode(), settings.client_key_data]
    page = await own.control_plane.api.store.backend.range("/")
    stored = b"".join(item.value for item in page.items)
    for secret in filter(None, secrets):
        assert secret not in stored
        assert base64.b64encode(secret) not in stored
