"""The life of a workspace: made, used, nested, deleted with all that is in it."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.integration.controlplane.plane import (
    ALICE,
    BINDINGS,
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    CONFIG_MAPS,
    KCP_ADMIN,
    LOGICAL_CLUSTERS,
    NAMESPACES,
    WORKSPACE_TYPES,
    WORKSPACES,
    Plane,
    allow,
    config_map,
    eventually,
    gone,
)

from headwater.machinery import conditions
from headwater.machinery.errors import AlreadyExists, Forbidden, Invalid, NotFound
from headwater.machinery.objects import annotations, cluster_name, finalizers


async def test_a_workspace_becomes_ready(plane: Plane) -> None:
    """Type, URL, owner's rights, namespaces and default bindings are there when the phase says Ready."""
    workspaces = plane.as_user(KCP_ADMIN, "root").resource(WORKSPACES)
    created = await workspaces.create(
        {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": "org"}}
    )
    assert created["spec"]["type"] == {"name": "organization", "path": "root"}
    assert created["status"]["phase"] == "Scheduling"
    ready = await plane.workspace_phase("org", "Ready")
    cluster = ready["spec"]["cluster"]
    assert ready["spec"]["URL"] == f"{plane.process.url}/clusters/root:org"
    assert conditions.is_true(ready, "WorkspaceScheduled") and conditions.is_true(ready, "WorkspaceInitialized")
    assert finalizers(ready) == ["core.kcp.io/logicalcluster"]

    inside = plane.cluster("root:org")
    logical_cluster = await inside.resource(LOGICAL_CLUSTERS).get("cluster")
    assert cluster_name(logical_cluster) == cluster
    assert logical_cluster["status"]["URL"] == f"{plane.process.url}/clusters/{cluster}"
    assert annotations(logical_cluster)["kcp.io/path"] == "root:org"
    assert logical_cluster["spec"]["createdBy"]["username"] == "kcp-admin"
    names = {each["metadata"]["name"] for each in (await inside.resource(NAMESPACES).list())["items"]}
    assert {"default", "kube-system"} <= names
    admin = await inside.resource(CLUSTER_ROLE_BINDINGS).get("workspace-admin")
    assert admin["subjects"][0]["name"] == "kcp-admin"
    bound = (await inside.resource(BINDINGS).list())["items"]
    exports = sorted(each["spec"]["reference"]["export"]["name"] for each in bound)
    assert exports == ["placement.kcp.io", "sync.kcp.io", "tenancy.kcp.io"]

    owner = "experimental.tenancy.kcp.io/owner"
    trimmed = await eventually(
        lambda: workspaces.get("org"), lambda w: json.loads(annotations(w)[owner]) == {"username": "kcp-admin"}
    )
    assert trimmed["status"]["phase"] == "Ready"


async def test_names_and_paths_lead_to_the_same_objects(plane: Plane) -> None:
    """One workspace is reached by path, by name, and by its parent's name with its own."""
    parent = await plane.create_workspace("org")
    child = await plane.create_workspace("team", parent="root:org", type_="team")
    await plane.cluster("root:org:team").resource(CONFIG_MAPS, "default").create(config_map("here"))
    for cluster in (child, "root:org:team", f"{parent}:team"):
        found = await plane.cluster(cluster).resource(CONFIG_MAPS, "default").get("here")
        assert cluster_name(found) == child


async def test_deletion_takes_everything_along(plane: Plane) -> None:
    """Nested workspaces and their content go first; afterwards the store has no row of them."""
    parent = await plane.create_workspace("org")
    child = await plane.create_workspace("team", parent="root:org", type_="team")
    for cluster in (parent, child):
        await plane.cluster(cluster).resource(CONFIG_MAPS, "default").create(config_map("x"))
    workspaces = plane.cluster("root").resource(WORKSPACES)
    await workspaces.delete("org")
    await gone(lambda: workspaces.get("org"))
    rows = await plane.process.api.store.backend.range("/")
    left = [row.key for row in rows.items if f"/{parent}/" in row.key or f"/{child}/" in row.key]
    assert left == []
    assert plane.process.control_plane.state.clusters.find("root:org") is None
    with pytest.raises(NotFound):
        await plane.cluster("root:org").resource(CONFIG_MAPS, "default").list()


async def test_a_finalizer_holds_the_workspace(plane: Plane) -> None:
    """Deletion reports what is left, takes no new namespaces, and ends when the finalizer goes."""
    cluster = await plane.create_workspace("org")
    held = config_map("held")
    held["metadata"]["finalizers"] = ["example.io/hold"]
    inside = plane.cluster(cluster)
    await inside.resource(CONFIG_MAPS, "default").create(held)
    workspaces = plane.cluster("root").resource(WORKSPACES)
    await workspaces.delete("org")

    def reports(workspace: dict) -> bool:
        found = conditions.get_condition(workspace, "WorkspaceContentDeleted")
        return found is not None and found.get("reason") == "SomeResourcesRemain"

    deleting = await eventually(lambda: workspaces.get("org"), reports)
    assert deleting["status"]["phase"] == "Deleting"
    with pytest.raises(Forbidden):
        await (
            plane.as_user(KCP_ADMIN, cluster)
            .resource(NAMESPACES)
            .create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "new"}})
        )
    await inside.resource(CONFIG_MAPS, "default").patch("held", {"metadata": {"finalizers": None}})
    await gone(lambda: workspaces.get("org"))


async def test_many_workspaces_at_once(plane: Plane) -> None:
    """Workspaces made together all become ready, each with its own logical cluster."""
    clusters = await asyncio.gather(*(plane.create_workspace(f"w{i}", type_="universal") for i in range(12)))
    assert len(set(clusters)) == 12
    catalog = plane.process.control_plane.catalog
    assert len({id(catalog.table(cluster)) for cluster in clusters}) == 1, "equal bindings share one table"
    workspaces = plane.cluster("root").resource(WORKSPACES)
    await asyncio.gather(*(workspaces.delete(f"w{i}") for i in range(12)))
    await asyncio.gather(*(gone(lambda i=i: workspaces.get(f"w{i}")) for i in range(12)))


async def test_owners_are_administrators_of_their_own(plane: Plane) -> None:
    """A user who may make workspaces rules the new one, and can't touch what the system wrote."""
    org = await plane.create_workspace("org")
    edit = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "team-maker"},
        "rules": [
            {"nonResourceURLs": ["/"], "verbs": ["access"]},
            {"apiGroups": ["tenancy.kcp.io"], "resources": ["workspaces"], "verbs": ["create", "get", "update"]},
        ],
    }
    inside = plane.cluster(org)
    await inside.resource(CLUSTER_ROLES).create(edit)
    await inside.resource(CLUSTER_ROLE_BINDINGS).create(allow(ALICE, "team-maker"))
    team = await plane.create_workspace("team", parent="root:org", type_="team", user=ALICE)
    await plane.as_user(ALICE, team).resource(CONFIG_MAPS, "default").create(config_map("mine"))
    own = plane.as_user(ALICE, "root:org").resource(WORKSPACES)
    changed = await own.get("team")
    changed["spec"]["URL"] = "https://elsewhere"
    with pytest.raises(Forbidden, match=r"spec\.URL can only be changed by system privileged users"):
        await own.update(changed)


@pytest.mark.parametrize(
    ("name", "spec", "error", "message"),
    [
        ("root", {}, Forbidden, "is reserved"),
        ("Bad_Name", {}, Invalid, "metadata.name"),
        ("x", {"type": {"name": "none"}}, Forbidden, "workspace type cannot be resolved"),
        ("x", {"type": {"name": "team"}}, Forbidden, "only allows [root:organization root:team] parent workspaces"),
        ("x", {"type": {"name": "No"}}, Forbidden, "cannot be resolved"),
        ("compute", {}, AlreadyExists, "already exists"),
    ],
)
async def test_refused_workspaces(plane: Plane, name: str, spec: dict, error: type[Exception], message: str) -> None:
    """Wrong names, types and places are refused in kcp's words."""
    body = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": name}, "spec": spec}
    with pytest.raises(error) as caught:
        await plane.as_user(KCP_ADMIN, "root").resource(WORKSPACES).create(body)
    assert message in str(caught.value)


async def test_a_type_of_ones_own(plane: Plane) -> None:
    """A new type brings labels and its own default bindings, and limits who may be below it."""
    types = plane.cluster("root").resource(WORKSPACE_TYPES)
    await types.create(
        {
            "apiVersion": "tenancy.kcp.io/v1alpha1",
            "kind": "WorkspaceType",
            "metadata": {"name": "lab"},
            "spec": {
                "additionalWorkspaceLabels": {"tier": "lab"},
                "defaultAPIBindings": [{"path": "root:compute", "export": "kubernetes"}],
                "limitAllowedChildren": {"none": True},
            },
        }
    )
    cluster = await plane.create_workspace("lab", type_="lab")
    made = await plane.cluster("root").resource(WORKSPACES).get("lab")
    assert made["metadata"]["labels"]["tier"] == "lab"
    (bound,) = (await plane.cluster(cluster).resource(BINDINGS).list())["items"]
    assert bound["metadata"]["annotations"]["extra.apis.kcp.io/compute.workload.kcp.io"] == "true"


async def test_logical_clusters_are_the_systems(plane: Plane) -> None:
    """Not even an administrator deletes or makes one, or changes what the system decided."""
    cluster = await plane.create_workspace("org")
    clusters = plane.as_user(KCP_ADMIN, cluster).resource(LOGICAL_CLUSTERS)
    with pytest.raises(Forbidden):
        await clusters.delete("cluster")
    with pytest.raises(Forbidden):
        await clusters.patch("cluster", {"spec": {"directlyDeletable": True}})
    with pytest.raises(Forbidden):
        await clusters.delete_collection()
