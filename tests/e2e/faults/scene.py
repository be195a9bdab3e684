"""A control plane and two pclusters whose syncers reach both sides through proxies that can fail."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml
from tests.e2e.faults.history import Copies, History, values_of
from tests.e2e.faults.proxy import FaultyProxy
from tests.e2e.harness import PLATFORM, Program, Stack, kubectls, stack, wait_for
from tests.e2e.scheduling import manifests
from tests.e2e.scheduling.api import Api, Refused, path_of
from tests.e2e.scheduling.floor import ReadyFloor

Side = Literal["up", "down"]
PCLUSTERS = ("east", "west")
MOVER, MOVER_REPLICAS = "mover", 3
TENANT = "/clusters/root:shop"
_SETTLE_SECONDS = 90.0
_PATIENCE = ("--deletion-brake-count", "100000")
"""Rounds delete more than anybody would; the brake has tests of its own."""


@dataclass
class Scene:
    """Everything that runs, and the history of it."""

    stack: Stack
    hub: Api
    pclusters: Mapping[str, Api]
    proxies: Mapping[tuple[str, Side], FaultyProxy]
    history: History
    floor: ReadyFloor
    drained: set[str] = field(default_factory=set)

    @property
    def tenant(self) -> Api:
        return self.hub.at(TENANT)

    def program(self, name: str) -> Program:
        """One of hub, sim, syncer-east, syncer-east-twin and syncer-west."""
        return self.stack.programs[name]

    def kill(self, name: str) -> None:
        self.history.note(f"kill {name}")
        self.program(name).kill()

    def start(self, name: str) -> None:
        """Start a program again; what serves is waited for."""
        self.history.note(f"start {name}")
        program = self.program(name)
        program.start()
        if name == "hub":
            self.stack.wait_ready(self.stack.kubeconfig, program)
            self.hub.renew()
        if name == "sim":
            for each in PCLUSTERS:
                self.stack.wait_ready(self.stack.pcluster_kubeconfig(each), program)

    def freeze(self, name: str) -> None:
        """SIGSTOP: no timer fires, no connection is closed, time goes on for all others."""
        self.history.note(f"freeze {name}")
        self._signal(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        self.history.note(f"thaw {name}")
        self._signal(name, signal.SIGCONT)

    def _signal(self, name: str, number: signal.Signals) -> None:
        process = self.program(name).process
        assert process is not None
        process.send_signal(number)

    def trouble(self, pcluster: str, **settings: Any) -> None:
        """Trouble of a pcluster itself; none without settings."""
        self.history.note(f"{pcluster} has {settings or 'no trouble'}")
        self.pclusters[pcluster].request("PUT", "/sim/faults", settings)

    def drain(self, pcluster: str) -> None:
        """Have everything leave a pcluster, as `kubectl workload drain` does."""
        self.history.note(f"drain {pcluster}")
        self.history.leaving.add(pcluster)
        self.drained.add(pcluster)
        spec = {"unschedulable": True, "evictAfter": "2020-01-01T00:00:00Z"}
        self.hub.at(f"/clusters/{PLATFORM}").patch("synctargets", pcluster, {"spec": spec})

    def undrain(self) -> None:
        for each in sorted(self.drained):
            self.history.note(f"undrain {each}")
            spec = {"unschedulable": False, "evictAfter": None}
            self.hub.at(f"/clusters/{PLATFORM}").patch("synctargets", each, {"spec": spec})
            self.history.stays(each)
        self.drained.clear()

    def above(self) -> dict[str, tuple[str, str]]:
        """Name -> uid and value of what the workspace has."""
        return values_of(self.tenant.list("configmaps", "default"))

    def _delete(self, name: str) -> None:
        """Ask again for a deletion, which may be under way."""
        try:
            self.tenant.request("DELETE", path_of("configmaps", name, "default"))
        except Refused as refused:
            if refused.status != 404:
                raise

    def check(self) -> None:
        """Wait until all has settled, and assert everything that must hold."""
        history = self.history
        above = self.above()
        for name in sorted(above.keys() & history.deleting):
            self._delete(name)
        wrong = history.settle_unsure(above)
        assert not wrong, history.failure(wrong)
        last: list[str] = []

        def settled() -> bool:
            last[:] = history.wrong_above(self.above()) + history.wrong_below()
            return not last

        try:
            wait_for("everything is as it should be", settled, _SETTLE_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{history.failure(last)}") from None
        wrong = history.wrongly_gone() + self._doubled_namespaces()
        assert not wrong, history.failure(wrong)
        wait_for("the mover runs", lambda: self.floor.ready(MOVER) >= MOVER_REPLICAS)
        self.floor.check(**{MOVER: MOVER_REPLICAS})
        for name, program in self.stack.programs.items():
            assert program.process is None or program.process.poll() is None, f"{name} has ended\n{program.tail()}"

    def _doubled_namespaces(self) -> list[str]:
        """Upstream namespaces that have several downstream ones on a pcluster."""
        wrong = []
        for pcluster, api in self.pclusters.items():
            locators = [
                (each["metadata"].get("annotations") or {}).get("kcp.io/namespace-locator")
                for each in api.list("namespaces")
            ]
            known = [each for each in locators if each]
            wrong += [f"{pcluster} has {each} twice" for each in set(known) if known.count(each) > 1]
        return wrong


def _through(kubeconfig: Path, proxy: FaultyProxy) -> None:
    config = yaml.safe_load(kubeconfig.read_text())
    for each in config["clusters"]:
        each["cluster"]["proxy-url"] = proxy.url
    kubeconfig.write_text(yaml.safe_dump(config))


def _lead_through(made: Stack, name: str, proxies: Mapping[tuple[str, Side], FaultyProxy], *, twin: bool) -> None:
    """Register a pcluster, and start its syncer anew behind its proxies; with a twin, one of both leads."""
    program = made.register(name, "--labels", f"region={name}", "--cells", name, heartbeat_seconds=1)
    program.stop()
    _through(made.root / f"{name}-agent.kubeconfig", proxies[name, "up"])
    _through(made.root / f"{name}-agent-downstream.kubeconfig", proxies[name, "down"])
    program.arguments += _PATIENCE
    if twin:
        applied = yaml.safe_load_all((made.root / f"{name}-applied.yaml").read_text())
        program.arguments += ("--lease-namespace", next(each for each in applied)["metadata"]["name"])
        made.run(f"syncer-{name}-twin", *program.arguments)
    program.start()


@contextmanager
def scene(root: Path, *hub_flags: str, hub_within: tuple[str, ...] = ()) -> Iterator[Scene]:
    """Start everything: ConfigMaps of a workspace go to both pclusters, a Deployment to one of them."""
    with ExitStack() as everything:
        made = everything.enter_context(stack(root, kubectls()[0]))
        proxies: dict[tuple[str, Side], FaultyProxy] = {
            (name, side): everything.enter_context(FaultyProxy()) for name in PCLUSTERS for side in ("up", "down")
        }
        made.start_hub("--sync-target-heartbeat-threshold", "20", *hub_flags, within=hub_within)
        made.start_sim(*PCLUSTERS)
        made.create_workspaces()
        for name in PCLUSTERS:
            _lead_through(made, name, proxies, twin=name == "east")
        both = ("--min-targets", "2", "--max-targets", "2", "--namespace-selector", "both=yes")
        made.headwater("bind", "compute", PLATFORM, "--name", "both", *both, workspace="root:shop")
        one = ("--namespace-selector", "kubernetes.io/metadata.name=mover")
        made.headwater("bind", "compute", PLATFORM, "--name", "one", *one, workspace="root:shop")
        hub = Api(made.kubeconfig)
        tenant = hub.at(TENANT)
        tenant.patch("namespaces", "default", {"metadata": {"labels": {"both": "yes"}}})
        tenant.request("POST", "/api/v1/namespaces", manifests.namespace("mover"))
        deployment = manifests.deployment(MOVER, MOVER_REPLICAS, namespace="mover")
        wait_for("deployments are served", lambda: _create(tenant, deployment))
        pclusters = {name: Api(made.pcluster_kubeconfig(name)) for name in PCLUSTERS}
        floor = everything.enter_context(ReadyFloor({n: made.pcluster_kubeconfig(n) for n in PCLUSTERS}))
        floor.hold(MOVER, MOVER_REPLICAS)
        history = History([Copies(name, api) for name, api in pclusters.items()])
        for each in history.copies:
            everything.callback(each.close)
        yield Scene(made, hub, pclusters, proxies, history, floor)


def _create(tenant: Api, deployment: dict[str, Any]) -> bool:
    try:
        tenant.request("POST", "/apis/apps/v1/namespaces/mover/deployments", deployment)
    except Refused as refused:
        if refused.status == 404:
            return False
        raise
    return True
