"""A syncer's credential does the work of one SyncTarget, and ends with it: attacks with one that is genuine."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace

import pytest
from tests.integration.controlplane.test_isolation import METHODS, PATHS
from tests.integration.credentials.hub import ROLES, WORKSPACES, Hub, message_in, token_in, url_of
from tests.integration.servers import at_rest, eventually, furnished

from headwater.apis.sync.v1alpha1.credentials import CREDENTIALS_ANNOTATION
from headwater.apis.sync.v1alpha1.identity import SyncerIdentity
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.apis.tenancy.v1alpha1.workspace import OWNER_ANNOTATION
from headwater.apiserver.authn.interface import NOBODY, UserInfo
from headwater.base import jsonio
from headwater.base.ids import new_uid
from headwater.controlplane.syncers.tokens import CREDENTIAL_ISSUER
from headwater.machinery.objects import Object, annotations

OPEN = frozenset({"/api", "/apis", "/openapi/v2", "/openapi/v3"})
"""What everybody who may enter a workspace can read: which APIs there are."""
ADMIN = UserInfo("root-admin", groups=("system:masters", "system:authenticated"))
"""An administrator of everything, who is not the control plane itself."""
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubject"


async def test_no_route_but_its_own(hub: Hub) -> None:
    """Every route with every method: elsewhere nothing at all, at home only what everybody may see of the APIs."""
    east = await hub.target("east")
    token = await hub.credential(east)
    await (
        hub.process.client.cluster("root")
        .resource(WORKSPACES)
        .create(
            {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": "other"}, "spec": {}}
        )
    )
    workspaces = hub.process.client.cluster("root").resource(WORKSPACES)

    async def ready() -> Object | None:
        """The workspace after the last write to it, which takes the owner's groups from its annotation."""
        found = await workspaces.get("other")
        is_ready = (found.get("status") or {}).get("phase") == "Ready"
        return found if is_ready and '"groups"' not in annotations(found)[OWNER_ANNOTATION] else None

    other = (await eventually(ready))["spec"]["cluster"]
    body: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "same"}}
    await furnished(hub.process.client.cluster(other))
    before = await at_rest(hub.process.api.store.backend)
    for cluster, path, method in itertools.product((other, "root:other", hub.cluster), PATHS, METHODS):
        content = "application/merge-patch+json" if method == "PATCH" else "application/json"
        answer = await hub.ask(
            method, f"/clusters/{cluster}{path}", body if method != "GET" else None, token=token, content_type=content
        )
        at_home = cluster == hub.cluster
        about_apis = method == "GET" and (path in OPEN or path.count("/") <= 3 or path.startswith("/openapi"))
        allowed = (200, 404) if at_home and about_apis and "namespaces" not in path else ()
        if at_home and path.startswith(REVIEWS):
            continue
        assert answer.status == 403 or answer.status in allowed, (method, cluster, path, answer.status)
    assert hub.process.api.store.backend.revision() == before, "nothing was written"
    drain: Object = {"kind": "Plan", "apiVersion": "placement.kcp.io/v1alpha1", "spec": {"drain": ["east"]}}
    for cluster in (other, hub.cluster):
        plans = f"/services/scheduling/clusters/{cluster}/apis/placement.kcp.io/v1alpha1/plans"
        assert (await hub.ask("POST", plans, drain, token=token)).status == 403
    assert (await hub.ask("GET", "/metrics", token=token)).status == 403


async def test_no_other_sync_target(hub: Hub) -> None:
    """Not a neighbour's, by name or by UID, to read, to report on, to sync or to renew."""
    east, west = await hub.target("east"), await hub.target("west")
    longer = await hub.target("east2")
    token = await hub.credential(east)
    for other in (west, longer, replace(east, uid=west.uid), replace(east, name="eas"), replace(west, uid=east.uid)):
        syncing = f"/services/syncer/{other.cluster}/{other.name}/{other.uid}/clusters/*/api/v1/configmaps"
        assert (await hub.ask("GET", syncing, token=token)).status in (403, 404)
        assert (await hub.ask("POST", url_of(other, "renew"), {}, token=token)).status == 403
        if other.name != east.name:
            assert await hub.reads_target(other, token) == 403
            path = f"/clusters/{other.cluster}/apis/sync.kcp.io/v1alpha1/synctargets/{other.name}/status"
            patched = await hub.ask(
                "PATCH", path, {"status": {}}, token=token, content_type="application/merge-patch+json"
            )
            assert patched.status == 403
    for odd in (f"east%3A{east.uid}", "e%D0%B0st", "east%00", "east%2F..%2Fwest", "EAST"):
        url = f"/services/syncer-credentials/{east.cluster}/{odd}/{east.uid}/renew"
        assert (await hub.ask("POST", url, {}, token=token)).status in (400, 404)
        for view, space in itertools.product(
            ("syncer", "upsyncer"), ("*", "root", "root%3Aplatform", f"{east.cluster}%2F*")
        ):
            where = f"/services/{view}/{east.cluster}/{odd}/{east.uid}/clusters/{space}/api/v1"
            assert (await hub.ask("GET", where, token=token)).status in (400, 403, 404), where


async def test_it_is_renewed_and_the_old_one_stays(hub: Hub) -> None:
    """Rotation invalidates nothing: both count until they expire."""
    east = await hub.target("east")
    old = await hub.credential(east)
    hub.clock.skip(16 * 3600)
    new = token_in(await hub.ask("POST", url_of(east, "renew"), {}, token=old))
    assert [await hub.reads_target(east, each) for each in (old, new)] == [200, 200]
    hub.clock.skip(9 * 3600)
    assert [await hub.reads_target(east, each) for each in (old, new)] == [401, 200]
    assert (await hub.ask("POST", url_of(east, "renew"), {}, token=old)).status == 401
    hub.clock.skip(-48 * 3600)
    assert await hub.reads_target(east, new) == 200, "a hub whose clock was set back shuts nobody out"


async def test_revoking_voids_all_that_was_given(hub: Hub) -> None:
    """Credentials, renewed ones and bootstrap tokens alike; what is given afterwards counts."""
    east = await hub.target("east")
    first, unused = await hub.credential(east), await hub.bootstrap(east)
    renewed = token_in(await hub.ask("POST", url_of(east, "renew"), {}, token=first))
    assert (await hub.workspace_free.raw("POST", url_of(east, "revoke"))).status == 200
    for token in (first, renewed):
        assert await hub.reads_target(east, token) == 401
        assert (await hub.ask("POST", url_of(east, "renew"), {}, token=token)).status == 401
    refused = await hub.exchange(east, unused)
    assert refused.status == 401
    assert "was revoked" in message_in(refused)
    assert await hub.reads_target(east, await hub.credential(east)) == 200
    assert {("east", "CredentialsRevoked"), ("east", "BootstrapTokenRevoked")} <= set(await hub.events())


async def test_the_deletion_of_the_sync_target_ends_it(hub: Hub) -> None:
    """At once, and for good: the next one of the same name is another one, even with the old role still there."""
    east = await hub.target("east")
    token = await hub.credential(east)
    await hub.workspace.resource(SYNC_TARGETS).delete("east")
    assert await hub.reads_target(east, token) == 401
    again = await hub.target("east")
    assert again.uid != east.uid
    assert await hub.reads_target(again, token) == 401
    assert (await hub.ask("POST", url_of(again, "renew"), {}, token=token)).status == 401
    assert await hub.reads_target(again, await hub.credential(again)) == 200


@pytest.mark.parametrize("end", ["revoke", "delete"])
async def test_open_watches_end_with_it(hub: Hub, end: str) -> None:
    """A watch of the SyncTarget that was open before tells nothing of what comes after."""
    east = await hub.target("east")
    token = await hub.credential(east)
    stream = await hub.process.api.loopback(NOBODY).stream(
        "GET",
        f"/clusters/{hub.cluster}/apis/sync.kcp.io/v1alpha1/synctargets",
        query=[("watch", "true"), ("fieldSelector", "metadata.name=east")],
        headers={"authorization": f"Bearer {token}"},
    )
    assert stream.status == 200
    seen = bytearray()

    async def follow() -> None:
        async for chunk in stream:
            seen.extend(chunk)

    watching = asyncio.create_task(follow())
    targets = hub.workspace.resource(SYNC_TARGETS)

    async def something() -> bool:
        await targets.patch("east", {"metadata": {"labels": {"turn": new_uid()}}})
        return bool(seen)

    await eventually(something)
    if end == "revoke":
        assert (await hub.workspace_free.raw("POST", url_of(east, "revoke"))).status == 200
        await targets.patch("east", {"metadata": {"labels": {"turn": "hidden"}}})
    else:
        await targets.delete("east")
    await asyncio.wait_for(watching, 30)
    assert b"hidden" not in seen
    assert b"DELETED" not in seen


async def test_nobody_writes_the_record(hub: Hub) -> None:
    """Neither its syncer nor an administrator can undo a revocation, or plant a token of their own."""
    east = await hub.target("east")
    token = await hub.credential(east)
    targets = hub.workspace.resource(SYNC_TARGETS)
    record = (await targets.get("east"))["metadata"]["annotations"][CREDENTIALS_ANNOTATION]
    planted = {"metadata": {"annotations": {CREDENTIALS_ANNOTATION: '{"epoch":"mine","tokens":[]}'}}, "status": {}}
    path = f"/clusters/{hub.cluster}/apis/sync.kcp.io/v1alpha1/synctargets/east"
    content = "application/merge-patch+json"
    await hub.ask("PATCH", f"{path}/status", planted, token=token, content_type=content)
    admin = hub.process.api.loopback(ADMIN)
    headers = {"content-type": content}
    for wanted in (
        planted,
        {"metadata": {"annotations": None}},
        {"metadata": {"annotations": {CREDENTIALS_ANNOTATION: None}}},
    ):
        answer = await admin.request("PATCH", path, headers=headers, body=jsonio.dumps(wanted))
        assert answer.status == 200, answer.body
        assert (await targets.get("east"))["metadata"]["annotations"][CREDENTIALS_ANNOTATION] == record
    assert await hub.reads_target(east, token) == 200


async def test_claims_of_our_own_making_count_only_in_our_form(hub: Hub) -> None:
    """Even what our own key signed is refused for another purpose, audience, SyncTarget, UID, epoch or time."""
    east = await hub.target("east")
    await hub.bootstrap(east)
    record = (await hub.workspace.resource(SYNC_TARGETS).get("east"))["metadata"]["annotations"][CREDENTIALS_ANNOTATION]
    issuer = hub.process.authentication.issuer
    good = {
        "iss": CREDENTIAL_ISSUER, "aud": [issuer.issuer], "sub": str(east), "jti": "j", "iat": 0,
        "exp": int(hub.clock.now().timestamp()) + 60, "sync.kcp.io/epoch": jsonio.loads(record)["epoch"],
    }  # fmt: skip
    assert await hub.reads_target(east, issuer.sign(good)) == 200
    for field, value in (
        ("iss", "kcp.io/syncer-bootstrap"), ("iss", issuer.issuer), ("iss", "kcp.io/syncer "), ("aud", ["another"]),
        ("aud", issuer.issuer), ("sub", east.user_name), ("sub", f"{east}x"),
        ("sub", f"{east.cluster}:east:{new_uid()}"),
        ("sub", f"root:east:{east.uid}"), ("exp", 1), ("exp", 10**20), ("exp", "soon"), ("sync.kcp.io/epoch", ""),
        ("sync.kcp.io/epoch", "another"), ("jti", None),
    ):  # fmt: skip
        forged = {key: each for key, each in {**good, field: value}.items() if each is not None}
        assert await hub.reads_target(east, issuer.sign(forged)) == 401, (field, value)


async def test_roles_for_its_name_elsewhere_give_it_nothing(hub: Hub) -> None:
    """It is scoped to its workspace: a binding to its name in another one counts for nobody."""
    east = await hub.target("east")
    token = await hub.credential(east)
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "trap"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": east.user_name}],
    }
    await hub.process.client.cluster("root").resource(ROLES["ClusterRoleBinding"]).create(binding)
    assert (await hub.ask("GET", "/clusters/root/api/v1/secrets", token=token)).status == 403
    other = SyncerIdentity("root", "east", east.uid)
    assert (await hub.ask("POST", url_of(other, "renew"), {}, token=token)).status == 403
