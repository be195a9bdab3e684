"""What a control plane starts with, written once and only where it differs."""

from __future__ import annotations

import pytest
from tests.unit.controlplane.stores import Store

from headwater.base import jsonio
from headwater.base.clock import SystemClock
from headwater.controlplane.bootstrap import compute, exports, rbac
from headwater.controlplane.bootstrap.plan import COMPUTE_CLUSTER, bootstrap
from headwater.controlplane.bootstrap.seeding import Seeder, merge_wanted, seed_of
from headwater.machinery.objects import Object, annotations
from headwater.schema import validate_structural

URL = "https://127.0.0.1:1"


async def stored(store: Store) -> dict[str, Object]:
    found = await store.backend.range("/")
    return {item.key: jsonio.loads(item.value) for item in found.items}


async def test_second_bootstrap_writes_nothing(store: Store) -> None:
    """The same identities, no write, whatever users added meanwhile."""
    first = await bootstrap(store.backend, store.caches, SystemClock(), external_url=URL)
    assert first.written == len(await stored(store))
    assert set(first.identities) == {
        "tenancy.kcp.io", "sync.kcp.io", "placement.kcp.io", "shards.core.kcp.io", "kubernetes",
    }  # fmt: skip
    second = await bootstrap(store.backend, store.caches, SystemClock(), external_url=URL)
    assert second.written == 0
    assert second.identities == first.identities


async def test_objects_are_complete(store: Store) -> None:
    """Each object says where it is, has an identity of its own, and begins as the watch cache needs it."""
    await bootstrap(store.backend, store.caches, SystemClock(), external_url=URL)
    found = await stored(store)
    uids = [obj["metadata"]["uid"] for obj in found.values()]
    assert len(set(uids)) == len(uids)
    for key, obj in found.items():
        cluster = key.split("/")[4]
        assert annotations(obj)["kcp.io/cluster"] == cluster
        assert list(obj)[:3] == ["apiVersion", "kind", "metadata"]
        assert "resourceVersion" not in obj["metadata"]
    root = found["/core.kcp.io/logicalclusters/-/root/cluster"]
    assert annotations(root)["kcp.io/path"] == "root"
    assert f"/core.kcp.io/logicalclusters/-/{COMPUTE_CLUSTER}/cluster" in found


async def test_what_was_removed_comes_back(store: Store) -> None:
    """A missing role is made again, a changed one is put right, and one that is marked so is left alone."""
    await bootstrap(store.backend, store.caches, SystemClock(), external_url=URL)
    prefix = "/rbac.authorization.k8s.io/clusterroles/-/system:admin/"
    await store.backend.delete(prefix + "view", expected=None)
    for name, notes in (("edit", {}), ("admin", {"rbac.authorization.kubernetes.io/autoupdate": "false"})):
        role = (await stored(store))[prefix + name]
        role["rules"] = []
        role["metadata"]["annotations"] |= notes
        await store.backend.put(prefix + name, jsonio.dumps(role), expected=None)
    again = await bootstrap(store.backend, store.caches, SystemClock(), external_url=URL)
    assert again.written == 2
    found = await stored(store)
    assert found[prefix + "view"]["rules"] and found[prefix + "edit"]["rules"]
    assert found[prefix + "edit"]["metadata"]["generation"] == 2
    assert found[prefix + "admin"]["rules"] == []


async def test_a_faster_writer_wins(store: Store) -> None:
    """Two servers that start at once end with one set of objects."""
    seed = seed_of(rbac.cluster_role("r"), "clusterroles", "c")
    one, two = (Seeder(store.backend, store.caches, SystemClock()) for _ in range(2))
    await one.plant(seed)
    await two.plant(seed)
    assert await one.flush() == 1
    assert await two.flush() == 1
    assert len(await stored(store)) == 1


@pytest.mark.parametrize(
    ("present", "wanted", "changed"),
    [
        ({"metadata": {"name": "x"}, "spec": 1}, {"metadata": {"name": "x"}, "spec": 1}, False),
        ({"metadata": {"name": "x"}, "spec": 1}, {"metadata": {"name": "x"}, "spec": 2}, True),
        ({"metadata": {"name": "x"}, "status": 1}, {"metadata": {"name": "x"}, "status": 2}, False),
        ({"metadata": {"name": "x", "labels": {"a": "b"}}}, {"metadata": {"labels": {"c": "d"}}}, True),
        ({"metadata": {"name": "x", "labels": {"a": "b"}}}, {"metadata": {"labels": {"a": "b"}}}, False),
    ],
    ids=["same", "spec", "status", "label", "label there"],
)
def test_merge(present: Object, wanted: Object, changed: bool) -> None:
    """Users' labels stay, status is never touched."""
    merged = merge_wanted(present, wanted)
    assert (merged is not None) is changed
    if merged is not None:
        assert merged["metadata"]["generation"] == 1
        assert merged["metadata"].get("labels", {}).items() >= present["metadata"].get("labels", {}).items()


@pytest.mark.parametrize("kind", compute.compute_kinds(), ids=lambda kind: kind.plural)
def test_compute_schemas_are_served_as_they_are(kind: object) -> None:
    """Every exported Kubernetes kind has a structural schema under a name that kcp accepts."""
    schema = compute.schema_object(kind)  # type: ignore[arg-type]
    (version,) = schema["spec"]["versions"]
    assert validate_structural(version["schema"], "schema") == []
    plural, group = schema["spec"]["names"]["plural"], schema["spec"]["group"] or "core"
    assert schema["metadata"]["name"] == f"{compute.schema_prefix()}.{plural}.{group}"


def test_tenants_cannot_make_pods() -> None:
    """The policy of the compute export lets consumers read pods, write workloads, and write no status."""
    (role,) = [
        obj for obj in compute.compute_rbac() if obj["kind"] == "ClusterRole" and "maximal" in obj["metadata"]["name"]
    ]
    verbs: dict[str, set[str]] = {}
    for each in role["rules"]:
        for resource in each["resources"]:
            verbs.setdefault(resource, set()).update(each["verbs"])
    assert verbs["pods"] == {"get", "list", "watch"}
    assert verbs["deployments"] == {"*"}
    assert {verb for resource, found in verbs.items() if resource.endswith("/status") for verb in found} == {
        "get", "list", "watch",
    }  # fmt: skip


def test_types_build_on_universal() -> None:
    types = {obj["metadata"]["name"]: obj["spec"] for obj in exports.workspace_types()}
    assert set(types) == {"universal", "root", "home", "organization", "team"}
    assert [each["export"] for each in types["universal"]["defaultAPIBindings"]] == list(exports.DEFAULT_EXPORTS)
    assert all(spec["extend"]["with"] == [{"name": "universal", "path": "root"}]
               for name, spec in types.items() if name != "universal")  # fmt: skip
