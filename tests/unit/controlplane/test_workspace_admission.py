"""Admission of workspaces, their types and logical clusters, in kcp's words."""

from __future__ import annotations

import json

import pytest
from tests.unit.controlplane.stores import Store

from headwater.apis.core.v1alpha1 import LOGICAL_CLUSTER
from headwater.apis.kind import Kind
from headwater.apis.tenancy.v1alpha1 import WORKSPACE, WORKSPACE_TYPE
from headwater.apis.tenancy.workspacetypes import TypeReference, TypeResolver, WorkspaceTypeError
from headwater.apiserver.admission.interface import CREATE, DELETE, UPDATE, AdmissionAttributes, AdmissionPlugin
from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.authz.interface import Attributes
from headwater.controlplane.admission.logicalcluster import LogicalClusterAdmission, initializer_label
from headwater.controlplane.admission.workspace import WorkspaceAdmission
from headwater.controlplane.admission.workspacetype import WorkspaceTypeAdmission
from headwater.controlplane.binding.infos import infos_of_kind
from headwater.machinery.errors import Forbidden
from headwater.machinery.objects import Object, deep_copy

OWNER = "experimental.tenancy.kcp.io/owner"
ALICE = UserInfo("alice", uid="1", groups=("system:authenticated",), extra={"k": ("v",)})
MASTER = UserInfo("m", groups=("system:masters",))


class Rights:
    """Allows what it is told to, as (verb, cluster, name)."""

    def __init__(self, *allowed: tuple[str, str, str]) -> None:
        self.allowed_ = set(allowed)

    async def allowed(self, attributes: Attributes) -> bool:
        return (attributes.verb, attributes.cluster, attributes.name) in self.allowed_


async def filled(store: Store) -> Store:
    await store.logical_cluster("root", "root", type_="root:root")
    await store.logical_cluster("org", "root:org", type_="root:organization")
    await store.logical_cluster("deep", "root:org:deep", type_="root:universal", **{
        "authorization.kcp.io__required-groups": "a"})  # fmt: skip
    await store.workspace_type("root", "universal", additionalWorkspaceLabels={"tier": "u"})
    child = {"name": "organization", "path": "root"}
    await store.workspace_type("root", "root", defaultChildWorkspaceType=child, limitAllowedParents={"none": True})
    extend = {"with": [{"name": "universal", "path": "root"}]}
    await store.workspace_type(
        "root",
        "organization",
        extend=extend,
        defaultChildWorkspaceType={"name": "universal"},
        limitAllowedParents={"types": [{"name": "root", "path": "root"}]},
        limitAllowedChildren={"types": [{"name": "team", "path": "root"}]},
    )
    await store.workspace_type("root", "team", extend=extend, limitAllowedChildren={"none": True})
    await store.workspace_type("root", "one", extend={"with": [{"name": "two", "path": "root"}]})
    await store.workspace_type("root", "two", extend={"with": [{"name": "one", "path": "root"}]})
    await store.workspace_type("org", "local")
    return store


USES = [("use", "root", name) for name in ("universal", "organization", "team", "root")]


def plugin_of(store: Store, *allowed: tuple[str, str, str]) -> WorkspaceAdmission:
    state = store.state
    types = TypeResolver(state.workspace_types.get, state.clusters.find, state.clusters.path_of)
    return WorkspaceAdmission(state, types, Rights(*allowed))


def write(
    kind: Kind,
    obj: Object | None,
    *,
    old: Object | None = None,
    cluster: str = "root",
    user: UserInfo = ALICE,
    operation: str = "",
    subresource: str = "",
) -> AdmissionAttributes:
    (info,) = infos_of_kind([kind])
    name = (obj or old or {}).get("metadata", {}).get("name", "")
    operation = operation or (UPDATE if old is not None else CREATE)
    return AdmissionAttributes(operation, info, cluster, "", name, obj, old, user, subresource)


async def submit(plugin: AdmissionPlugin, attributes: AdmissionAttributes) -> Object | None:
    assert plugin.handles(attributes)
    await plugin.admit(attributes)
    await plugin.validate(attributes)
    return attributes.object


def workspace(name: str = "w", **spec: object) -> Object:
    return {"metadata": {"name": name}, "spec": spec}


async def test_type_owner_labels_and_groups_are_filled_in(store: Store) -> None:
    """A workspace that says nothing gets its parent's default child type, and what goes with it."""
    await filled(store)
    created = await submit(plugin_of(store, *USES), write(WORKSPACE, workspace()))
    assert created is not None
    assert created["spec"]["type"] == {"name": "organization", "path": "root"}
    assert created["metadata"]["labels"] == {"tier": "u"}
    assert json.loads(created["metadata"]["annotations"][OWNER]) == {
        "username": "alice", "uid": "1", "groups": ["system:authenticated"], "extra": {"k": ["v"]},
    }  # fmt: skip


async def test_types_are_found_upwards(store: Store) -> None:
    """A type without a path is looked for here and then in the parents; required groups come from the parent."""
    await filled(store)
    plugin = plugin_of(store, ("use", "org", "local"), *USES)
    created = await submit(plugin, write(WORKSPACE, workspace(type={"name": "local"}), cluster="deep"))
    assert created is not None
    assert created["spec"]["type"] == {"name": "local", "path": "root:org"}
    assert created["metadata"]["annotations"]["authorization.kcp.io/required-groups"] == "a"


async def test_a_path_by_name_becomes_canonical(store: Store) -> None:
    await filled(store)
    plugin = plugin_of(store, ("use", "org", "local"), *USES)
    created = await submit(plugin, write(WORKSPACE, workspace(type={"name": "local", "path": "org"}), cluster="deep"))
    assert created is not None
    assert created["spec"]["type"]["path"] == "root:org"


@pytest.mark.parametrize(
    ("cluster", "spec", "message"),
    [
        ("root", {"type": {"name": "none"}}, "workspace type cannot be resolved: none"),
        ("root", {"type": {"name": "none", "path": "root"}}, "workspace type cannot be resolved: root:none"),
        ("root", {"type": {"name": "one"}}, "circular reference detected in workspace type root:one"),
        ("root", {"type": {"name": "root"}}, "workspace type root:root cannot have any parent"),
        (
            "deep",
            {"type": {"name": "organization"}},
            "workspace type root:organization only allows [root:root] parent workspaces, "
            "but parent type root:universal only implements [root:universal]",
        ),
        (
            "org",
            {},
            "workspace type root:organization only allows [root:team] child workspaces, "
            "but child type root:universal only implements [root:universal]",
        ),
        ("deep", {}, "spec.defaultChildWorkspaceType of workspace type root:universal must be set"),
        ("nowhere", {}, "annotation internal.tenancy.kcp.io/type on LogicalCluster must be set"),
        ("root", {"cluster": "x"}, "spec.Cluster can only be set by system privileged users"),
        ("root", {"URL": "x"}, "spec.URL can only be set by system privileged users"),
        ("root", {"mount": {}, "type": {"name": "team"}}, None),
        ("root", {"mount": {"ref": {}}, "type": {"name": "team"}}, "spec.type cannot be set for mounted workspaces"),
    ],
)
async def test_refusals_on_create(store: Store, cluster: str, spec: Object, message: str | None) -> None:
    """Every refusal is 403 with kcp's text."""
    await filled(store)
    attributes = write(WORKSPACE, workspace(**spec), cluster=cluster)
    if message is None:
        await submit(plugin_of(store, *USES), attributes)
        return
    with pytest.raises(Forbidden) as caught:
        await submit(plugin_of(store, *USES), attributes)
    assert message in caught.value.message


async def test_a_type_extends_a_bounded_number_of_others() -> None:
    """Each is looked at for every workspace, one below the other."""

    def get(_cluster: str, name: str) -> Object:
        return {"spec": {"extend": {"with": [{"name": f"t{int(name[1:]) + 1}", "path": "root"}]}}}

    types = TypeResolver(get, lambda path: path, lambda cluster: cluster)
    with pytest.raises(WorkspaceTypeError, match="root:t0 extends more than 64 others"):
        types.resolve(TypeReference("root", "t0"))


async def test_types_need_the_verb_use(store: Store) -> None:
    """For the type and for all that it extends; the system needs no such right.

    The refusal is the same whether there is such a type or not.
    """
    await filled(store)
    allowed = [each for each in USES if each[2] != "universal"]
    with pytest.raises(Forbidden) as there:
        await submit(plugin_of(store, *allowed), write(WORKSPACE, workspace()))
    with pytest.raises(Forbidden) as missing:
        await submit(plugin_of(store), write(WORKSPACE, workspace(type={"path": "root", "name": "none"})))
    assert there.value.message.replace("root:universal", "root:none") == missing.value.message
    await submit(plugin_of(store), write(WORKSPACE, workspace(), user=MASTER))


STORED = {
    "metadata": {"name": "w", "annotations": {OWNER: "{}"}},
    "spec": {"type": {"name": "t", "path": "root"}, "cluster": "c", "URL": "u"},
    "status": {"phase": "Initializing"},
}


@pytest.mark.parametrize(
    ("change", "user", "message"),
    [
        (
            {"spec": {"type": {"name": "x", "path": "root"}, "cluster": "c", "URL": "u"}},
            ALICE,
            "spec.type is immutable",
        ),
        ({"spec": {**STORED["spec"], "cluster": "d"}}, ALICE, "spec.cluster can only be changed by system privileged"),
        ({"spec": {**STORED["spec"], "URL": "d"}}, ALICE, "spec.URL can only be changed by system privileged users"),
        ({"spec": {"type": {"name": "t", "path": "root"}, "URL": "u"}}, MASTER, "spec.cluster cannot be unset"),
        ({"spec": {**STORED["spec"], "URL": "d"}}, MASTER, None),
        ({"metadata": {"name": "w"}}, ALICE, f"expected user annotation {OWNER}={{}}"),
        ({"metadata": {"name": "w"}}, MASTER, None),
        ({"status": {"phase": "Ready", "initializers": ["a"]}}, MASTER, "status.initializers must be empty"),
        ({"status": {"phase": "Ready"}}, MASTER, None),
    ],
    ids=["type", "cluster", "URL", "cluster gone", "URL by system", "owner", "owner by system", "early", "ready"],
)
async def test_updates(store: Store, change: Object, user: UserInfo, message: str | None) -> None:
    """What the system wrote is kept from users, and phases from getting ahead of their conditions."""
    attributes = write(WORKSPACE, {**deep_copy(STORED), **change}, old=STORED, user=user)
    if message is None:
        await submit(plugin_of(store), attributes)
        return
    with pytest.raises(Forbidden) as caught:
        await submit(plugin_of(store), attributes)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("name", "cluster", "spec", "user", "message"),
    [
        ("any", "org", {}, ALICE, "name 'any' is reserved"),
        ("root", "org", {}, ALICE, "name 'root' is reserved"),
        ("root", "root", {}, ALICE, None),
        ("t", "org", {"limitAllowedChildren": {"none": True, "types": [{"name": "x"}]}}, ALICE, "exactly one of none"),
        ("t", "org", {"defaultAPIBindings": [{"path": "root", "export": "e"}]}, ALICE,
         "no permission to bind to export root:e"),
        ("t", "org", {"defaultAPIBindings": [{"path": "root", "export": "known"}]}, ALICE, None),
        ("t", "org", {"defaultAPIBindings": [{"path": "root", "export": "e"}]}, MASTER, None),
    ],
)  # fmt: skip
async def test_workspace_types(
    store: Store, name: str, cluster: str, spec: Object, user: UserInfo, message: str | None
) -> None:
    """Reserved names, contradictory limits, and default bindings that the author may not bind are refused."""
    await filled(store)
    await store.put("apis.kcp.io", "apiexports", "root", {"metadata": {"name": "known"}})
    plugin = WorkspaceTypeAdmission(store.state, Rights(("bind", "root", "known")))
    attributes = write(WORKSPACE_TYPE, {"metadata": {"name": name}, "spec": spec}, cluster=cluster, user=user)
    if message is None:
        await submit(plugin, attributes)
        return
    with pytest.raises(Forbidden) as caught:
        await submit(plugin, attributes)
    assert message in caught.value.message


def cluster_object(phase: str, *, name: str = "cluster", left: list[str] | None = None, **spec: object) -> Object:
    status: Object = {"phase": phase}
    if left:
        status["initializers"] = left
    return {"metadata": {"name": name}, "spec": spec, "status": status}


async def test_initializers_start_with_the_phase() -> None:
    """Going to Initializing copies the initializers into the status and labels the object for their owners."""
    old = cluster_object("Scheduling", initializers=["root:a"], terminators=["root:b"])
    attributes = write(
        LOGICAL_CLUSTER, cluster_object("Initializing", **old["spec"]), old=old, user=MASTER, subresource="status"
    )
    changed = await submit(LogicalClusterAdmission(), attributes)
    assert changed is not None
    assert changed["status"] == {"phase": "Initializing", "initializers": ["root:a"], "terminators": ["root:b"]}
    key, value = initializer_label("root:a")
    assert changed["metadata"]["labels"][key] == value
    assert changed["metadata"]["labels"]["tenancy.kcp.io/phase"] == "Initializing"
    later = deep_copy(changed)
    del later["status"]["initializers"]
    settled = await submit(
        LogicalClusterAdmission(), write(LOGICAL_CLUSTER, later, old=changed, user=MASTER, subresource="status")
    )
    assert settled is not None
    assert key not in settled["metadata"]["labels"]


async def test_new_logical_clusters_are_held_by_their_content() -> None:
    created = await submit(
        LogicalClusterAdmission(), write(LOGICAL_CLUSTER, cluster_object("Scheduling", terminators=["x"]), user=MASTER)
    )
    assert created is not None
    assert created["metadata"]["finalizers"] == ["core.kcp.io/logicalcluster-deletion", "kcp.io/has-terminators"]


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        (write(LOGICAL_CLUSTER, cluster_object("Scheduling")), "created by the system only"),
        (write(LOGICAL_CLUSTER, cluster_object("Scheduling", name="x"), user=MASTER), "must be named 'cluster'"),
        (write(LOGICAL_CLUSTER, None, old=cluster_object("Ready"), operation=DELETE), "cannot be deleted"),
        (write(LOGICAL_CLUSTER, None, operation=DELETE), "cannot be deleted"),
        (write(LOGICAL_CLUSTER, cluster_object("Scheduling"), old=cluster_object("Ready"), user=MASTER), "transition"),
        (
            write(LOGICAL_CLUSTER, cluster_object("Initializing", left=["b"]), old=cluster_object("Initializing"),
                  user=MASTER),
            "can only shrink",
        ),
        (
            write(LOGICAL_CLUSTER, cluster_object("Ready", left=["b"]), old=cluster_object("Initializing", left=["b"]),
                  user=MASTER),
            "must be empty for phase Ready",
        ),
        (write(LOGICAL_CLUSTER, cluster_object("Ready", x=1), old=cluster_object("Ready")), "by the system only"),
    ],
    ids=["by a user", "other name", "delete", "delete all", "back", "grow", "too early", "spec"],
)  # fmt: skip
async def test_logical_cluster_refusals(attributes: AdmissionAttributes, message: str) -> None:
    with pytest.raises(Forbidden) as caught:
        await submit(LogicalClusterAdmission(), attributes)
    assert message in caught.value.message


async def test_directly_deletable_clusters_can_be_deleted() -> None:
    old = cluster_object("Ready", directlyDeletable=True)
    await submit(LogicalClusterAdmission(), write(LOGICAL_CLUSTER, None, old=old, operation=DELETE))
