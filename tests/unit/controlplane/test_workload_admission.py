"""Admission of what concerns workloads: marks of the system, and foreign locations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from headwater.apiserver.admission.interface import CREATE, UPDATE, AdmissionAttributes
from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.authz.interface import Attributes
from headwater.apiserver.builtin.kinds import builtin_resources
from headwater.apiserver.loopback import LOOPBACK_USER
from headwater.apiserver.resources import ResourceInfo
from headwater.base.clock import ManualClock
from headwater.controlplane.admission.placement import LocationAdmission, PlacementAdmission
from headwater.controlplane.admission.synctarget import SyncTargetAdmission
from headwater.controlplane.admission.workloadmarks import WorkloadMarks
from headwater.controlplane.clusters.index import ClusterIndex
from headwater.controlplane.objects import ControlPlaneObjects
from headwater.machinery.errors import Forbidden, Invalid

ALICE = UserInfo("alice", groups=("system:authenticated",))
MASTER = UserInfo("m", groups=("system:masters",))
CONFIGMAPS = next(info for info in builtin_resources([("", "configmaps")]))
NAMESPACES = next(info for info in builtin_resources([("", "namespaces")]))
VOLUMES = replace(NAMESPACES, resource="persistentvolumes", kind="PersistentVolume")
STATE = "state.workload.kcp.io/key"
MARK = "deletion.internal.workload.kcp.io/key"
CHOSEN = "internal.workload.kcp.io/synctarget"


def obj(labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None) -> dict[str, Any]:
    return {"metadata": {"name": "x", "labels": labels or {}, "annotations": annotations or {}}, "spec": {}}


def write(
    new: Any, old: Any = None, user: UserInfo = ALICE, subresource: str = "", info: ResourceInfo = CONFIGMAPS
) -> AdmissionAttributes:
    operation = CREATE if old is None else UPDATE
    return AdmissionAttributes(operation, info, "c", "default", "x", new, old, user, subresource)


REFUSED = {
    "state-added": write(obj({STATE: "Sync"}), obj()),
    "state-changed": write(obj({STATE: "Upsync"}), obj({STATE: "Sync"})),
    "mark-added": write(obj(annotations={MARK: "2026-01-01T00:00:00Z"}), obj()),
    "diff-forged": write(obj(annotations={"diff.syncer.internal.kcp.io/key": "{}"}), obj()),
    "target-chosen-by-hand": write(obj(annotations={CHOSEN: "key"}), obj()),
    "not-offered": write(obj({STATE: "Sync"}), obj(), info=VOLUMES),
    "taken-back": write(obj({STATE: ""}), obj({STATE: "Sync"}), info=VOLUMES),
    "offered-to-come-up": write(obj({STATE: "Upsync"}), obj({STATE: ""}), info=VOLUMES),
    "namespaced": write(obj({STATE: "Sync"}), obj({STATE: ""})),
    "namespace": write(obj({STATE: "Sync"}), obj({STATE: ""}), info=NAMESPACES),
    "key-label": write(obj({"internal.workload.kcp.io/key": "key"}), obj()),
}


@pytest.mark.parametrize("attributes", REFUSED.values(), ids=REFUSED)
async def test_users_do_not_write_marks(attributes: AdmissionAttributes) -> None:
    """A tenant who knows a sync target key can't put anything on that pcluster by hand."""
    plugin = WorkloadMarks()
    assert plugin.handles(attributes)
    with pytest.raises(Forbidden, match="set by the system only"):
        await plugin.admit(attributes)


async def test_a_new_object_comes_without_marks() -> None:
    """As `kubectl expose` copies the labels of what it exposes, and people copy manifests of what runs."""
    attributes = write(obj({STATE: "Sync", "app": "web"}, {MARK: "t", CHOSEN: "key", "note": "1"}))
    await WorkloadMarks().admit(attributes)
    assert attributes.object == obj({"app": "web"}, {"note": "1"})


async def test_marks_survive_writes_that_do_not_know_them() -> None:
    """kubectl replace with the original manifest leaves an object where it runs."""
    old = obj({STATE: "Sync", "app": "web"}, {MARK: "t", "note": "1"})
    attributes = write(obj({"app": "api"}, {"note": "2"}), old)
    await WorkloadMarks().admit(attributes)
    assert attributes.object == obj({"app": "api", STATE: "Sync"}, {"note": "2", MARK: "t"})


async def test_what_users_may_say() -> None:
    notes = {
        "finalizers.workload.kcp.io/key": "wait",
        "experimental.spec-diff.workload.kcp.io/key": "[]",
        "experimental.summarizing.workload.kcp.io": "[]",
    }
    attributes = write(obj({"app": "x"}, notes), obj())
    await WorkloadMarks().admit(attributes)
    assert attributes.object == obj({"app": "x"}, notes)


async def test_users_accept_what_is_offered_to_the_cluster_scoped() -> None:
    """A target that the system offers for one may have it when they say so. Nothing else is theirs to say."""
    attributes = write(obj({STATE: "Sync"}), obj({STATE: ""}), info=VOLUMES)
    await WorkloadMarks().admit(attributes)
    assert attributes.object == obj({STATE: "Sync"})


def test_the_system_and_subresources_are_not_asked() -> None:
    assert not WorkloadMarks().handles(write(obj({STATE: "Sync"}), user=MASTER))
    assert not WorkloadMarks().handles(write(obj(), obj(), subresource="status"))


class Exports:
    """Knows one export, `root:compute:kubernetes`."""

    clusters = cast("ClusterIndex", type("Paths", (), {"path_of": staticmethod(lambda _name: "root:own")})())

    def export(self, path: str, name: str, *, here: str) -> tuple[str, object] | None:
        return ("compute", {}) if (path, name) == ("root:compute", "kubernetes") else None


class BindRights:
    """Lets bob bind that export."""

    async def allowed(self, attributes: Attributes) -> bool:
        asked = (attributes.user.name, attributes.cluster, attributes.verb, attributes.resource, attributes.name)
        return asked == ("bob", "compute", "bind", "apiexports", "kubernetes")


def offering(user: str, *exports: str, before: tuple[str, ...] | None = None) -> AdmissionAttributes:
    def target(names: tuple[str, ...]) -> dict[str, Any]:
        return {"metadata": {}, "spec": {"supportedAPIExports": [{"path": "root:compute", "export": n} for n in names]}}

    return write(target(exports), target(before) if before is not None else None, UserInfo(user))


OFFERS = {
    "allowed": (offering("bob", "kubernetes"), True),
    "not-allowed": (offering("alice", "kubernetes"), False),
    "unknown": (offering("bob", "secret"), False),
    "named-before": (offering("alice", "kubernetes", before=("kubernetes",)), True),
    "added": (offering("alice", "kubernetes", before=()), False),
    "none": (offering("alice"), True),
}


@pytest.mark.parametrize(("attributes", "allowed"), OFFERS.values(), ids=OFFERS)
async def test_offered_exports_need_the_verb_bind(attributes: AdmissionAttributes, allowed: bool) -> None:
    """The status of a SyncTarget tells what is in its exports, so their owner is asked."""
    plugin = SyncTargetAdmission(cast("ControlPlaneObjects", Exports()), BindRights(), clock=ManualClock())
    if allowed:
        await plugin.validate(attributes)
        return
    with pytest.raises(Forbidden, match="no permission to bind to export root:compute:"):
        await plugin.validate(attributes)


def registered(cluster: str | None, before: str | None = None, *, new: bool = False) -> AdmissionAttributes:
    def target(value: str | None) -> dict[str, Any]:
        return {"metadata": {}, "spec": {"kcpCluster": value} if value is not None else {}}

    return write(target(cluster), None if new else target(before))


HOMES = {
    "said-right": (registered("c", new=True), "c", ""),
    "left-out": (registered(None, new=True), "c", ""),
    "said-wrong": (registered("other", new=True), "other", 'Invalid value: "other"'),
    "said-wrong-later": (registered("other"), "other", 'Invalid value: "other"'),
    "empty": (registered("", new=True), "", 'Invalid value: ""'),
    "wrong-since-before": (registered("other", "other"), "other", ""),
    "left-out-later": (registered(None, "c"), "c", ""),
    "left-out-of-a-wrong-one": (registered(None, "other"), "other", ""),
}


@pytest.mark.parametrize(("attributes", "home", "why"), HOMES.values(), ids=HOMES)
async def test_a_sync_target_is_of_its_own_logical_cluster(
    attributes: AdmissionAttributes, home: str | None, why: str
) -> None:
    """It can't be changed later, so it is set at once, and a wrong one is refused."""
    plugin = SyncTargetAdmission(cast("ControlPlaneObjects", Exports()), BindRights(), clock=ManualClock())
    await plugin.admit(attributes)
    assert (attributes.object or {})["spec"].get("kcpCluster") == home
    if not why:
        await plugin.validate(attributes)
        return
    with pytest.raises(Invalid, match=f'spec.kcpCluster: {why}: must be "c", the logical cluster'):
        await plugin.validate(attributes)


RECORD = "internal.sync.kcp.io/credentials"
RECORDS = {
    "planted": (write(obj(annotations={RECORD: "mine"})), None),
    "changed": (write(obj(annotations={RECORD: "mine"}), obj(annotations={RECORD: "ours"})), "ours"),
    "removed": (write(obj(), obj(annotations={RECORD: "ours"})), "ours"),
    "annotations-removed": (write({"metadata": {}}, obj(annotations={RECORD: "ours"})), "ours"),
    "no-map": (write({"metadata": {"annotations": "x"}}, obj(annotations={RECORD: "ours"})), "ours"),
    "through-status": (
        write(obj(annotations={RECORD: "x"}), obj(annotations={RECORD: "ours"}), subresource="status"),
        "ours",
    ),
    "by-a-master": (write(obj(), obj(annotations={RECORD: "ours"}), MASTER), "ours"),
    "by-ourselves": (write(obj(annotations={RECORD: "new"}), obj(annotations={RECORD: "ours"}), LOOPBACK_USER), "new"),
}


@pytest.mark.parametrize(("attributes", "left"), RECORDS.values(), ids=RECORDS)
async def test_the_record_of_credentials_is_written_by_the_control_plane_only(
    attributes: AdmissionAttributes, left: str | None
) -> None:
    """Others neither let themselves in by it, nor undo a revocation: what they write is left out."""
    plugin = SyncTargetAdmission(cast("ControlPlaneObjects", Exports()), BindRights(), clock=ManualClock())
    await plugin.admit(attributes)
    assert ((attributes.object or {})["metadata"].get("annotations") or {}).get(RECORD) == left


class Clusters:
    """Knows one path."""

    def find(self, path: str) -> str | None:
        return {"root:platform": "plat", "root:own": "c"}.get(path)


class Rights:
    """Lets bob use locations of one logical cluster."""

    async def allowed(self, attributes: Attributes) -> bool:
        asked = (attributes.user.name, attributes.cluster, attributes.verb, attributes.group, attributes.resource)
        return asked == ("bob", "plat", "use", "placement.kcp.io", "locations")


def placing(workspace: str, user: str, before: str | None = None) -> AdmissionAttributes:
    old = {"metadata": {}, "spec": {"locationWorkspace": before}} if before is not None else None
    return write({"metadata": {}, "spec": {"locationWorkspace": workspace}}, old, UserInfo(user))


PLACEMENTS = {
    "own": (placing("", "alice"), True),
    "own-by-path": (placing("root:own", "alice"), True),
    "allowed": (placing("root:platform", "bob"), True),
    "not-allowed": (placing("root:platform", "alice"), False),
    "unknown": (placing("root:nothing", "bob"), False),
    "unchanged": (placing("root:platform", "alice", "root:platform"), True),
    "changed": (placing("root:platform", "alice", ""), False),
}


@pytest.mark.parametrize(("attributes", "allowed"), PLACEMENTS.values(), ids=PLACEMENTS)
async def test_foreign_locations_need_the_verb_use(attributes: AdmissionAttributes, allowed: bool) -> None:
    """The answer is the same for a workspace that may not be used and one that does not exist."""
    plugin = PlacementAdmission(cast("ClusterIndex", Clusters()), Rights())
    if allowed:
        await plugin.validate(attributes)
        return
    with pytest.raises(Forbidden, match=r"no permission to use locations.placement.kcp.io .* or it does not exist"):
        await plugin.validate(attributes)


BAD_SELECTOR = {"matchExpressions": [{"key": "region", "operator": "In"}]}
SELECTORS = {
    "placement": (PlacementAdmission(cast("ClusterIndex", Clusters()), Rights()), "locationSelector"),
    "location": (LocationAdmission(), "instanceSelector"),
}


@pytest.mark.parametrize(("plugin", "field"), SELECTORS.values(), ids=SELECTORS)
@pytest.mark.parametrize("user", [ALICE, MASTER], ids=["user", "master"])
async def test_selectors_that_cannot_be_read_are_refused(
    plugin: PlacementAdmission | LocationAdmission, field: str, user: UserInfo
) -> None:
    """By name of the field. One that is there already may stay, and the control plane is not asked."""
    bad = {"metadata": {}, "spec": {field: BAD_SELECTOR}}
    with pytest.raises(Invalid, match=rf"spec\.{field}\.matchExpressions\[0\]\.values: Required value"):
        await plugin.validate(write(bad, user=user))
    await plugin.validate(write(bad, bad, user))
    await plugin.validate(write(bad, user=LOOPBACK_USER))
    await plugin.validate(write(bad, {"metadata": {}}, user, "status"))


WEIGHTS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "count": ({"mode": "Divided", "divideBy": "Weights"}, []),
    "duplicated": ({"mode": "Duplicated", "divideBy": "Weights"}, ["mode is not Divided"]),
    "by-room": ({"mode": "Divided", "divideBy": "FreeCapacity"}, ["divideBy is not Weights"]),
}


@pytest.mark.parametrize(("replicas", "said"), WEIGHTS.values(), ids=WEIGHTS)
async def test_weights_that_count_for_nothing_are_warned_of(replicas: dict[str, Any], said: list[str]) -> None:
    warnings: list[str] = []
    attributes = write({"metadata": {}, "spec": {"replicas": {**replicas, "weights": {"east": 3}}}})
    attributes.warn = warnings.append
    await PlacementAdmission(cast("ClusterIndex", Clusters()), Rights()).validate(attributes)
    assert warnings == [f"spec.replicas.weights: ignored, since spec.replicas.{each}" for each in said]
