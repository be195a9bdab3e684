"""APIs by export and binding: offered in one workspace, served in another, and gone with the binding."""

from __future__ import annotations

import pytest
from tests.integration.controlplane.plane import (
    ALICE,
    BINDINGS,
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    CRDS,
    EXPORTS,
    KCP_ADMIN,
    SCHEMAS,
    SECRETS,
    SLICES,
    WIDGETS,
    WORKSPACES,
    Plane,
    allow,
    binding,
    eventually,
    gone,
    widget,
    widget_crd,
    widget_schema,
)

from headwater.machinery import conditions
from headwater.machinery.errors import Forbidden, Invalid, NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import annotations, cluster_name

DEPLOYMENTS = GroupVersionResource("apps", "v1", "deployments")
PODS = GroupVersionResource("", "v1", "pods")
SERVICES = GroupVersionResource("", "v1", "services")
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


async def two_workspaces(plane: Plane) -> tuple[str, str]:
    provider = await plane.create_workspace("provider", type_="universal")
    consumer = await plane.create_workspace("consumer", type_="universal")
    return provider, consumer


async def test_export_gets_identity_and_slice(plane: Plane) -> None:
    """The identity is the hash of a secret of the provider; a slice of the export's name says that it is valid."""
    provider, _ = await two_workspaces(plane)
    export = await plane.export_widgets(provider)
    assert len(export["status"]["identityHash"]) == 64
    assert annotations(export)["kcp.io/path"] == "root:provider"
    inside = plane.cluster(provider)
    secret = await inside.resource(SECRETS, "kcp-system").get("widgets")
    assert secret["data"].keys() == {"key"}
    await eventually(lambda: inside.resource(EXPORTS).get("widgets"), lambda e: conditions.is_true(e, "IdentityValid"))
    slices = inside.resource(SLICES)

    async def read() -> list:
        return (await slices.list())["items"]

    (found,) = await eventually(read, lambda items: items and conditions.is_true(items[0], "APIExportValid"))
    assert found["spec"]["export"] == {"path": "root:provider", "name": "widgets"}
    assert found["metadata"]["ownerReferences"][0]["uid"] == export["metadata"]["uid"]


async def test_bound_api_is_served_by_its_schema(plane: Plane) -> None:
    """Discovery, defaults, validation, pruning, columns and the status subresource come from the schema."""
    provider, consumer = await two_workspaces(plane)
    await plane.export_widgets(provider)
    client = plane.cluster(consumer)
    with pytest.raises(NotFound):
        await client.resource(WIDGETS, "default").list()
    bound = await plane.bind(consumer, "root:provider", "widgets")
    (entry,) = bound["status"]["boundResources"]
    assert (entry["group"], entry["resource"], entry["storageVersions"]) == ("example.io", "widgets", ["v1"])
    assert conditions.is_true(bound, "Ready")
    assert bound["metadata"]["finalizers"] == ["apis.kcp.io/apibinding-finalizer"]
    assert "internal.apis.kcp.io/export" in bound["metadata"]["labels"]

    listed = await client.get_json("/apis/example.io/v1")
    assert {each["name"] for each in listed["resources"]} == {"widgets", "widgets/status"}
    widgets = client.resource(WIDGETS, "default")
    made = await widgets.create(widget("one", colour="red"))
    assert made["spec"] == {"size": 3}
    with pytest.raises(Invalid, match="size"):
        await widgets.create(widget("two", size=0))
    changed = await widgets.patch_status("one", {"spec": {"size": 9}, "status": {"ready": True}})
    assert (changed["spec"]["size"], changed["status"]) == (3, {"ready": True})
    table = await client.get_json("/apis/example.io/v1/namespaces/default/widgets", accept=TABLE)
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Size"]
    assert "example.io" not in str(await plane.cluster(provider).get_json("/apis"))


async def test_wildcard_needs_the_identity(plane: Plane) -> None:
    """Objects of all consumers are listed by identity, by the system only."""
    provider, consumer = await two_workspaces(plane)
    export = await plane.export_widgets(provider)
    for cluster in (provider, consumer):
        await plane.bind(cluster, "root:provider", "widgets")
        await plane.cluster(cluster).resource(WIDGETS, "default").create(widget("w"))
    identified = WIDGETS._replace(resource=f"widgets:{export['status']['identityHash']}")
    everywhere = (await plane.cluster("*").resource(identified).list())["items"]
    assert sorted(map(cluster_name, everywhere)) == sorted([provider, consumer])
    with pytest.raises(NotFound):
        await plane.cluster("*").resource(WIDGETS).list()
    with pytest.raises(NotFound):
        await plane.cluster("*").resource(WIDGETS._replace(resource="widgets:abc")).list()
    with pytest.raises(Forbidden):
        await plane.as_user(KCP_ADMIN, "*").resource(identified).list()
    assert len((await plane.cluster(consumer).resource(identified).list())["items"]) == 1


async def test_unbinding_deletes_the_objects(plane: Plane) -> None:
    """The binding waits for finalizers of its objects, says so, and takes the API away with itself."""
    provider, consumer = await two_workspaces(plane)
    await plane.export_widgets(provider)
    await plane.bind(consumer, "root:provider", "widgets")
    client = plane.cluster(consumer)
    widgets = client.resource(WIDGETS, "default")
    held = widget("held")
    held["metadata"]["finalizers"] = ["example.io/hold"]
    await widgets.create(held)
    await widgets.create(widget("free"))
    await client.resource(BINDINGS).delete("widgets")
    reported = await plane.binding_condition(
        consumer, "widgets", "BindingResourceDeleteSuccess", "SomeFinalizersRemain"
    )
    assert "example.io/hold in 1 resource instances" in str(reported["status"]["conditions"])
    await widgets.patch("held", {"metadata": {"finalizers": None}})
    await gone(lambda: client.resource(BINDINGS).get("widgets"))
    with pytest.raises(NotFound):
        await widgets.list()


async def test_binding_needs_permission(plane: Plane) -> None:
    """Without the right to bind the answer is the same for an export that is there and one that isn't."""
    provider, consumer = await two_workspaces(plane)
    await plane.export_widgets(provider)
    await plane.cluster(consumer).resource(CLUSTER_ROLE_BINDINGS).create(allow(ALICE, "cluster-admin"))
    bindings = plane.as_user(ALICE, consumer).resource(BINDINGS)
    refused = "unable to create APIBinding: no permission to bind to export root:provider:"
    for name in ("widgets", "nothing"):
        with pytest.raises(Forbidden) as caught:
            await bindings.create(binding("root:provider", name))
        assert f"{refused}{name}" in str(caught.value)
    inside = plane.cluster(provider)
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "binder"},
        "rules": [{"apiGroups": ["apis.kcp.io"], "resources": ["apiexports"], "verbs": ["bind"]}],
    }
    await inside.resource(CLUSTER_ROLES).create(role)
    await inside.resource(CLUSTER_ROLE_BINDINGS).create(allow(ALICE, "binder"))
    await plane.bind(consumer, "root:provider", "widgets", user=ALICE)
    await plane.as_user(ALICE, consumer).resource(WIDGETS, "default").create(widget("mine"))
    with pytest.raises(Forbidden):
        await plane.as_user(ALICE, provider).resource(EXPORTS).list()
    with pytest.raises(Forbidden, match="status is written by the system only"):
        await bindings.patch_status("widgets", {"status": {"phase": ""}})


async def test_a_missing_export_is_waited_for(plane: Plane) -> None:
    """A binding says what it misses, and binds as soon as that is there."""
    provider, consumer = await two_workspaces(plane)
    await plane.cluster(consumer).resource(BINDINGS).create(binding("root:provider", "widgets"))
    waiting = await plane.binding_condition(consumer, "widgets", "APIExportValid", "APIExportNotFound")
    assert waiting["status"]["phase"] == "Binding"
    await plane.export_widgets(provider)
    await plane.binding_phase(consumer, "widgets", "Bound")


async def test_names_are_taken_once(plane: Plane) -> None:
    """Neither a second binding nor a local CRD gets a name that is bound, nor a binding one that a CRD has."""
    provider, consumer = await two_workspaces(plane)
    await plane.export_widgets(provider)
    await plane.bind(consumer, "root:provider", "widgets")
    client = plane.cluster(consumer)
    with pytest.raises(Forbidden, match="bound by APIBinding 'widgets'"):
        await client.resource(CRDS).create(widget_crd())
    await client.resource(BINDINGS).create(binding("root:provider", "widgets", name="again"))
    again = await plane.binding_condition(consumer, "again", "BindingUpToDate", "NamingConflicts")
    assert "naming conflict with APIBinding widgets: " in str(again["status"]["conditions"])
    third = await plane.create_workspace("third", type_="universal")
    await plane.cluster(third).resource(CRDS).create(widget_crd())
    await plane.cluster(third).resource(BINDINGS).create(binding("root:provider", "widgets"))
    blocked = await plane.binding_condition(third, "widgets", "BindingUpToDate", "NamingConflicts")
    assert "local CustomResourceDefinition widgets.example.io" in str(blocked["status"]["conditions"])


async def test_a_swapped_schema_reaches_consumers(plane: Plane) -> None:
    """When the export moves to another schema, the binding follows, and the consumer is served by the new one."""
    provider, consumer = await two_workspaces(plane)
    await plane.export_widgets(provider)
    await plane.bind(consumer, "root:provider", "widgets")
    inside = plane.cluster(provider)
    newer = widget_schema("v2")
    newer["spec"]["versions"][0]["schema"]["properties"]["spec"]["properties"]["size"]["default"] = 7
    await inside.resource(SCHEMAS).create(newer)
    resources = [{"group": "example.io", "name": "widgets", "schema": "v2.widgets.example.io"}]
    await inside.resource(EXPORTS).patch("widgets", {"spec": {"resources": resources}})
    bindings = plane.cluster(consumer).resource(BINDINGS)
    await eventually(
        lambda: bindings.get("widgets"),
        lambda b: b["status"]["boundResources"][0]["schema"]["name"] == "v2.widgets.example.io",
    )
    made = await plane.cluster(consumer).resource(WIDGETS, "default").create(widget("new"))
    assert made["spec"]["size"] == 7


async def test_old_versions_are_served(plane: Plane) -> None:
    """Exports and bindings read and write in v1alpha1 too, which kubectl kcp bind uses."""
    provider, consumer = await two_workspaces(plane)
    await plane.cluster(provider).resource(SCHEMAS).create(widget_schema())
    old_exports = plane.cluster(provider).resource(EXPORTS._replace(version="v1alpha1"))
    await old_exports.create(
        {
            "apiVersion": "apis.kcp.io/v1alpha1",
            "kind": "APIExport",
            "metadata": {"name": "widgets"},
            "spec": {"latestResourceSchemas": ["v1.widgets.example.io"]},
        }
    )
    await eventually(lambda: old_exports.get("widgets"), lambda e: e.get("status", {}).get("identityHash"))
    new = await plane.cluster(provider).resource(EXPORTS).get("widgets")
    assert new["spec"]["resources"][0]["name"] == "widgets"
    await plane.bind(consumer, "root:provider", "widgets")
    shown = await plane.cluster(consumer).resource(BINDINGS._replace(version="v1alpha1")).get("widgets")
    assert shown["apiVersion"] == "apis.kcp.io/v1alpha1"
    assert shown["status"]["phase"] == "Bound"


async def test_compute_behaves_like_kubernetes(plane: Plane) -> None:
    """Workload kinds from the compute export have native defaults, merge, tables and scale; pods can't be made."""
    consumer = await plane.create_workspace("consumer", type_="universal", user=KCP_ADMIN)
    await plane.bind(consumer, "root:compute", "kubernetes", user=KCP_ADMIN)
    client = plane.as_user(KCP_ADMIN, consumer)
    deployments = client.resource(DEPLOYMENTS, "default")
    labels = {"app": "web"}
    container = {"name": "web", "image": "nginx"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }
    made = await deployments.create(body)
    assert made["spec"]["replicas"] == 1
    assert made["metadata"]["generation"] == 1
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "s"}]}}}}
    merged = await deployments.patch("web", patch, patch_type="application/strategic-merge-patch+json")
    names = [each["name"] for each in merged["spec"]["template"]["spec"]["containers"]]
    assert sorted(names) == ["side", "web"]
    scaled = await deployments.patch("web", {"spec": {"replicas": 4}}, subresource="scale")
    assert scaled["spec"]["replicas"] == 4
    table = await client.get_json("/apis/apps/v1/namespaces/default/deployments", accept=TABLE)
    assert [column["name"] for column in table["columnDefinitions"]][:3] == ["Name", "Ready", "Up-to-date"]
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
    assert (await client.resource(SERVICES, "default").create(service))["spec"]["type"] == "ClusterIP"
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [container]}}
    with pytest.raises(Forbidden):
        await client.resource(PODS, "default").create(pod)
    assert (await client.resource(PODS, "default").list())["items"] == []
    with pytest.raises(Forbidden):
        await deployments.patch("web", {"status": {"replicas": 1}}, subresource="status")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"resources": [{"group": "x.io", "name": "widgets", "schema": "v1.widgets.example.io"}]}, "must end in"),
        ({"permissionClaims": [{"group": "x.io", "resource": "ys", "verbs": ["*"]}]}, "identityHash is required"),
        ({"permissionClaims": [{"resource": "secrets", "verbs": ["*"], "identityHash": "a"}]}, "must be empty"),
    ],
    ids=["schema of another resource", "claim without identity", "built-in claim with identity"],
)
async def test_refused_exports(plane: Plane, change: dict, message: str) -> None:
    body = {"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIExport", "metadata": {"name": "e"}, "spec": change}
    with pytest.raises(Invalid) as caught:
        await plane.cluster("root").resource(EXPORTS).create(body)
    assert message in str(caught.value)


async def test_schemas_are_checked_and_immutable(plane: Plane) -> None:
    """A schema has to be structural, to be named after its resource, and never changes."""
    schemas = plane.cluster("root").resource(SCHEMAS)
    broken = widget_schema()
    broken["spec"]["versions"][0]["schema"] = {"properties": {"spec": {"properties": {"x": {}}}}}
    with pytest.raises(Invalid, match="schema"):
        await schemas.create(broken)
    misnamed = widget_schema()
    misnamed["metadata"]["name"] = "widgets.example.io"
    with pytest.raises(Invalid, match="prefix"):
        await schemas.create(misnamed)
    await schemas.create(widget_schema())
    with pytest.raises(Invalid, match="immutable"):
        await schemas.patch("v1.widgets.example.io", {"spec": {"scope": "Cluster"}})


async def test_the_reference_of_a_binding_stays(plane: Plane) -> None:
    _, consumer = await two_workspaces(plane)
    bindings = plane.cluster(consumer).resource(BINDINGS)
    await bindings.create(binding("root:provider", "widgets"))
    with pytest.raises(Invalid, match="APIExport reference must not be changed"):
        await bindings.patch("widgets", {"spec": {"reference": {"export": {"name": "other"}}}})


async def test_consumers_outlive_the_export(plane: Plane) -> None:
    """When the provider's workspace goes, what is bound stays served, and can be unbound; then its copy goes."""
    _, consumer = await two_workspaces(plane)
    provider = plane.cluster("root:provider")
    cluster = (await plane.cluster("root").resource(WORKSPACES).get("provider"))["spec"]["cluster"]
    await plane.export_widgets(cluster)
    bound = await plane.bind(consumer, "root:provider", "widgets")
    uid = bound["status"]["boundResources"][0]["schema"]["UID"]
    copies = plane.cluster("system:bound-crds").resource(SCHEMAS)

    async def kept() -> bool:
        return any(each["metadata"]["name"] == uid for each in (await copies.list())["items"])

    await eventually(kept, bool)
    assert "managedFields" not in (await copies.get(uid))["metadata"], "which would double its size"
    widgets = plane.cluster(consumer).resource(WIDGETS, "default")
    await widgets.create(widget("old"))
    await provider.resource(SCHEMAS).delete("v1.widgets.example.io")
    await plane.cluster("root").resource(WORKSPACES).delete("provider")
    await gone(lambda: plane.cluster("root").resource(WORKSPACES).get("provider"))
    assert (await widgets.create(widget("new")))["spec"]["size"] == 3
    await plane.binding_condition(consumer, "widgets", "APIExportValid", "APIExportNotFound")
    await plane.cluster(consumer).resource(BINDINGS).delete("widgets")
    await gone(lambda: plane.cluster(consumer).resource(BINDINGS).get("widgets"))
    await eventually(kept, lambda found: not found)
