"""Wires what runs pods: scheduler, kubelets, heartbeats of nodes, and the pods of nodes that are gone."""

from __future__ import annotations

from datetime import datetime

from headwater.client.interface import TransportError
from headwater.controller import Controller, Result
from headwater.machinery.errors import Conflict, NotFound, StatusError
from headwater.machinery.objects import Object, name, uid
from headwater.machinery.watch import DELETED
from headwater.sim.addresspool import AddressPool
from headwater.sim.changes import Bind, Plan
from headwater.sim.resources import LEASES, NODES, PODS
from headwater.sim.stage import Stage, Workbench
from headwater.sim.stages import kubelet, nodes, scheduler
from headwater.sim.stages.behaviour import Timing
from headwater.sim.stages.fitting import NodeFacts
from headwater.sim.stages.pods import is_active
from headwater.telemetry.logging import get_logger

_WORKERS = 8

log = get_logger("sim.machines")
_BY_NODE = "node"


class Scheduler:
    """Places pods that have no node. What it decided counts at once, before the server has heard of it."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._pods = bench.view(PODS)
        self._usage = scheduler.Usage()
        self._facts: dict[str, NodeFacts] = {}
        self._waiting: set[str] = set()
        self.controller = Controller("sim-scheduler", reconcile=self._reconcile, workers=_WORKERS, clock=bench.clock)
        self._pods.informer.add_handler(self._on_pod)
        bench.view(NODES).informer.add_handler(self._on_node)

    def _on_pod(self, kind: str, old: Object | None, new: Object | None) -> None:
        if new is None or kind == DELETED:
            if old is not None:
                self._usage.remove(old)
                self._waiting.discard(self._pods.informer.key_of(old))
            self._retry()
            return
        if (new.get("spec") or {}).get("nodeName"):
            self._usage.put(new)
            if not is_active(new):
                self._retry()
        elif is_active(new):
            self.controller.enqueue(self._pods.informer.key_of(new))

    def _on_node(self, _kind: str, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._facts[name(new)] = NodeFacts.of(new)
        elif old is not None:
            self._facts.pop(name(old), None)
        self._retry()

    def _retry(self) -> None:
        """Room may have come up: look at the pods again that found none."""
        for key in self._waiting:
            self.controller.enqueue(key)
        self._waiting.clear()

    async def _reconcile(self, key: str) -> Result | None:
        pod = self._pods.get(key)
        if pod is None:
            return None
        plan = scheduler.plan(pod, list(self._facts.values()), self._usage, self._bench.clock.now())
        binding = next((change for change in plan.changes if isinstance(change, Bind)), None)
        if binding is None:
            if is_active(pod) and not (pod.get("spec") or {}).get("nodeName"):
                self._waiting.add(key)
            await self._bench.applier.apply(plan.changes)
            return None
        bound = {**pod, "spec": {**pod["spec"], "nodeName": binding.node}}
        self._usage.put(bound)
        try:
            await self._bench.applier.apply([binding])
        except (Conflict, NotFound):
            # It is on a node already, being deleted, or gone: the informer is about to tell.
            self._forget(key, pod)
        except BaseException:
            self._forget(key, pod)
            raise
        return None

    def _forget(self, key: str, pod: Object) -> None:
        """Count the pod as the informer knows it, after a binding that was not made."""
        known = self._pods.informer.get(key)
        self._usage.remove(pod)
        if known is not None and uid(known) == uid(pod):
            self._usage.put(known)


def kubelet_stage(bench: Workbench, *, timing: Timing, network: int) -> Controller:
    """The kubelets of all simulated nodes."""
    pods, node_view = bench.view(PODS), bench.view(NODES)
    pool = AddressPool(network)

    def on_pod(_kind: str, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None:
            pool.release(old)
        elif new is not None:
            pool.note(new)

    def plan(pod: Object, now: datetime) -> Plan:
        node_name = (pod.get("spec") or {}).get("nodeName")
        node = node_view.get(node_name) if node_name else None
        if node is None or not nodes.is_simulated(node):
            return Plan()
        return kubelet.plan(pod, now, timing=timing, host_ip=nodes.host_ip(node), take_address=lambda: pool.take(pod))

    pods.informer.add_handler(on_pod)
    stage = Stage(bench, PODS, plan, name="kubelet", workers=_WORKERS)

    def pods_of(node: Object) -> list[str]:
        return [pods.informer.key_of(pod) for pod in pods.by_index(_BY_NODE, name(node))]

    pods.add_index(_BY_NODE, _node_of)

    def on_node(_kind: str, old: Object | None, new: Object | None) -> None:
        if new is not None and old is None:
            for key in pods_of(new):
                stage.controller.enqueue(key)

    node_view.informer.add_handler(on_node)
    return stage.controller


def _node_of(pod: Object) -> tuple[str, ...]:
    node = (pod.get("spec") or {}).get("nodeName")
    return (str(node),) if node else ()


def orphan_stage(bench: Workbench) -> Controller:
    """Deletes the pods of nodes that are gone."""
    pods, node_view = bench.view(PODS), bench.view(NODES)
    pods.add_index(_BY_NODE, _node_of)

    async def reconcile(node_name: str) -> None:
        changes = nodes.orphaned_pods(pods.by_index(_BY_NODE, node_name), node_view.list())
        await bench.applier.apply(changes)

    controller = Controller("sim-orphans", reconcile=reconcile, workers=1, clock=bench.clock)

    def on_node(_kind: str, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None:
            controller.enqueue(name(old))

    node_view.informer.add_handler(on_node)
    return controller


class Heartbeats:
    """Tells the server from time to time that the simulated nodes are well."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._nodes = bench.view(NODES)
        self._leases = bench.client.resource(LEASES, nodes.LEASE_NAMESPACE)

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            now = self._bench.clock.now()
            mine = [node for node in self._nodes.list() if nodes.is_simulated(node)]
            try:
                await self._bench.applier.apply([nodes.heartbeat(node, now) for node in mine])
                for node in mine:
                    await self._leases.apply(nodes.lease(node, now), field_manager="kubelet", force=True)
            except (StatusError, TransportError) as error:
                log.warning("heartbeat failed", error=str(error))
            await self._bench.clock.sleep(nodes.HEARTBEAT_SECONDS)
