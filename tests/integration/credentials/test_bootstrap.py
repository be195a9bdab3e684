"""A bootstrap token counts once, for one SyncTarget, for a while, and for nothing but its exchange."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.integration.credentials.hub import Hub, message_in, token_in, url_of
from tests.integration.servers import eventually

from headwater.apis.sync.v1alpha1.credentials import CREDENTIALS_ANNOTATION
from headwater.apis.sync.v1alpha1.identity import SyncerIdentity
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.base import jsonio


async def test_it_is_exchanged_for_an_identity(hub: Hub) -> None:
    """The credential may read its SyncTarget and say how it is; the audit log knows both as whose they are."""
    east = await hub.target("east")
    answer = await hub.exchange(east, await hub.bootstrap(east))
    status = jsonio.loads(answer.body)["status"]
    assert 24 * 3600 - 60 < status["expiresInSeconds"] <= 24 * 3600
    token = token_in(answer)
    assert await hub.reads_target(east, token) == 200
    path = f"/clusters/{hub.cluster}/apis/sync.kcp.io/v1alpha1/synctargets/east/status"
    beat = {"metadata": {"uid": east.uid}, "status": {"lastSyncerHeartbeatTime": "2026-01-01T00:00:00Z"}}
    assert (await hub.ask("PATCH", path, beat, token=token, content_type="application/merge-patch+json")).status == 200
    log = hub.process.options.audit_log
    assert log is not None

    async def logged() -> bool:
        text = log.read_text()
        return f'"system:kcp:syncer-bootstrap:{east}"' in text and f'"{east.user_name}"' in text

    await eventually(logged)
    assert token not in log.read_text()
    assert ("east", "CredentialIssued") in await hub.events()


async def test_it_counts_once(hub: Hub) -> None:
    """A second use is refused, and the owner hears of it. Who lost the answer may ask for it again."""
    east = await hub.target("east")
    token = await hub.bootstrap(east)
    assert (await hub.exchange(east, token)).status == 201
    assert (await hub.exchange(east, token)).status == 201, "the same claimant, whose first answer was lost"
    replayed = await hub.exchange(east, token, "another-claimant-than-it")
    assert replayed.status == 401
    assert "was used already" in message_in(replayed)
    assert ("east", "BootstrapTokenUsed") in await hub.events()


async def test_of_many_at_once_one_wins(hub: Hub) -> None:
    """However the uses of a token mix, one claimant gets a credential and the others a reason."""
    east = await hub.target("east")
    for _ in range(5):
        token = await hub.bootstrap(east)
        uses = [hub.exchange(east, token, f"claimant-number-{number:04d}") for number in range(8)]
        answers = await asyncio.gather(*uses)
        assert sorted(answer.status for answer in answers) == [201, *[401] * 7]


async def test_it_expires(hub: Hub) -> None:
    """After an hour, or when its owner said; the reason says when."""
    east = await hub.target("east")
    token, short = await hub.bootstrap(east), await hub.bootstrap(east, expirationSeconds=60)
    hub.clock.skip(120)
    refused = await hub.exchange(east, short)
    assert refused.status == 401
    assert "has expired at" in message_in(refused)
    hub.clock.skip(3600)
    assert (await hub.exchange(east, token)).status == 401
    assert ("east", "BootstrapTokenExpired") in await hub.events()


async def test_it_is_for_one_sync_target(hub: Hub) -> None:
    """Neither another SyncTarget nor one that was created anew under its name takes it; its own owner hears of it."""
    east, west = await hub.target("east"), await hub.target("west")
    token = await hub.bootstrap(east)
    refused = await hub.exchange(west, token)
    assert refused.status == 401
    assert "is for SyncTarget 'east'" in message_in(refused)
    await hub.workspace.resource(SYNC_TARGETS).delete("east")
    gone = await hub.exchange(east, token)
    assert gone.status == 401
    assert "is gone" in message_in(gone)
    again = await hub.target("east")
    for identity in (east, again):
        anew = await hub.exchange(identity, token)
        assert anew.status == 401
        assert "created anew" in message_in(anew)
    assert sorted(await hub.events()) == [("east", "BootstrapTokenMisused"), ("east", "SyncTargetRecreated")]


async def test_it_opens_nothing_else(hub: Hub) -> None:
    """It is no way to log in, not even to where everybody may go."""
    east = await hub.target("east")
    token = await hub.bootstrap(east)
    for path in (
        "/version",
        "/clusters/root/apis/tenancy.kcp.io/v1alpha1/workspaces",
        f"/clusters/{hub.cluster}/apis/sync.kcp.io/v1alpha1/synctargets/east",
        f"/services/syncer/{east.cluster}/east/{east.uid}/clusters/*/api/v1/configmaps",
    ):
        assert (await hub.ask("GET", path, token=token)).status == 401
    for action in ("bootstrap", "renew", "revoke", "exchange"):
        assert (await hub.ask("POST", url_of(east, action), {}, token=token)).status == 401
        assert (await hub.ask("POST", url_of(east, action), {})).status in (400, 403), "and a stranger gets nothing"


async def test_it_is_kept_as_a_hash(hub: Hub) -> None:
    """Nothing in the store, nor in the SyncTarget, would let a reader in."""
    east = await hub.target("east")
    token = await hub.bootstrap(east)
    credential = token_in(await hub.exchange(east, token))
    record = (await hub.workspace.resource(SYNC_TARGETS).get("east"))["metadata"]["annotations"][CREDENTIALS_ANNOTATION]
    page = await hub.process.api.store.backend.range("/")
    stored = b"".join(item.value for item in page.items)
    for secret in (token, credential, "a-secret-of-this-claimant"):
        assert secret not in record
        assert secret.encode() not in stored


@pytest.mark.parametrize("spoil", ["payload", "signature", "alg-none", "text"])
async def test_a_tampered_one_is_refused(hub: Hub, spoil: str) -> None:
    """Without a word about whose it would have been, and without an Event, which a stranger could make many of."""
    east = await hub.target("east")
    head, payload, signature = (await hub.bootstrap(east)).split(".")
    flipped = "A" if payload[20] != "A" else "B"
    token = {
        "payload": f"{head}.{payload[:20]}{flipped}{payload[21:]}.{signature}",
        "signature": f"{head}.{payload}.{'A' * len(signature)}",
        "alg-none": f"eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}.",
        "text": "letmein",
    }[spoil]
    refused = await hub.exchange(east, token)
    assert refused.status == 401
    assert "east" not in message_in(refused)
    assert not await hub.events()


async def test_only_who_may_give_it_gets_one(hub: Hub) -> None:
    """A syncer can't make bootstrap tokens, for nobody; and a SyncTarget that is not there has none."""
    east, west = await hub.target("east"), await hub.target("west")
    credential = await hub.credential(east)
    for identity in (east, west):
        for action in ("bootstrap", "revoke"):
            assert (await hub.ask("POST", url_of(identity, action), {}, token=credential)).status == 403
    other = replace(east, uid=west.uid)
    assert (await hub.workspace_free.raw("POST", url_of(other, "bootstrap"))).status == 404
    nowhere = SyncerIdentity("nowhere", "east", east.uid)
    assert (await hub.workspace_free.raw("POST", url_of(nowhere, "bootstrap"))).status in (403, 404)
    for seconds in (0, 59, 86_401, True, "60"):
        body = jsonio.dumps({"expirationSeconds": seconds})
        assert (await hub.workspace_free.raw("POST", url_of(east, "bootstrap"), body=body)).status == 400
