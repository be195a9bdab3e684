"""Two syncers, one Lease on a pcluster: never two that may write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.integration.servers import eventually

from headwater.base.clock import ManualClock
from headwater.client.dynamic import Client, ClusterClient
from headwater.client.interface import RawResponse, Stream, Transport, TransportError
from headwater.client.kubeconfig import load_file
from headwater.client.transport import NetworkTransport
from headwater.machinery.objects import Object
from headwater.sim.pcluster import PCluster, PClusterOptions
from headwater.syncer.election import LEASE_SECONDS, LEASES, RENEW_DEADLINE_SECONDS, Election
from headwater.telemetry.metrics import Registry


class Cable:
    """A transport that can be cut."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.cut = False

    async def request(self, method: str, path: str, **rest: Any) -> RawResponse:
        if self.cut:
            raise TransportError("the cable is cut", sent=False)
        return await self._inner.request(method, path, **rest)

    async def stream(self, method: str, path: str, **rest: Any) -> Stream:
        return await self._inner.stream(method, path, **rest)

    async def close(self) -> None:
        await self._inner.close()


@dataclass
class Candidate:
    """One syncer's election."""

    cable: Cable
    election: Election
    starts: int = 0
    working: bool = False
    task: asyncio.Task[None] = field(init=False)

    def run(self) -> None:
        self.task = asyncio.create_task(self.election.lead(self._work))

    async def _work(self) -> None:
        self.starts += 1
        self.working = True
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.working = False

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@dataclass
class Ground:
    """A pcluster, a clock, and candidates."""

    kubeconfig: Path
    clock: ManualClock = field(default_factory=ManualClock)
    candidates: list[Candidate] = field(default_factory=list)

    def candidate(self, holder: str) -> Candidate:
        cable = Cable(NetworkTransport(load_file(self.kubeconfig).settings("")))
        client = ClusterClient(cable).cluster("")
        election = Election(
            client.resource(LEASES, "default"),
            lease_name="syncer",
            holder=holder,
            clock=self.clock,
            registry=Registry(),
        )
        made = Candidate(cable, election)
        self.candidates.append(made)
        made.run()
        return made

    @property
    def client(self) -> Client:
        return ClusterClient(self.candidates[-1].cable).cluster("")

    async def lease(self) -> Object:
        return await self.client.resource(LEASES, "default").get("syncer")

    async def settle(self) -> None:
        """Wait until all that run have nothing to do before time passes."""

        async def still() -> bool:
            return self.clock.sleeping >= sum(not each.task.done() for each in self.candidates)

        await eventually(still)
        assert sum(each.election.valid for each in self.candidates) <= 1, "two may write"

    async def pass_time(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1)
            await self.settle()


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    """A pcluster without candidates yet."""
    pcluster = PCluster(PClusterOptions(name="west", directory=tmp_path, nodes=1, in_memory=True))
    await pcluster.start()
    made = Ground(pcluster.kubeconfig_path)
    try:
        yield made
    finally:
        for each in made.candidates:
            each.cable.cut = False
            await each.stop()
            await each.cable.close()
        await pcluster.stop()


async def test_one_leads_and_hands_over_when_it_stops(ground: Ground) -> None:
    first = ground.candidate("first")
    await ground.settle()
    second = ground.candidate("second")
    await ground.settle()
    await ground.pass_time(3 * LEASE_SECONDS)
    assert (first.starts, second.starts) == (1, 0)
    await first.stop()
    await ground.pass_time(3)
    assert second.working, "it need not wait for the Lease to run out"
    assert (await ground.lease())["spec"]["leaseTransitions"] >= 1


async def test_a_leader_that_is_cut_off_stops_before_another_starts(ground: Ground) -> None:
    first = ground.candidate("first")
    await ground.settle()
    second = ground.candidate("second")
    await ground.settle()
    first.cable.cut = True
    await ground.pass_time(int(RENEW_DEADLINE_SECONDS) + 2)
    assert not first.working
    assert not second.working
    await ground.pass_time(LEASE_SECONDS)
    assert second.working
    first.cable.cut = False
    await ground.pass_time(LEASE_SECONDS)
    assert second.working, "who comes back stands by"
    assert first.starts == 1
    assert not first.election.last_error


async def test_a_leader_that_was_killed_is_replaced(ground: Ground) -> None:
    """Nobody gives its Lease back; it runs out by the other's own clock."""
    first = ground.candidate("first")
    await ground.settle()
    first.cable.cut = True
    await first.stop()
    second = ground.candidate("second")
    await ground.pass_time(LEASE_SECONDS - 3)
    assert not second.working
    await ground.pass_time(6)
    assert second.working


async def test_a_leader_that_was_stopped_may_not_write_when_it_wakes(ground: Ground) -> None:
    """SIGSTOP: no timer fires, time passes, and on waking the first thing it does may be a write."""
    first = ground.candidate("first")
    await ground.settle()
    assert first.election.valid
    ground.clock.advance(RENEW_DEADLINE_SECONDS)
    assert not first.election.valid
    assert first.working, "it has not noticed yet"


async def test_an_error_of_the_work_ends_it(ground: Ground) -> None:
    candidate = ground.candidate("first")
    await ground.settle()
    await candidate.stop()

    async def broken() -> None:
        raise LookupError("a bug")

    with pytest.raises(LookupError):
        await candidate.election.lead(broken)
    assert (await ground.lease())["spec"]["holderIdentity"] == "", "and gives the Lease back"
