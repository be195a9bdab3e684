"""The stage of the scheduling tests: three pclusters of a platform team, and a workspace for every test."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.e2e.harness import PLATFORM, Program, Stack, wait_for
from tests.e2e.scheduling import manifests
from tests.e2e.scheduling.api import Api, Object

PCLUSTERS = ("east", "west", "north")
WILDWEST = f"{PLATFORM}:wildwest"
SYSTEM_TOKEN = "played-by-the-test"
_STATE, _MARK = "state.workload.kcp.io/", "deletion.internal.workload.kcp.io/"


def states(obj: Object | None) -> dict[str, str]:
    """Sync target key -> state label, with a `-` behind it while it is marked for removal."""
    meta = (obj or {}).get("metadata") or {}
    notes = meta.get("annotations") or {}
    return {
        label.removeprefix(_STATE): value + "-" * (_MARK + label.removeprefix(_STATE) in notes)
        for label, value in (meta.get("labels") or {}).items()
        if label.startswith(_STATE)
    }


def condition(obj: Object | None, kind: str) -> Object:
    """A condition of an object, empty when there is none."""
    found = ((obj or {}).get("status") or {}).get("conditions") or ()
    return next((each for each in found if each["type"] == kind), {})


def notes_of(obj: Object | None) -> dict[str, str]:
    """Annotations of an object."""
    return ((obj or {}).get("metadata") or {}).get("annotations") or {}


@dataclass(frozen=True)
class Tenant:
    """A workspace, with the eyes of its user and of those who run the pclusters."""

    stage: Stage
    path: str
    cluster: str
    api: Api

    def kubectl(self, *arguments: str, stdin: str = "", check: bool = True) -> str:
        return self.stage.stack.kubectl(*arguments, workspace=self.path, stdin=stdin, check=check)

    def headwater(self, *arguments: str, check: bool = True) -> str:
        return self.stage.stack.headwater(*arguments, workspace=self.path, check=check)

    def apply(self, *objects: Object) -> None:
        self.kubectl("apply", "-f", "-", stdin=manifests.as_list(*objects))

    def bind(self, path: str = "root:compute", export: str = "kubernetes") -> None:
        """Bind an export, and wait until it is."""
        self.apply(manifests.binding(path, export))
        wait_for(
            f"{export} is bound",
            lambda: ((self.api.find("apibindings", export) or {}).get("status") or {}).get("phase") == "Bound",
        )

    def place(self, name: str = "all", *regions: str, **spec: Any) -> None:
        """A Placement on the platform's pclusters, by default on one of those in the regions."""
        if regions:
            spec.setdefault("locationSelector", {"names": list(regions)})
        self.apply(manifests.placement(name, **{"locationWorkspace": PLATFORM, **spec}))

    def phase(self, phase: str, name: str = "all") -> Object:
        """Wait for the phase of a Placement."""
        return self.until("placements", name, lambda obj: (obj.get("status") or {}).get("phase") == phase, namespace="")

    def chosen(self, name: str = "all") -> list[str]:
        """Names of the SyncTargets that a Placement has now."""
        found = self.api.find("placements", name) or {}
        return sorted(each["syncTarget"] for each in (found.get("status") or {}).get("decisions") or ())

    def placed(self, *targets: str, name: str = "all") -> None:
        """Wait until a Placement has exactly these SyncTargets."""
        wait_for(f"{name} is on {targets}", lambda: self.chosen(name) == sorted(targets))

    def until(
        self, resource: str, name: str, accept: Any, namespace: str = "default", api: Api | None = None
    ) -> Object:
        """Wait until an object, of this workspace or elsewhere, is there and accepted."""
        last: list[Object | None] = [None]

        def look() -> Object | None:
            last[0] = (api or self.api).find(resource, name, namespace)
            return last[0] if last[0] is not None and accept(last[0]) else None

        try:
            return wait_for(f"{resource}/{name}", look, 60.0)
        except AssertionError as error:
            raise AssertionError(f"{error}; last seen: {json.dumps(last[0])}") from None

    def judged(self, resource: str, name: str, kind: str, status: str, namespace: str = "default") -> Object:
        """Wait until a condition of an object has this status."""
        return self.until(resource, name, lambda obj: condition(obj, kind).get("status") == status, namespace)

    def holds(self, resource: str, name: str, *targets: str, namespace: str = "default") -> Object:
        """Wait until exactly these SyncTargets of the platform have the object, without marks."""
        wanted = {self.stage.keys[each]: "Sync" for each in targets}
        return self.until(resource, name, lambda obj: states(obj) == wanted, namespace)

    def home(self, pcluster: str, namespace: str = "default", target: str = "") -> str | None:
        """Name of the downstream namespace of one of this workspace's namespaces."""
        for each in self.stage.pclusters[pcluster].list("namespaces"):
            locator = json.loads(notes_of(each).get("kcp.io/namespace-locator", "{}"))
            if (locator.get("cluster"), locator.get("namespace")) == (self.cluster, namespace) and (
                locator["syncTarget"]["name"] == (target or pcluster)
            ):
                return str(each["metadata"]["name"])
        return None

    def below(self, pcluster: str, resource: str, name: str, namespace: str = "default") -> Object | None:
        """The copy of an object on a pcluster."""
        home = self.home(pcluster, namespace)
        return self.stage.pclusters[pcluster].find(resource, name, home) if home else None

    def comes_down(self, pcluster: str, resource: str, name: str, namespace: str = "default") -> Object:
        """Wait for the copy of an object on a pcluster."""
        return wait_for(f"{name} on {pcluster}", lambda: self.below(pcluster, resource, name, namespace))

    def goes(self, pcluster: str, resource: str, name: str, namespace: str = "default") -> None:
        """Wait until a pcluster has no copy of an object any more."""
        wait_for(f"{name} off {pcluster}", lambda: self.below(pcluster, resource, name, namespace) is None)

    def ready_on(self, pcluster: str, deployment: str, namespace: str = "default") -> int | None:
        """Ready replicas of a Deployment on a pcluster, None when it isn't there."""
        found = self.below(pcluster, "deployments", deployment, namespace)
        return None if found is None else int((found.get("status") or {}).get("readyReplicas", 0))

    def identity(self, pcluster: str, deployment: str) -> dict[str, str]:
        """Uids of a Deployment's copy on a pcluster and of its pods: the same as long as nobody touched them."""
        home = str(self.home(pcluster))
        pods = self.stage.pclusters[pcluster].list("pods", home, f"?labelSelector=app={deployment}")
        copy = self.below(pcluster, "deployments", deployment) or {}
        return {each["metadata"]["name"]: each["metadata"]["uid"] for each in [copy, *pods]}

    def runs(self, deployment: str, *, namespace: str = "default", **replicas: int) -> None:
        """Wait until a Deployment has so many ready replicas on each of these pclusters, and is on no other."""
        wanted = {name: replicas.get(name) for name in PCLUSTERS}
        last: dict[str, int | None] = {}

        def look() -> bool:
            last.update({name: self.ready_on(name, deployment, namespace) for name in PCLUSTERS})
            return last == wanted

        try:
            wait_for(f"{deployment} runs on {replicas}", look, 60.0)
        except AssertionError as error:
            raise AssertionError(f"{error}; but {last}") from None


@dataclass(frozen=True)
class Stage:
    """The running stack, with clients of all its API servers."""

    stack: Stack
    hub: Api
    system: Api
    """The same as a member of system:masters, to play a part of the control plane that a test can't wait for."""
    pclusters: dict[str, Api]
    keys: dict[str, str]
    """Name of a SyncTarget of the platform -> sync target key."""

    @property
    def platform(self) -> Api:
        return self.hub.at(f"/clusters/{PLATFORM}")

    def tenant(self, name: str, *, compute: bool = True) -> Tenant:
        """A new workspace, by default with the compute APIs bound."""
        self.stack.kubectl("create", "-f", "-", workspace="root", stdin=json.dumps(manifests.workspace(name)))
        root = self.hub.at("/clusters/root")

        def ready() -> str | None:
            found = root.find("workspaces", name) or {}
            return found["spec"]["cluster"] if (found.get("status") or {}).get("phase") == "Ready" else None

        cluster = wait_for(f"workspace {name}", ready)
        made = Tenant(self, f"root:{name}", cluster, self.hub.at(f"/clusters/{cluster}"))
        if compute:
            made.bind()
        return made

    def target(self, name: str, accept: Any) -> Object:
        """Wait until a SyncTarget of the platform is as it should be."""
        return wait_for(
            f"SyncTarget {name}",
            lambda: found if (found := self.platform.find("synctargets", name)) and accept(found) else None,
        )

    def ready(self, name: str, status: str = "True") -> Object:
        """Wait for the Ready condition of a SyncTarget of the platform."""
        return self.target(name, lambda obj: condition(obj, "Ready").get("status") == status)

    def command(self, *arguments: str) -> str:
        """`headwater sync-target …` as the platform team."""
        return self.stack.headwater("sync-target", *arguments, workspace=PLATFORM)

    def change(self, name: str, **spec: Any) -> None:
        """Merge into the spec of a SyncTarget, as its owner does with kubectl."""
        self.stack.kubectl(
            "patch", "synctarget", name, "--type=merge", "-p", json.dumps({"spec": spec}), workspace=PLATFORM
        )

    def syncer(self, name: str) -> Program:
        """The process of the agent of a SyncTarget of the platform."""
        return self.stack.programs[f"syncer-{name}"]

    def start_syncer(self, name: str) -> None:
        """Start the agent of a SyncTarget again, and wait until that is ready."""
        self.syncer(name).start()
        self.ready(name)

    def heartbeat(self, name: str) -> str:
        """When the hub last heard of a SyncTarget."""
        found = self.platform.find("synctargets", name) or {}
        return str(found["status"]["lastSyncerHeartbeatTime"])

    def start_hub(self) -> None:
        """Start the control plane again as it was, and wait until it serves."""
        hub = self.stack.programs["hub"]
        hub.start()
        self.stack.wait_ready(self.stack.kubeconfig, hub)
        for api in (self.hub, self.system):
            api.renew()

    def trouble(self, name: str, **settings: Any) -> None:
        """Set the trouble of a pcluster's network (see `headwater.sim.faults`); none without settings."""
        self.pclusters[name].request("PUT", "/sim/faults", settings)

    def restore(self, names: Sequence[str] = PCLUSTERS) -> None:
        """All SyncTargets as they were in the beginning: schedulable, without taints, heard of."""
        for name in names:
            self.trouble(name)
            program = self.syncer(name)
            if program.process is None or program.process.poll() is not None:
                program.start()
            self.platform.patch(
                "synctargets", name, {"spec": {"unschedulable": False, "evictAfter": None, "taints": None}}
            )
        for name in names:
            self.ready(name)


def _register(stack: Stack, name: str) -> None:
    exports = ("root:compute:kubernetes",) if name == "north" else ("root:compute:kubernetes", WILDWEST)
    flags = [part for export in exports for part in ("--apiexports", export)]
    stack.register(name, "--labels", f"region={name}", "--cells", f"cell-{name}", *flags, heartbeat_seconds=1)


@contextmanager
def set_stage(stack: Stack) -> Iterator[Stage]:
    """Start everything. `north` knows no cowboys, the others do."""
    tokens = stack.root / "tokens.csv"
    tokens.write_text(f'{SYSTEM_TOKEN},system,system,"system:masters"\n')
    stack.start_hub("--sync-target-heartbeat-threshold", "5", "--token-auth-file", str(tokens))
    stack.start_sim(*PCLUSTERS)
    stack.headwater("workspace", "create", "platform", workspace="root")
    locations = [manifests.location(name, region=name) for name in PCLUSTERS]
    schema = manifests.cowboy_schema()
    export = manifests.compute_export("wildwest", (manifests.GROUP, "cowboys", schema["metadata"]["name"]))
    stack.kubectl("apply", "-f", "-", stdin=manifests.as_list(schema, export, *locations), workspace=PLATFORM)
    for name in ("east", "west"):
        stack.command(
            stack.kubectl_path, "--kubeconfig", str(stack.pcluster_kubeconfig(name)), "apply", "-f", "-",
            stdin=json.dumps(manifests.cowboy_definition()),
        )  # fmt: skip
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda name: _register(stack, name), PCLUSTERS))
    pclusters = {name: Api(stack.pcluster_kubeconfig(name)) for name in PCLUSTERS}
    hub = Api(stack.kubeconfig)
    targets = hub.at(f"/clusters/{PLATFORM}").list("synctargets")
    keys = {each["metadata"]["name"]: each["metadata"]["labels"]["internal.workload.kcp.io/key"] for each in targets}
    stage = Stage(stack, hub, Api(stack.kubeconfig, SYSTEM_TOKEN), pclusters, keys)
    stage.restore()
    yield stage
