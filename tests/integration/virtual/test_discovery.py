"""What a target's virtual workspace serves, and to whom."""

from __future__ import annotations

import pytest
from tests.integration.scheduling.ground import CONFIG_MAPS, EXPORTS, SCHEMAS, SECRETS, Space, eventually
from tests.integration.virtual.stage import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, COWBOYS, Stage, cowboy_schema

from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.apiserver.authn.interface import UserInfo
from headwater.client.dynamic import Client
from headwater.machinery.errors import BadRequest, Forbidden, MethodNotAllowed, NotFound
from headwater.machinery.gvk import GroupVersionResource

VERBS = ["get", "list", "patch", "update", "watch"]
STATUS_VERBS = ["get", "patch", "update"]
BUILTINS = {
    "configmaps": VERBS,
    "namespaces": VERBS,
    "namespaces/status": STATUS_VERBS,
    "secrets": VERBS,
    "serviceaccounts": VERBS,
    "serviceaccounts/token": ["create"],
}


async def served(client: Client, path: str) -> dict[str, list[str]]:
    """Resources of a group version with their verbs."""
    found = await client.get_json(path)
    return {each["name"]: each["verbs"] for each in found["resources"]}


async def narrow(stage: Stage, target: str, *exports: dict[str, str]) -> None:
    """Have a target support only some exports."""
    targets = stage.west.resource(SYNC_TARGETS)
    await targets.patch(target, {"spec": {"supportedAPIExports": list(exports)}})
    wanted = "wildwest.dev" if exports == ({"export": "wildwest"},) else "apps"
    await eventually(
        lambda: targets.get(target),
        lambda obj: {wanted} == {each.get("group", "") for each in obj["status"]["syncedResources"]} - OTHER_GROUPS,
    )
    await stage.west.accept(target)


OTHER_GROUPS = {"", "batch", "autoscaling", "discovery.k8s.io", "networking.k8s.io", "policy"}


async def test_each_target_has_an_api_of_its_own(stage: Stage) -> None:
    """Discovery shows the builtin resources and the target's own exports, and nothing of another target's."""
    await narrow(stage, "north", {"export": "wildwest"})
    await narrow(stage, "south", {"path": "root:compute", "export": "kubernetes"})
    north, south = stage.north.client.cluster("*"), stage.south.client.cluster("*")
    assert await served(north, "/api/v1") == BUILTINS
    cowboys = {"cowboys": VERBS, "cowboys/status": STATUS_VERBS}
    assert await served(north, "/apis/wildwest.dev/v1alpha1") == cowboys
    assert [group["name"] for group in (await north.get_json("/apis"))["groups"]] == ["wildwest.dev"]
    assert (await north.get_json("/apis/wildwest.dev"))["preferredVersion"]["version"] == "v1alpha1"
    assert (await north.get_json("/api"))["versions"] == ["v1"]
    south_core = await served(south, "/api/v1")
    assert {"services", "services/status", *BUILTINS} <= set(south_core)
    assert "pods" not in south_core
    assert "deployments/scale" not in await served(south, "/apis/apps/v1")
    for path in ("/apis/wildwest.dev", "/apis/wildwest.dev/v1alpha1", "/api/v2", "/apis/apps/v9", "/version", "/"):
        with pytest.raises(NotFound):
            await south.get_json(path)
    for path in ("/apis/apps/v1/deployments", "/api/v1/pods", "/api/v1/nodes", "/api/v1/configmaps:abc"):
        with pytest.raises(NotFound):
            await north.get_json(path)
    assert (await north.raw("POST", "/apis")).status == 404


async def test_a_resource_is_served_once_it_is_accepted(stage: Stage) -> None:
    """Incompatible and pending ones are not served; an export that changes is followed before long."""
    await narrow(stage, "north", {"export": "wildwest"})
    target = await stage.west.resource(SYNC_TARGETS).get("north")
    entries = target["status"]["syncedResources"]
    cowboys = stage.north.client.cluster("*")
    assert (await cowboys.get_json("/apis/wildwest.dev/v1alpha1/cowboys"))["items"] == []
    for state in ("Incompatible", "Pending"):
        entries[0]["state"] = state
        await stage.west.resource(SYNC_TARGETS).patch_status("north", {"status": {"syncedResources": entries}})
        with pytest.raises(NotFound):
            await cowboys.get_json("/apis/wildwest.dev/v1alpha1/cowboys")
    await stage.west.accept("north")
    assert "cowboys/status" in await served(cowboys, "/apis/wildwest.dev/v1alpha1")
    newer = cowboy_schema()
    newer["metadata"]["name"] = "tomorrow.cowboys.wildwest.dev"
    del newer["spec"]["versions"][0]["subresources"]
    await stage.west.resource(SCHEMAS).create(newer)
    entry = {"group": "wildwest.dev", "name": "cowboys", "schema": newer["metadata"]["name"]}
    await stage.west.resource(EXPORTS).patch("wildwest", {"spec": {"resources": [entry]}})
    await stage.ground.skip(10)
    await eventually(lambda: served(cowboys, "/apis/wildwest.dev/v1alpha1"), lambda found: found == {"cowboys": VERBS})


async def token_user(stage: Stage, space: Space, name: str) -> UserInfo:
    """A service account, authenticated by a token of its own."""
    accounts = GroupVersionResource("", "v1", "serviceaccounts")
    body = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
    await space.resource(accounts, "default").create(body)
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    answer = await space.resource(accounts, "default").create_subresource(name, "token", request)
    user = await stage.ground.process.authentication.tokens.authenticate_token(answer["status"]["token"])
    assert user is not None
    return UserInfo(user.name, user.uid, (*user.groups, "system:authenticated"), user.extra)


async def grant(space: Space, target: str, user: UserInfo) -> None:
    """Allow a service account to sync one target."""
    rules = [
        {"apiGroups": ["sync.kcp.io"], "resources": ["synctargets"], "resourceNames": [target], "verbs": ["sync"]},
        {"nonResourceURLs": ["/"], "verbs": ["access"]},
    ]
    group = "rbac.authorization.k8s.io"
    meta = {"name": f"sync-{target}"}
    await space.resource(CLUSTER_ROLES).create(
        {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": meta, "rules": rules}
    )
    name = user.name.rpartition(":")[2]
    subjects = [{"kind": "ServiceAccount", "name": name, "namespace": "default"}]
    role = {"apiGroup": group, "kind": "ClusterRole", "name": meta["name"]}
    await space.resource(CLUSTER_ROLE_BINDINGS).create(
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": meta,
            "subjects": subjects,
            "roleRef": role,
        }
    )


async def test_only_who_may_sync_gets_in(stage: Stage) -> None:
    """Of two accounts the one with the verb `sync` on the target gets in, there only, and the other never."""
    await stage.place("north")
    await stage.cowboy()
    first, second = [await token_user(stage, stage.west, name) for name in ("first", "second")]
    foreign = await token_user(stage, stage.tenant, "first")
    anonymous = UserInfo("system:anonymous", groups=("system:unauthenticated",))
    for user in (first, second, foreign, anonymous):
        with pytest.raises(Forbidden):
            await (await stage.as_user(user, "north")).cluster("*").get_json("/api/v1")
    await grant(stage.west, "north", second)
    found = await (await stage.as_user(second, "north")).cluster("*").resource(COWBOYS).list()
    assert [each["metadata"]["name"] for each in found["items"]] == ["luke"]
    for user, target in ((first, "north"), (second, "south"), (foreign, "north"), (anonymous, "north")):
        for cluster in ("*", stage.tenant.cluster):
            with pytest.raises(Forbidden) as refused:
                await (await stage.as_user(user, target)).cluster(cluster).resource(COWBOYS).list()
            assert "luke" not in str(refused.value)


async def test_an_impersonator_is_not_who_was_let_in(stage: Stage) -> None:
    """That somebody was let in a moment ago is no reason to let in who only took on the name."""
    alice = UserInfo("alice", groups=("system:authenticated",))
    rules = [
        {"apiGroups": ["sync.kcp.io"], "resources": ["synctargets"], "verbs": ["sync"]},
        {"nonResourceURLs": ["/"], "verbs": ["access"]},
    ]
    group = "rbac.authorization.k8s.io"
    role = {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": {"name": "sync"}, "rules": rules}
    await stage.west.resource(CLUSTER_ROLES).create(role)
    await stage.west.resource(CLUSTER_ROLE_BINDINGS).create(
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "sync"},
            "subjects": [{"apiGroup": group, "kind": "User", "name": "alice"}],
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "sync"},
        }
    )
    await (await stage.as_user(alice, "north")).cluster("*").get_json("/api/v1")
    elsewhere = {"authentication.kcp.io/scopes": (f"cluster:{stage.tenant.cluster}",)}
    scoped = UserInfo("alice", groups=("system:authenticated",), extra=elsewhere)
    with pytest.raises(Forbidden):
        await (await stage.as_user(scoped, "north")).cluster("*").get_json("/api/v1")


async def test_a_deleted_target_serves_nothing(stage: Stage) -> None:
    """Not to its old syncer, and not under the UID of one that was made again."""
    await stage.place("north")
    await stage.cowboy()
    old = stage.north.client.cluster("*").resource(COWBOYS)
    assert len((await old.list())["items"]) == 1
    await stage.west.resource(SYNC_TARGETS).delete("north")
    with pytest.raises(NotFound):
        await old.list()
    await stage.west.target("north", supportedAPIExports=[{"export": "wildwest"}])
    with pytest.raises(NotFound, match="with UID"):
        await old.list()
    again = await stage.ground.syncer(stage.west, "north")
    await again.client.cluster("*").resource(COWBOYS).list()


async def test_the_wildcard_is_for_whole_resources(stage: Stage) -> None:
    await stage.place("north")
    everywhere = stage.north.client.cluster("*")
    await everywhere.resource(CONFIG_MAPS).list()
    with pytest.raises(BadRequest, match="only whole resources"):
        await everywhere.resource(CONFIG_MAPS, "default").list()
    with pytest.raises(BadRequest, match="only whole resources"):
        await everywhere.resource(SECRETS, "default").get("x")
    with pytest.raises(BadRequest, match="only whole resources"):
        await everywhere.resource(SECRETS, "default").patch("x", {"data": {}})
    with pytest.raises(MethodNotAllowed):
        await everywhere.resource(SECRETS, "default").create({"metadata": {"name": "x"}})


async def test_schemas_of_what_is_to_be_synced_can_be_read(stage: Stage) -> None:
    """Before it is accepted, too: the syncer compares them with its pcluster's. Another target's are not shown."""
    await narrow(stage, "north", {"export": "wildwest"})
    await narrow(stage, "south", {"path": "root:compute", "export": "kubernetes"})
    north, south = stage.north.client.cluster("*"), stage.south.client.cluster("*")
    paths = (await north.get_json("/openapi/v3"))["paths"]
    assert list(paths) == ["apis/wildwest.dev/v1alpha1"]
    url = paths["apis/wildwest.dev/v1alpha1"]["serverRelativeURL"]
    assert url.startswith("/services/syncer/") and "/clusters/*/openapi/v3/apis/wildwest.dev/v1alpha1?hash=" in url
    document = await north.get_json("/openapi/v3/apis/wildwest.dev/v1alpha1")
    (cowboy,) = document["components"]["schemas"].values()
    assert cowboy["x-kubernetes-group-version-kind"][0]["kind"] == "Cowboy"
    assert "intent" in cowboy["properties"]["spec"]["properties"]
    assert {"api/v1", "apis/apps/v1", "apis/batch/v1"} <= set((await south.get_json("/openapi/v3"))["paths"])
    for client, path in ((south, "/openapi/v3/apis/wildwest.dev/v1alpha1"), (north, "/openapi/v2")):
        with pytest.raises(NotFound):
            await client.get_json(path)
