"""PersistentVolumes of claims that ask for them, where an export has PersistentVolumes."""

from __future__ import annotations

from tests.integration.servers import eventually
from tests.integration.servers import namespace as namespace_object
from tests.integration.syncer.conftest import NAMESPACES, PLURALS, Line, bind

from headwater.apis.kube.kinds import kube_kinds
from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.apis.workload.labels import syncer_id
from headwater.controlplane.bootstrap.compute import schema_name, schema_object
from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupVersionKind, GroupVersionResource
from headwater.machinery.objects import Object, annotations, labels, uid

VOLUMES = GroupVersionResource("", "v1", "persistentvolumes")
CLAIMS = GroupVersionResource("", "v1", "persistentvolumeclaims")
PODS = GroupVersionResource("", "v1", "pods")
SCHEMAS = GroupVersionResource("apis.kcp.io", "v1alpha1", "apiresourceschemas")
EXPORTS = GroupVersionResource("apis.kcp.io", "v1alpha2", "apiexports")
DERIVED = "experimental.workload.kcp.io/upsync-derived-resources"


async def export_volumes(line: Line, notes: dict[str, str] | None = None) -> None:
    """Export PersistentVolumes from the workspace itself, bind them, and let the syncer sync them."""
    kind = kube_kinds()[GroupVersionKind("", "v1", "PersistentVolume")]
    await line.workspace.resource(SCHEMAS).create(schema_object(kind))
    entry = {"group": "", "name": "persistentvolumes", "schema": schema_name(kind)}
    body = {
        "apiVersion": "apis.kcp.io/v1alpha2",
        "kind": "APIExport",
        "metadata": {"name": "volumes", "annotations": notes or {}},
    }
    exports = line.workspace.resource(EXPORTS)
    await exports.create({**body, "spec": {"resources": [entry]}})

    async def identified() -> bool:
        return bool(((await exports.get("volumes")).get("status") or {}).get("identityHash"))

    await eventually(identified)
    await bind(line.workspace, line.cluster, "volumes")
    roles = line.downstream.resource(PLURALS["ClusterRole"])
    role = await roles.get(syncer_id("west", uid(line.target)))
    verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
    rules = [*role["rules"], {"apiGroups": [""], "resources": ["persistentvolumes"], "verbs": verbs}]
    await roles.patch(role["metadata"]["name"], {"rules": rules})
    supported = [{"path": "root:compute", "export": "kubernetes"}, {"export": "volumes"}]
    targets = line.workspace.resource(SYNC_TARGETS)
    await targets.patch("west", {"spec": {"supportedAPIExports": supported}})

    async def accepted() -> bool:
        entries = (await line.sync_target())["status"]["syncedResources"]
        return any(each["resource"] == "persistentvolumes" and each["state"] == "Accepted" for each in entries)

    await eventually(accepted)


def claim(object_name: str, notes: dict[str, str]) -> Object:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    meta = {"name": object_name, "annotations": notes}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}


async def test_volumes_come_up_where_a_claim_asks(line: Line) -> None:
    """The claim reads as upstream, a volume that nobody asked for stays below, and so does one no longer asked for."""
    await export_volumes(line)
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    claims = line.workspace.resource(CLAIMS, "web")
    await claims.create(claim("asks", {DERIVED: "persistentvolumes"}))
    await claims.create(claim("silent", {}))
    volumes = line.workspace.resource(VOLUMES)
    below = line.downstream.resource(VOLUMES)

    async def bound() -> dict[str, Object] | None:
        found = {each["spec"]["claimRef"]["name"]: each for each in (await below.list())["items"]}
        return found if len(found) == 2 else None

    local = await eventually(bound)

    async def up() -> Object | None:
        found = (await volumes.list())["items"]
        return found[0] if found and (found[0].get("status") or {}).get("phase") == "Bound" else None

    volume = await eventually(up)
    assert len((await volumes.list())["items"]) == 1
    assert volume["metadata"]["name"] == local["asks"]["metadata"]["name"]
    reference = volume["spec"]["claimRef"]
    assert (reference["name"], reference["namespace"]) == ("asks", "web")
    assert "uid" not in reference
    assert "kcp.io/namespace-locator" not in annotations(volume)
    assert labels(volume)[f"state.workload.kcp.io/{line.key}"] == "Upsync"
    await claims.patch("asks", {"metadata": {"annotations": {DERIVED: None}}})

    async def gone() -> bool:
        return not (await volumes.list())["items"]

    await eventually(gone)
    left = await below.get(volume["metadata"]["name"])
    assert not annotations(left).get("kcp.io/namespace-locator")


async def test_a_volume_goes_with_its_claim(line: Line) -> None:
    """Deleted below with its claim, it is gone upstream."""
    await export_volumes(line)
    await line.workspace.resource(NAMESPACES).create(namespace_object("web"))
    claims = line.workspace.resource(CLAIMS, "web")
    await claims.create(claim("asks", {DERIVED: "persistentvolumes"}))
    volumes = line.workspace.resource(VOLUMES)

    async def up() -> Object | None:
        found = (await volumes.list())["items"]
        return found[0] if found else None

    volume = await eventually(up)
    await claims.delete("asks")

    async def gone() -> bool:
        try:
            await volumes.get(volume["metadata"]["name"])
        except NotFound:
            return True
        return False

    await eventually(gone)
