"""How far a pcluster has come, by what it says itself."""

from __future__ import annotations

import asyncio

import pytest

from headwater.base import jsonio
from headwater.base.clock import ManualClock
from headwater.client.dynamic import ClusterClient
from headwater.client.interface import RawResponse, Stream, TransportError
from headwater.syncer.target.rewind import PClusterWentBack, Reached


class PCluster:
    """Answers any list with a resourceVersion; None for no answer."""

    def __init__(self) -> None:
        self.version: object = ""

    async def request(self, method: str, path: str, **_: object) -> RawResponse:
        if self.version is None:
            raise TransportError("nobody there")
        return RawResponse(200, {}, jsonio.dumps({"metadata": {"resourceVersion": self.version}, "items": []}))

    async def stream(self, method: str, path: str, **_: object) -> Stream:
        raise AssertionError("nothing is watched")

    async def close(self) -> None: ...


async def test_only_a_lower_number_is_a_step_back() -> None:
    """No answer is none, and neither is anything that nobody counts to."""
    pcluster = PCluster()
    client = ClusterClient(pcluster).cluster("")
    reached = Reached(client, interval_seconds=10, clock=ManualClock(), allowed=asyncio.Event())
    for version in ("7", "9", None, "", "²", "9" * 5000, "a", 3.5, "9", "10"):
        pcluster.version = version
        await reached.look()
    pcluster.version = "9"
    with pytest.raises(PClusterWentBack, match="at resourceVersion 9 and was at 10"):
        await reached.look()
