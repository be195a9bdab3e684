"""Gets the syncer's credential, keeps it, and renews it in good time."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from headwater.apis.sync.v1alpha1.credentials import CONDITION_CREDENTIALS_EXPIRING, REASON_RENEWAL_FAILED
from headwater.base.backoff import Backoff
from headwater.base.clock import Clock
from headwater.client.answers import UnexpectedAnswer
from headwater.client.interface import TransportError
from headwater.machinery.conditions import TRUE, Condition, remove_condition, set_condition
from headwater.machinery.errors import NotFound, StatusError, Unauthorized
from headwater.machinery.objects import Object
from headwater.machinery.timestamps import format_time
from headwater.syncer.credentials.held import HeldToken
from headwater.syncer.credentials.requests import CredentialRequests
from headwater.syncer.credentials.state import CredentialState, hash_of
from headwater.syncer.credentials.stores import CredentialStore, StoreError
from headwater.telemetry.logging import get_logger
from headwater.telemetry.metrics import Registry

DEFAULT_LIFETIME_SECONDS: Final = 24 * 3600
RENEW_AFTER: Final = 2 / 3
_JITTER: Final = 0.1
_LOOK_SECONDS: Final = 30.0
"""How often there is a look at the clock, which may jump, and for a new bootstrap token."""
_SHORTEST_SECONDS: Final = 60.0
"""No credential is renewed sooner because a request was refused."""
_HOW_TO_GO_ON = "have a new bootstrap token by `headwater sync-target token`"

log = get_logger("syncer.credentials")

_Failed = (StatusError, TransportError, UnexpectedAnswer, StoreError)


class CredentialKeeper:
    """Puts the token that counts into ``held``, from which all connections to the control plane take it.

    ``bootstrap`` reads the bootstrap token anew each time. One that was not seen before is exchanged, also while there
    is a credential: somebody put it there for that. Our own clock says when to renew, and never that a credential has
    ended: that is the control plane's to say.
    """

    def __init__(
        self,
        *,
        held: HeldToken,
        requests: CredentialRequests,
        store: CredentialStore,
        bootstrap: Callable[[], str],
        clock: Clock,
        registry: Registry,
        lifetime_seconds: int = DEFAULT_LIFETIME_SECONDS,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self._held = held
        held.on_refused = self._refused
        self._requests = requests
        self._store = store
        self._bootstrap = bootstrap
        self._clock = clock
        self._lifetime = lifetime_seconds
        self._spread = spread
        self._expiry = registry.gauge(
            "syncer_credential_expiration_timestamp_seconds", "When the credential ends, by the syncer's own clock."
        )
        self._failures = registry.counter(
            "syncer_credential_failures_total", "Times that a credential could not be had, renewed or kept."
        )
        self._state: CredentialState | None = None
        self._loaded = False
        self._unsaved = False
        self._due_in = 0.0
        self._since = 0.0
        self._turned_down = ""
        self._wake = asyncio.Event()
        self.problem = "no credential yet"
        """Why there is no credential, or why it can't be renewed; "" while all is well."""
        self.changed: Callable[[], None] = lambda: None
        """Called when `problem` comes, goes or changes."""

    async def obtain(self) -> None:
        """Returns when there is a credential, however long that takes."""
        backoff = Backoff(initial=1.0, maximum=60.0)
        while True:
            try:
                await self._load()
                await self._take_bootstrap()
            except _Failed as error:
                self._fail(f"no credential: {_words(error)}")
            if self._held.value:
                self._set_problem("")
                return
            await self._clock.sleep(backoff.next())

    async def run(self) -> None:
        """Renew until cancelled."""
        backoff = Backoff(initial=5.0, maximum=60.0)
        while True:
            if not self.problem:
                backoff.reset()
            await self._pause(backoff.next() if self.problem else _LOOK_SECONDS)
            try:
                await self._keep_current()
            except _Failed as error:
                self._fail(_words(error))
            else:
                self._set_problem("")

    def report(self, sync_target: Object, now: datetime) -> None:
        """Set or remove the condition of the SyncTarget that says how it stands. Changes `sync_target` (status)."""
        if not self.problem:
            remove_condition(sync_target, CONDITION_CREDENTIALS_EXPIRING)
            return
        message = f"the credential counts until {self._ends()}: {self.problem}"
        condition = Condition(CONDITION_CREDENTIALS_EXPIRING, TRUE, REASON_RENEWAL_FAILED, message)
        set_condition(sync_target, condition, now)

    # -- how it is done --------------------------------------------------------------------------------------------

    def _refused(self) -> None:
        """The control plane took a request for a stranger's: see soon whether the credential still counts."""
        if not self.problem and self._clock.monotonic() - self._since >= _SHORTEST_SECONDS:
            self._due_in = 0.0
            self._wake.set()

    async def _load(self) -> None:
        if not self._loaded:
            state = await self._store.load()
            self._loaded = True
            if state is not None:
                self._adopt(state)

    async def _take_bootstrap(self) -> bool:
        """Exchange a bootstrap token that was not exchanged before; says whether there was one.

        What identifies us as its claimant is kept before it is asked for: so an answer that gets lost, or a syncer
        that is killed, doesn't cost the token, and none is used up that could not be kept. Of several replicas with one
        store the first one exchanges, and the others take over what it has kept.
        """
        token = self._bootstrap()
        digest = hash_of(token) if token else ""
        before = self._state
        known = before is not None and before.bootstrap == digest
        if not token or digest == self._turned_down or (known and before is not None and before.exchanged):
            return False
        if before is None or not known:
            kept = await self._kept_for(digest)
            if kept is not None and kept.exchanged:
                self._adopt(kept)
                return True
            claimant = kept.claimant if kept is not None else secrets.token_urlsafe(32)
            if before is None:
                before = CredentialState(bootstrap=digest, claimant=claimant)
            before = replace(before, bootstrap=digest, claimant=claimant, exchanged=False)
            await self._store.save(before)
            self._state = before
        try:
            credential, seconds = await self._requests.exchange(token, before.claimant, self._lifetime)
        except Unauthorized:
            kept = await self._kept_for(digest)
            if kept is not None and kept.exchanged:
                self._adopt(kept)
                return True
            if self._held.value:
                self._turned_down = digest
            raise
        await self._hold(replace(before, exchanged=True), credential, seconds)
        log.info("got a credential for a bootstrap token", valid_seconds=seconds)
        return True

    async def _kept_for(self, digest: str) -> CredentialState | None:
        """What is in the store about a bootstrap token, which may be of another replica."""
        kept = await self._store.load()
        return kept if kept is not None and kept.bootstrap == digest else None

    async def _keep_current(self) -> None:
        """Whatever is to be done now: a new bootstrap token, one to renew, one to keep. Raises any of `_Failed`."""
        state = self._state
        assert state is not None, "obtain comes before run"
        if not await self._take_bootstrap() and self._is_due(state):
            credential, seconds = await self._requests.renew(self._lifetime)
            await self._hold(state, credential, seconds)
            log.info("renewed the credential", valid_seconds=seconds)
        elif self._unsaved:
            await self._save()

    async def _hold(self, state: CredentialState, token: str, seconds: int) -> None:
        fresh = replace(state, token=token, received=self._clock.now(), lifetime_seconds=seconds)
        self._adopt(fresh)
        self._unsaved = True
        await self._save()

    async def _save(self) -> None:
        assert self._state is not None, "there is something to save"
        await self._store.save(self._state)
        self._unsaved = False

    def _adopt(self, state: CredentialState) -> None:
        self._state = state
        self._held.value = state.token
        if state.received is not None:
            self._expiry.set(state.received.timestamp() + state.lifetime_seconds)
        self._since = self._clock.monotonic()
        share = RENEW_AFTER * (1 + _JITTER * (2 * self._spread() - 1))
        self._due_in = share * state.lifetime_seconds - state.age(self._clock.now())

    def _is_due(self, state: CredentialState) -> bool:
        # The monotonic clock stands still while a machine sleeps, and that of the day can be set back.
        by_day = state.age(self._clock.now()) > state.lifetime_seconds * (RENEW_AFTER + _JITTER)
        return by_day or self._clock.monotonic() - self._since >= self._due_in

    async def _pause(self, seconds: float) -> None:
        """Sleep, or less when a request was refused."""
        self._wake.clear()
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        waking = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait((sleeping, waking), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in (sleeping, waking):
                each.cancel()
            await asyncio.gather(sleeping, waking, return_exceptions=True)

    def _fail(self, problem: str) -> None:
        self._failures.inc()
        log.warning("credential can't be renewed", error=problem, valid_until=self._ends())
        self._set_problem(problem)

    def _set_problem(self, problem: str) -> None:
        if problem != self.problem:
            self.problem = problem
            self.changed()

    def _ends(self) -> str:
        """When the credential ends, by our own clock."""
        state = self._state
        if state is None or state.received is None:
            return "now"
        return format_time(state.received + timedelta(seconds=state.lifetime_seconds))


def _words(error: Exception) -> str:
    if isinstance(error, NotFound):  # Which names nothing, as strangers ask as well.
        return "the control plane has no SyncTarget of this name and UID in this workspace"
    return f"{error}; {_HOW_TO_GO_ON}" if isinstance(error, Unauthorized) else str(error)
