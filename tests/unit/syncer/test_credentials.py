"""A syncer has its credential renewed in good time, keeps it before it needs it, and says when it can't."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headwater.base.clock import ManualClock
from headwater.client.interface import TransportError
from headwater.machinery.conditions import get_condition
from headwater.machinery.errors import NotFound, Unauthorized
from headwater.syncer.credentials.held import HeldToken
from headwater.syncer.credentials.keeper import CredentialKeeper
from headwater.syncer.credentials.state import CredentialState, decode, encode, hash_of
from headwater.syncer.credentials.stores import FileStore, StoreError
from headwater.telemetry.metrics import Registry

UID = "0b9c1f0a-1111-4222-8333-444455556666"
DAY = 24 * 3600
FAILURES = (Unauthorized("revoked"), TransportError("away"))


@dataclass
class Hub:
    """Gives numbered credentials, or fails as it is told."""

    exchanges: list[tuple[str, str]] = field(default_factory=list)
    renewals: int = 0
    failure: Exception | None = None
    refuses_bootstrap: bool = False

    async def exchange(self, bootstrap: str, claimant: str, seconds: int) -> tuple[str, int]:
        self.exchanges.append((bootstrap, claimant))
        if self.failure is not None:
            raise self.failure
        if self.refuses_bootstrap:
            raise Unauthorized("was used already")
        return f"by-{bootstrap}", seconds

    async def renew(self, seconds: int) -> tuple[str, int]:
        self.renewals += 1
        if self.failure is not None:
            raise self.failure
        return f"renewed-{self.renewals}", seconds


@dataclass
class Store:
    """Keeps one state, or fails as it is told."""

    state: CredentialState | None = None
    failure: StoreError | None = None

    async def load(self) -> CredentialState | None:
        return self.state

    async def save(self, state: CredentialState) -> None:
        if self.failure is not None:
            raise self.failure
        self.state = state


@dataclass
class Stage:
    """A keeper with all that it depends on; `spread` in the middle makes it renew at two thirds exactly."""

    hub: Hub = field(default_factory=Hub)
    store: Store = field(default_factory=Store)
    clock: ManualClock = field(default_factory=ManualClock)
    held: HeldToken = field(default_factory=HeldToken)
    bootstrap: str = "first"
    registry: Registry = field(default_factory=Registry)

    def keeper(self) -> CredentialKeeper:
        return CredentialKeeper(
            held=self.held, requests=self.hub, store=self.store, bootstrap=lambda: self.bootstrap, clock=self.clock,
            registry=self.registry, spread=lambda: 0.5,
        )  # fmt: skip

    async def pass_time(self, seconds: float) -> None:
        """Let time go by in steps, so that whoever waits for less sees each of them."""
        left = seconds
        while left > 0:
            self.clock.advance(min(left, 600.0))
            left -= 600.0
            await settle()


async def settle() -> None:
    """Let all tasks come to a halt: nothing in these tests waits for anything but the clock."""
    for _ in range(20):
        await asyncio.sleep(0)


@asynccontextmanager
async def running(stage: Stage) -> AsyncIterator[CredentialKeeper]:
    keeper = stage.keeper()
    await keeper.obtain()
    task = asyncio.create_task(keeper.run())
    await settle()
    try:
        yield keeper
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_it_renews_at_two_thirds_of_the_life() -> None:
    stage = Stage()
    async with running(stage) as keeper:
        assert stage.held.token() == "by-first"
        await stage.pass_time(DAY * 0.66)
        assert stage.hub.renewals == 0
        await stage.pass_time(DAY * 0.02)
        assert (stage.held.token(), keeper.problem) == ("renewed-1", "")
        assert stage.store.state is not None
        assert stage.store.state.token == "renewed-1"
        await stage.pass_time(DAY * 0.68)
        assert stage.hub.renewals == 2
        assert len(stage.hub.exchanges) == 1
        assert stage.store.state.received is not None
        metric = re.search(rb"^syncer_credential_expiration_timestamp_seconds (.*)$", stage.registry.render(), re.M)
        assert metric is not None
        assert float(metric[1]) == stage.store.state.received.timestamp() + DAY


@pytest.mark.parametrize("failure", FAILURES, ids=["refused", "away"])
async def test_it_says_when_it_can_not_renew_and_goes_on_trying(failure: Exception) -> None:
    """What it has stays in use; the condition comes, and goes with the next success."""
    stage = Stage()
    async with running(stage) as keeper:
        told: list[str] = []
        keeper.changed = lambda: told.append(keeper.problem)
        stage.hub.failure = failure
        await stage.pass_time(DAY * 0.8)
        assert stage.held.token() == "by-first"
        target: dict[str, Any] = {"status": {}}
        keeper.report(target, stage.clock.now())
        condition = get_condition(target, "CredentialsExpiring")
        assert condition is not None
        assert (condition["status"], condition["reason"]) == ("True", "RenewalFailed")
        assert str(failure) in condition["message"]
        assert "2026-01-02T00:00:00Z" in condition["message"]
        stage.hub.failure = None
        await stage.pass_time(600)
        assert stage.held.token().startswith("renewed-")
        keeper.report(target, stage.clock.now())
        assert get_condition(target, "CredentialsExpiring") is None
        assert len(told) == 2


async def test_nothing_is_exchanged_that_can_not_be_kept() -> None:
    """A store that fails costs no token; once it works the exchange is made, with the claimant that was kept."""
    stage = Stage(store=Store(failure=StoreError("read-only")))
    keeper = stage.keeper()
    task = asyncio.create_task(keeper.obtain())
    await settle()
    assert not stage.hub.exchanges
    assert "read-only" in keeper.problem
    stage.store.failure = None
    await stage.pass_time(120)
    await task
    assert stage.store.state is not None
    assert stage.hub.exchanges == [("first", stage.store.state.claimant)]


async def test_a_lost_answer_is_asked_for_again_by_the_same_claimant() -> None:
    """Also by a process that was started anew in between."""
    stage = Stage()
    stage.hub.failure = TransportError("cut")
    killed = asyncio.create_task(stage.keeper().obtain())
    await settle()
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    stage.hub.failure = None
    await stage.keeper().obtain()
    assert stage.held.token() == "by-first"
    assert len({claimant for _, claimant in stage.hub.exchanges}) == 1


async def test_replicas_share_a_store_and_a_bootstrap_token() -> None:
    """Whoever is second takes over what the first one got, both at the start and while running."""
    first, second = Stage(), Stage()
    second.store = first.store
    second.hub.refuses_bootstrap = True
    async with running(first), running(second) as keeper:
        assert (second.held.token(), second.hub.exchanges) == ("by-first", [])
        first.bootstrap = "next"
        await first.pass_time(60)
        second.bootstrap = "next"
        await second.pass_time(60)
        assert (second.held.token(), keeper.problem, second.hub.exchanges) == ("by-next", "", [])


async def test_a_replica_that_was_too_late_takes_over() -> None:
    """Both have asked, and the other one was faster."""
    stage = Stage()
    stage.hub.refuses_bootstrap = True
    task = asyncio.create_task(stage.keeper().obtain())
    await settle()
    assert (len(stage.hub.exchanges), stage.held.value) == (1, "")
    stage.store.state = CredentialState(
        bootstrap=hash_of("first"), claimant="other", exchanged=True, token="by-other", received=stage.clock.now(),
        lifetime_seconds=DAY,
    )  # fmt: skip
    await stage.pass_time(60)
    await task
    assert stage.held.token() == "by-other"


async def test_flags_that_name_no_synctarget_are_named() -> None:
    """The control plane answers as to any stranger, with words that help nobody."""
    stage = Stage()
    stage.hub.failure = NotFound("the server could not find the requested resource")
    keeper = stage.keeper()
    task = asyncio.create_task(keeper.obtain())
    await settle()
    assert keeper.problem == "no credential: the control plane has no SyncTarget of this name and UID in this workspace"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_restart_uses_what_was_kept() -> None:
    stage = Stage()
    await stage.keeper().obtain()
    await stage.keeper().obtain()
    assert len(stage.hub.exchanges) == 1
    assert stage.held.token() == "by-first"


async def test_a_new_bootstrap_token_is_taken_while_running() -> None:
    """So a person gives a syncer a credential again whose own was revoked; a token that is refused changes nothing."""
    stage = Stage()
    async with running(stage) as keeper:
        stage.hub.failure = Unauthorized("revoked")
        stage.clock.advance(61)
        stage.held.refused()
        await stage.pass_time(60)
        assert "headwater sync-target token" in keeper.problem
        stage.hub.failure, stage.bootstrap = None, "second"
        await stage.pass_time(120)
        assert (stage.held.token(), keeper.problem) == ("by-second", "")
        stage.bootstrap, stage.hub.refuses_bootstrap = "old", True
        await stage.pass_time(300)
        assert stage.held.token() == "by-second"
        assert [token for token, _ in stage.hub.exchanges].count("old") == 1


async def test_a_refused_request_has_it_look_at_once_but_not_all_the_time() -> None:
    stage = Stage()
    async with running(stage):
        stage.held.refused()
        await stage.pass_time(30)
        assert stage.hub.renewals == 0, "it was renewed just now"
        stage.clock.advance(31)
        for _ in range(10):
            stage.held.refused()
            await settle()
        assert stage.hub.renewals == 1


@pytest.mark.parametrize("hours", [-5, 3, 100])
async def test_a_clock_that_is_wrong_never_throws_a_credential_away(hours: int) -> None:
    """One that looks as if it had ended, or as if it came from the future, is still the best there is."""
    stage = Stage()
    received = stage.clock.now() + timedelta(hours=-hours)
    stage.store.state = CredentialState(
        bootstrap=hash_of("first"), claimant="c", exchanged=True, token="kept", received=received,
        lifetime_seconds=DAY,
    )  # fmt: skip
    async with running(stage):
        assert stage.held.token() == "kept"
        await stage.pass_time(60)
        assert stage.held.token() == ("renewed-1" if hours == 100 else "kept")


async def test_a_file_is_for_its_owner_and_one_sync_target(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "deep" / "credentials", UID)
    assert await store.load() is None
    state = CredentialState(
        bootstrap="b", claimant="c", exchanged=True, token="t", received=datetime(2026, 1, 1, tzinfo=UTC),
        lifetime_seconds=60,
    )  # fmt: skip
    await store.save(state)
    path = tmp_path / "deep" / "credentials" / f"{UID}.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert await store.load() == state
    path.write_text("{")
    assert await store.load() is None
    path.unlink()
    path.mkdir()
    with pytest.raises(StoreError, match="can't read"):
        await store.load()
    with pytest.raises(StoreError, match="can't write"):
        await store.save(state)


def test_what_is_of_another_sync_target_is_not_taken() -> None:
    state = CredentialState(bootstrap="b", claimant="secret-c", token="secret-t", exchanged=True)
    assert decode(encode(state, UID), UID) == state
    assert decode(encode(state, UID), "another") is None
    assert "secret" not in repr(state)
