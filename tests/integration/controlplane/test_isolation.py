"""A tenant never reaches another tenant: every route and verb, by name, path, wildcard and impersonation."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from tests.integration.controlplane.plane import (
    ALICE,
    BOB,
    CLUSTER_ROLE_BINDINGS,
    CONFIG_MAPS,
    CRDS,
    KCP_ADMIN,
    LOGICAL_CLUSTERS,
    NAMESPACES,
    SECRETS,
    WORKSPACES,
    Plane,
    allow,
    config_map,
    eventually,
    widget_crd,
)
from tests.integration.servers import at_rest, furnished

from headwater.apiserver.authn.interface import UserInfo
from headwater.base import jsonio
from headwater.client.interface import RawResponse
from headwater.machinery.errors import BadRequest, Forbidden, MethodNotAllowed, NotFound, StatusError
from headwater.machinery.objects import cluster_name

SECRET_TEXT = "only-bobs-secret"


async def two_tenants(plane: Plane) -> tuple[str, str]:
    """Workspaces of Alice and of Bob; Bob's holds a ConfigMap and a Secret."""
    alices = await plane.create_workspace("alices", type_="universal")
    bobs = await plane.create_workspace("bobs", type_="universal")
    for cluster, user in ((alices, ALICE), (bobs, BOB)):
        await plane.cluster(cluster).resource(CLUSTER_ROLE_BINDINGS).create(allow(user, "cluster-admin"))
    inside = plane.as_user(BOB, bobs)
    await inside.resource(CONFIG_MAPS, "default").create(config_map("same", text=SECRET_TEXT))
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"k": SECRET_TEXT}}
    await inside.resource(SECRETS, "default").create(secret)
    return alices, bobs


PATHS = (
    "/api",
    "/apis",
    "/api/v1",
    "/apis/tenancy.kcp.io/v1alpha1",
    "/openapi/v2",
    "/openapi/v3",
    "/openapi/v3/api/v1",
    "/api/v1/namespaces",
    "/api/v1/namespaces/default",
    "/api/v1/namespaces/default/status",
    "/api/v1/namespaces/default/finalize",
    "/api/v1/configmaps",
    "/api/v1/configmaps?watch=true&timeoutSeconds=1",
    "/api/v1/configmaps?resourceVersion=0",
    "/api/v1/configmaps?labelSelector=a%3Db",
    "/api/v1/namespaces/default/configmaps",
    "/api/v1/namespaces/default/configmaps/same",
    "/api/v1/namespaces/default/configmaps/absent",
    "/api/v1/namespaces/default/secrets/s",
    "/api/v1/namespaces/default/serviceaccounts/default/token",
    "/api/v1/watch/configmaps",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "/apis/authorization.k8s.io/v1/subjectaccessreviews",
    "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
    "/apis/authentication.k8s.io/v1/tokenreviews",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "/apis/core.kcp.io/v1alpha1/logicalclusters",
    "/apis/core.kcp.io/v1alpha1/logicalclusters/cluster",
    "/apis/core.kcp.io/v1alpha1/logicalclusters/cluster/status",
    "/apis/tenancy.kcp.io/v1alpha1/workspaces",
    "/apis/apis.kcp.io/v1alpha2/apibindings",
    "/apis/apis.kcp.io/v1alpha2/apiexports",
    "/apis/no.such.group/v1/things",
    "/no/such/path",
)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


async def test_no_route_leads_to_another_tenant(plane: Plane) -> None:
    """All routes with all methods, by name, path and mixed form, answer 403, and with nothing of Bob's in the text."""
    alices, bobs = await two_tenants(plane)
    for cluster in (alices, bobs):
        await furnished(plane.cluster(cluster))
    before = await at_rest(plane.process.api.store.backend)
    client = plane.as_user(ALICE, "")
    body = jsonio.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "same"}})
    answers: dict[tuple[str, str], int] = {}
    for cluster, path, method in itertools.product((bobs, "root:bobs"), PATHS, METHODS):
        path, _, query = path.partition("?")
        pairs = [tuple(each.split("=", 1)) for each in query.split("&") if each]
        content = "application/merge-patch+json" if method == "PATCH" else "application/json"
        answer = await client.raw(
            method,
            f"/clusters/{cluster}{path}",
            query=pairs,
            body=body if method != "GET" else b"",
            content_type=content,
        )
        answers[f"{cluster}{path}", method] = answer.status
        assert SECRET_TEXT.encode() not in answer.body
        assert b"default" not in answer.body or "default" in path
    assert set(answers.values()) == {403}, {k: v for k, v in answers.items() if v != 403}
    assert plane.process.api.store.backend.revision() == before, "nothing was written"
    assert (await client.raw("GET", f"/clusters/{alices}/api/v1/configmaps")).status == 200


async def test_same_names_are_different_objects(plane: Plane) -> None:
    """Namespaces and names are a tenant's own, and so is what a selector or a list finds."""
    alices, _ = await two_tenants(plane)
    mine = plane.as_user(ALICE, alices).resource(CONFIG_MAPS, "default")
    with pytest.raises(NotFound):
        await mine.get("same")
    await mine.create(config_map("same", text="mine"))
    assert (await mine.get("same"))["data"]["text"] == "mine"
    found = (await plane.as_user(ALICE, alices).resource(CONFIG_MAPS).list())["items"]
    assert {cluster_name(each) for each in found} == {alices}
    theirs = await plane.cluster("root:bobs").resource(CONFIG_MAPS, "default").get("same")
    assert theirs["data"]["text"] == SECRET_TEXT


async def test_the_cluster_annotation_cannot_be_forged(plane: Plane) -> None:
    alices, bobs = await two_tenants(plane)
    forged = config_map("forged")
    forged["metadata"]["annotations"] = {"kcp.io/cluster": bobs}
    mine = plane.as_user(ALICE, alices).resource(CONFIG_MAPS, "default")
    assert cluster_name(await mine.create(forged)) == alices
    changed = await mine.patch("forged", {"metadata": {"annotations": {"kcp.io/cluster": bobs}}})
    assert cluster_name(changed) == alices


async def test_wildcards_are_for_the_system(plane: Plane) -> None:
    """Only system:masters lists over all logical clusters, and even then only reads."""
    alices, bobs = await two_tenants(plane)
    for user in (ALICE, KCP_ADMIN):
        with pytest.raises(Forbidden):
            await plane.as_user(user, "*").resource(CONFIG_MAPS).list()
        assert (await plane.as_user(user, "").raw("GET", "/clusters/*/apis")).status == 403
    found = (await plane.cluster("*").resource(CONFIG_MAPS).list())["items"]
    assert {alices, bobs} <= {cluster_name(each) for each in found}
    with pytest.raises(MethodNotAllowed, match=r"in the `\*` logical cluster"):
        await plane.cluster("*").resource(CONFIG_MAPS, "default").create(config_map("x"))
    with pytest.raises(MethodNotAllowed):
        await plane.cluster("*").resource(CONFIG_MAPS, "default").get("same")


async def test_wildcard_watch_sees_all_tenants(plane: Plane) -> None:
    """One watch over everything gets the events of each logical cluster, in one order."""
    alices, bobs = await two_tenants(plane)
    everywhere = plane.cluster("*").resource(CONFIG_MAPS)
    start = (await everywhere.list())["metadata"]["resourceVersion"]
    for cluster in (alices, bobs):
        await plane.cluster(cluster).resource(CONFIG_MAPS, "default").create(config_map("watched"))
    seen = []
    async with everywhere.watch(resource_version=start) as events:
        async for _, obj in events:
            if obj["metadata"].get("name") == "watched":
                seen.append(cluster_name(obj))
            if len(seen) == 2:
                break
    assert seen == [alices, bobs]


async def test_impersonation_stays_inside(plane: Plane) -> None:
    """An administrator of one workspace can be anyone there, and nobody elsewhere; system groups are out of reach."""
    alices, bobs = await two_tenants(plane)

    async def impersonate(cluster: str, **headers: str) -> RawResponse:
        transport = plane.process.api.loopback(ALICE)
        named = {f"impersonate-{key}": value for key, value in headers.items()}
        return await transport.request("GET", f"/clusters/{cluster}/api/v1/configmaps", headers=named)

    assert (await impersonate(alices, user="bob")).status == 403
    assert (await impersonate(bobs, user="bob")).status == 403
    for group in ("system:masters", "system:kcp:admin", "system:kcp:logical-cluster-admin"):
        for cluster in (alices, bobs):
            assert (await impersonate(cluster, user="alice", group=group)).status == 403
    assert (await impersonate(alices, user="alice")).status == 200


async def test_service_accounts_are_at_home_in_one_workspace(plane: Plane) -> None:
    """A token works in its own workspace, also without naming it, and means nobody in another one."""
    alices, bobs = await two_tenants(plane)
    for cluster in (alices, bobs):
        inside = plane.cluster(cluster)
        accounts = inside.resource(CONFIG_MAPS._replace(resource="serviceaccounts"), "default")
        await eventually(accounts.list, lambda found: found["items"])
        body = allow(ALICE, "cluster-admin", name="sa")
        body["subjects"] = [{"kind": "ServiceAccount", "name": "default", "namespace": "default"}]
        await inside.resource(CLUSTER_ROLE_BINDINGS).create(body)
    accounts = plane.cluster(alices).resource(CONFIG_MAPS._replace(resource="serviceaccounts"), "default")
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = (await accounts.create_subresource("default", "token", request))["status"]["token"]
    user = await plane.process.authentication.tokens.authenticate_token(token)
    assert user is not None
    user = UserInfo(user.name, user.uid, (*user.groups, "system:authenticated"), user.extra)
    assert (await plane.as_user(user, "").raw("GET", f"/clusters/{alices}/api/v1/configmaps")).status == 200
    assert (await plane.as_user(user, "").raw("GET", f"/clusters/{bobs}/api/v1/configmaps")).status == 403
    own = await plane.as_user(user, "").raw("GET", "/api/v1/namespaces/default/configmaps")
    assert own.status == 200
    assert {cluster_name(each) for each in jsonio.loads(own.body)["items"]} == {alices}


async def test_local_apis_are_local(plane: Plane) -> None:
    """A CRD of one workspace is unknown in another one."""
    alices, bobs = await two_tenants(plane)
    await plane.as_user(ALICE, alices).resource(CRDS).create(widget_crd())
    mine = plane.as_user(ALICE, alices)
    await eventually(
        lambda: mine.get_json("/apis"), lambda apis: any(group["name"] == "example.io" for group in apis["groups"])
    )
    theirs = await plane.as_user(BOB, bobs).get_json("/apis")
    assert all(group["name"] != "example.io" for group in theirs["groups"])


@pytest.mark.parametrize(
    ("user", "path", "error"),
    [
        (KCP_ADMIN, "/clusters/No/api/v1/configmaps", BadRequest),
        (KCP_ADMIN, "/clusters/root:none/api/v1/configmaps", NotFound),
        (KCP_ADMIN, "/clusters/none/api/v1/configmaps", Forbidden),
        (KCP_ADMIN, "/clusters/root/clusters/root/api/v1/configmaps", NotFound),
        (KCP_ADMIN, "/api/v1/configmaps", Forbidden),
        (KCP_ADMIN, "/clusters/root/metrics", NotFound),
        (KCP_ADMIN, "/clusters/root/apis/core.kcp.io/v1alpha1/shards:/x", BadRequest),
        (ALICE, "/metrics", Forbidden),
        (ALICE, "/services/none/x", NotFound),
        (ALICE, "/clusters/system:admin/api/v1/configmaps", Forbidden),
    ],
)
async def test_odd_addresses(plane: Plane, user: UserInfo, path: str, error: type[StatusError]) -> None:
    """What can't be served is refused with the status that kcp answers."""
    with pytest.raises(error):
        await plane.as_user(user, "").get_json(path)


async def test_everyone_may_enter_root_and_no_more(plane: Plane) -> None:
    """Root lets everybody look for workspaces, and nothing else."""
    root = plane.as_user(ALICE, "root")
    names = [each["metadata"]["name"] for each in (await root.resource(WORKSPACES).list())["items"]]
    assert names == ["compute"]
    for resource in (CONFIG_MAPS, SECRETS, NAMESPACES):
        with pytest.raises(Forbidden):
            await root.resource(resource).list()
    with pytest.raises(Forbidden):
        await root.resource(WORKSPACES).create(
            {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": "x"}}
        )


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        ("kcp.io/path", "root:bobs"),
        ("internal.tenancy.kcp.io/type", "root:root"),
        ("authorization.kcp.io/required-groups", "none"),
        ("experimental.tenancy.kcp.io/owner", "{}"),
    ],
)
async def test_a_tenant_cannot_take_over_a_path(plane: Plane, annotation: str, value: str) -> None:
    """Even the administrator of a workspace can't change what the control plane knows it by."""
    alices, bobs = await two_tenants(plane)
    mine = plane.as_user(ALICE, alices).resource(LOGICAL_CLUSTERS)
    with pytest.raises(Forbidden, match="set by the system only"):
        await mine.patch("cluster", {"metadata": {"annotations": {annotation: value}}})
    changed = await mine.get("cluster")
    changed["metadata"]["annotations"][annotation] = value
    with pytest.raises(Forbidden, match="set by the system only"):
        await mine.update(changed)
    assert plane.process.control_plane.state.clusters.find("root:bobs") == bobs
    await mine.patch("cluster", {"metadata": {"annotations": {"core.kcp.io/inactive": "false", "note": "mine"}}})


def workspace_in(cluster: str) -> dict[str, Any]:
    """A Workspace that says it was scheduled to this logical cluster."""
    notes = {"internal.tenancy.kcp.io/cluster": cluster, "core.kcp.io/shard": "root"}
    meta = {"name": "thief", "annotations": notes}
    spec = {"type": {"name": "universal", "path": "root"}}
    return {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": meta, "spec": spec}


async def test_a_workspace_never_becomes_the_logical_cluster_of_another(plane: Plane) -> None:
    """Neither a tenant nor a stray annotation gives a workspace, or its deletion, what was made for another one."""
    alices, bobs = await two_tenants(plane)
    for parent, user in (("alices", ALICE), ("root", None)):
        where = alices if parent == "alices" else "root"
        client = (plane.as_user(user, where) if user else plane.cluster(where)).resource(WORKSPACES)
        await client.create(workspace_in(bobs))
        path = "root:alices" if user else "root"
        ready = await plane.workspace_phase("thief", "Ready", parent=path)
        assert ready["spec"]["cluster"] != bobs
    bindings = await plane.cluster(bobs).resource(CLUSTER_ROLE_BINDINGS).list()
    assert not [each for each in bindings["items"] if "alice" in str(each.get("subjects"))]
    with pytest.raises(Forbidden, match="set by the system only"):
        await plane.as_user(ALICE, alices).resource(WORKSPACES).patch("thief", workspace_in(bobs))
    root = plane.cluster("root").resource(WORKSPACES)
    await root.patch("thief", workspace_in(bobs))
    await root.delete("thief")
    await eventually(root.list, lambda found: "thief" not in [each["metadata"]["name"] for each in found["items"]])
    left = await plane.cluster(bobs).resource(LOGICAL_CLUSTERS).get("cluster")
    assert "deletionTimestamp" not in left["metadata"]


async def test_inactive_clusters_answer_nothing(plane: Plane) -> None:
    """A logical cluster that is switched off shows itself only."""
    alices, _ = await two_tenants(plane)
    clusters = plane.cluster(alices).resource(CONFIG_MAPS._replace(group="core.kcp.io", version="v1alpha1",
                                                                   resource="logicalclusters"))  # fmt: skip
    await clusters.patch("cluster", {"metadata": {"annotations": {"core.kcp.io/inactive": "true"}}})
    with pytest.raises(Forbidden, match="marked inactive"):
        await plane.cluster(alices).resource(CONFIG_MAPS).list()
    await clusters.get("cluster")
    assert (await plane.cluster("").raw("GET", f"/clusters/{alices}/openapi/v3")).status == 200


@pytest.mark.parametrize(
    "user", [UserInfo("system:anonymous", groups=("system:unauthenticated",)), ALICE], ids=["anonymous", "tenant"]
)
async def test_strangers_cannot_tell_what_exists(plane: Plane, user: UserInfo) -> None:
    """Workspaces that one may not enter and paths that lead nowhere look the same, whether one has logged in or not."""
    await two_tenants(plane)
    stranger = plane.as_user(user, "")
    for path in ("/api/v1/configmaps", "/apis", "/healthz", "/version"):
        answers = [await stranger.raw("GET", f"/clusters/{cluster}{path}") for cluster in ("root:bobs", "root:noone")]
        told = [(answer.status, answer.body) for answer in answers]
        assert told[0] == told[1], path
