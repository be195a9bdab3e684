"""Many simulated pclusters in one process, each on its own port with its own store and kubeconfig."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from headwater.apiserver.pemfiles import CertificateError
from headwater.base.clock import Clock
from headwater.base.hashing import base36_sha224
from headwater.machinery.names import is_dns1123_label
from headwater.machinery.quantity import is_quantity
from headwater.sim.nodepool import MAXIMUM_NODES
from headwater.sim.pcluster import PCluster, PClusterOptions
from headwater.sim.stages.behaviour import Timing
from headwater.sim.stages.nodes import NodeShape
from headwater.storage.errors import StorageError

_NETWORKS = 250


class StartError(Exception):
    """A fleet can't start; the message is one line that says what to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetOptions:
    """All pclusters of one process. Each keeps its state in `root_directory/<name>`.

    `first_port` 0 gives each the port of its last start, or a free one; otherwise ports count up from it.
    `kubeconfig_directory` None leaves each kubeconfig in its pcluster's directory as `admin.kubeconfig`, otherwise it
    is `<name>.kubeconfig` there. `capacity` are resource quantities of one node, `node_labels` labels of all nodes.
    """

    names: Sequence[str]
    root_directory: Path
    host: str = "127.0.0.1"
    first_port: int = 0
    nodes: int = 3
    capacity: Mapping[str, str] = field(default_factory=dict)
    node_labels: Mapping[str, str] = field(default_factory=dict)
    timing: Timing = field(default_factory=Timing)
    kubeconfig_directory: Path | None = None
    in_memory: bool = False


def check(options: FleetOptions) -> None:
    """Raise StartError for options that make no sense."""
    if not options.names:
        raise StartError("name at least one pcluster")
    for each in options.names:
        if not is_dns1123_label(each):
            raise StartError(f"{each!r} can't be a pcluster's name: use lower-case letters, digits and -")
    if len(set(options.names)) != len(options.names):
        raise StartError("every pcluster needs a name of its own")
    if not 0 <= options.nodes <= MAXIMUM_NODES:
        raise StartError(f"a pcluster can have 0 to {MAXIMUM_NODES} nodes")
    for key, value in options.capacity.items():
        if not is_quantity(value):
            raise StartError(f"node capacity {key}={value}: {value!r} is not a quantity such as 4 or 16Gi")


def pcluster_options(options: FleetOptions) -> list[PClusterOptions]:
    """The options of each pcluster."""
    check(options)
    result = []
    for number, (each, network) in enumerate(networks(options.names).items()):
        kubeconfigs = options.kubeconfig_directory
        result.append(
            PClusterOptions(
                name=each,
                directory=options.root_directory / each,
                host=options.host,
                port=options.first_port + number if options.first_port else 0,
                nodes=options.nodes,
                shape=NodeShape(capacity=options.capacity, labels=options.node_labels, network=network),
                timing=options.timing,
                kubeconfig=kubeconfigs / f"{each}.kubeconfig" if kubeconfigs is not None else None,
                in_memory=options.in_memory,
            )
        )
    return result


def networks(names: Sequence[str]) -> dict[str, int]:
    """A network number for each pcluster: the same at each start, and not that of another one here."""
    taken: dict[str, int] = {}
    for each in names:
        number = int(base36_sha224(each)[:6], 36) % _NETWORKS
        while number in taken.values():
            number = (number + 1) % _NETWORKS
        taken[each] = number
    return taken


class Fleet:
    """Starts and stops pclusters together."""

    def __init__(self, options: FleetOptions, *, clock: Clock | None = None) -> None:
        self.pclusters = [PCluster(each, clock=clock) for each in pcluster_options(options)]

    async def start(self) -> None:
        """Start all; when one can't, stop the others and raise StartError."""
        outcomes = await asyncio.gather(*(self._start(each) for each in self.pclusters), return_exceptions=True)
        failures = [outcome for outcome in outcomes if outcome is not None]
        if failures:
            started = [each for each, outcome in zip(self.pclusters, outcomes, strict=True) if outcome is None]
            await asyncio.gather(*(each.stop() for each in started))
            raise failures[0]

    async def _start(self, pcluster: PCluster) -> None:
        try:
            await pcluster.start()
        except OSError as error:
            where = error.filename or f"{pcluster.options.host}:{pcluster.options.port}"
            raise StartError(f"pcluster {pcluster.name} can't start: {where}: {error.strerror or error}") from error
        except (StorageError, CertificateError) as error:
            raise StartError(f"pcluster {pcluster.name} can't start: {error}") from error

    async def wait(self) -> None:
        """Wait until a pcluster fails; raises its error."""
        waiting = [asyncio.ensure_future(each.wait()) for each in self.pclusters]
        try:
            await asyncio.gather(*waiting)
        finally:
            for each in waiting:
                each.cancel()

    async def stop(self) -> None:
        """Stop all."""
        await asyncio.gather(*(each.stop() for each in self.pclusters))
