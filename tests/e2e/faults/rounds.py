"""Random rounds: somebody works, things go wrong meanwhile, all becomes well again, and then it is judged."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import urllib3
from tests.e2e.faults.history import manifest
from tests.e2e.faults.proxy import Mode
from tests.e2e.faults.scene import PCLUSTERS, Scene, Side
from tests.e2e.scheduling.api import MERGE_PATCH, Refused, path_of

_MOST_OBJECTS = 60
_PAUSE_SECONDS = 0.02
_LONGER_THAN_A_LEASE_SECONDS = 18.0
_NO_ANSWER = (urllib3.exceptions.HTTPError, OSError)
Fault = tuple[str, AbstractContextManager[None]]
"""What it happens to, of which one thing happens at a time, and how it comes and goes."""


class Client:
    """Works on ConfigMaps as a tenant does, and writes down what it is told."""

    def __init__(self, scene: Scene, source: random.Random) -> None:
        self._scene = scene
        self._random = source
        self._count = 0

    def work(self, steps: int) -> None:
        """Some writes, one after the other."""
        for _ in range(steps):
            kept = sorted(self._scene.history.kept)
            choice = self._random.random()
            if not kept or (choice < 0.5 and len(kept) < _MOST_OBJECTS):
                self._count += 1
                self._create(f"object-{self._count}")
            elif choice < 0.75:
                self._update(self._random.choice(kept))
            else:
                self._delete(self._random.choice(kept))
            time.sleep(_PAUSE_SECONDS)

    def _create(self, name: str) -> None:
        history, value = self._scene.history, self._value()
        try:
            made = self._scene.tenant.request("POST", path_of("configmaps", "", "default"), manifest(name, value))
        except (Refused, *_NO_ANSWER) as error:
            history.note(f"create {name}: {error}")
            history.unsure[name] = {"", value}
        else:
            history.kept[name] = (made["metadata"]["uid"], value)

    def _update(self, name: str) -> None:
        history, value = self._scene.history, self._value()
        uid, before = history.kept[name]
        path = path_of("configmaps", name, "default")
        try:
            self._scene.tenant.request("PATCH", path, {"data": {"value": value}}, MERGE_PATCH)
        except (Refused, *_NO_ANSWER) as error:
            history.note(f"update {name}: {error}")
            del history.kept[name]
            history.unsure[name] = {before, value}
        else:
            history.kept[name] = (uid, value)

    def _delete(self, name: str) -> None:
        """One that gets no answer is asked for again before the round is judged."""
        history = self._scene.history
        history.deleting.add(name)
        del history.kept[name]
        try:
            self._scene.tenant.request("DELETE", path_of("configmaps", name, "default"))
        except (Refused, *_NO_ANSWER) as error:
            history.note(f"delete {name}: {error}")

    def _value(self) -> str:
        return f"{self._random.randrange(10**9)}"


class Faults:
    """What can go wrong."""

    def __init__(self, scene: Scene, source: random.Random) -> None:
        self._scene = scene
        self._random = source

    def some(self) -> list[AbstractContextManager[None]]:
        """One or two random ones, which don't happen to the same thing."""
        kinds = [self._killed, self._killed, self._frozen, self._cut_off, self._cut_off, self._troubled, self._drained]
        chosen = dict(make() for make in self._random.choices(kinds, k=self._random.randint(1, 2)))
        return list(chosen.values())

    def wait(self, longest: float) -> None:
        """Let it go on for a while."""
        time.sleep(self._random.uniform(0, longest))

    def _killed(self) -> Fault:
        name = self._random.choice(["hub", "sim", "syncer-east", "syncer-east-twin", "syncer-west"])

        @contextmanager
        def fault() -> Iterator[None]:
            self._scene.kill(name)
            yield
            self._scene.start(name)

        return _subject(name), fault()

    def _frozen(self) -> Fault:
        name = self._random.choice(["hub", "sim", "syncer-east", "syncer-east-twin", "syncer-west"])
        longest = (
            _LONGER_THAN_A_LEASE_SECONDS if name.startswith("syncer-east") and self._random.random() < 0.3 else 2.0
        )

        @contextmanager
        def fault() -> Iterator[None]:
            self._scene.freeze(name)
            time.sleep(longest if longest > 2 else self._random.uniform(0, longest))
            yield
            self._scene.thaw(name)

        return _subject(name), fault()

    def _cut_off(self) -> Fault:
        pcluster = self._random.choice(PCLUSTERS)
        side: Side = self._random.choice(("up", "down"))
        mode: Mode = self._random.choice(("pass", "cut", "silent", "deaf"))

        @contextmanager
        def fault() -> Iterator[None]:
            self._scene.history.note(f"{pcluster} {side}: {mode if mode != 'pass' else 'slow'}")
            self._scene.proxies[pcluster, side].set(mode, 0.05 if mode == "pass" else 0.0)
            self.wait(3.0)
            yield
            self._scene.history.note(f"{pcluster} {side}: well again")
            self._scene.proxies[pcluster, side].set("pass")

        return f"{pcluster} {side}", fault()

    def _troubled(self) -> Fault:
        pcluster = self._random.choice(PCLUSTERS)
        settings = self._random.choice(
            [
                {"latency_ms": 200, "jitter_ms": 200},
                {"error_share": 0.3},
                {"error_share": 0.9},
                {"partition": True},
                {"empty_lists": True},
            ]
        )

        @contextmanager
        def fault() -> Iterator[None]:
            self._scene.trouble(pcluster, **settings)
            self.wait(2.0)
            yield
            self._scene.trouble(pcluster)

        return "sim", fault()

    def _drained(self) -> Fault:
        pcluster = self._random.choice(PCLUSTERS)

        @contextmanager
        def fault() -> Iterator[None]:
            self._scene.drain(pcluster)
            self.wait(2.0)
            yield

        return "hub", fault()


def _subject(program: str) -> str:
    """A pcluster's two syncers are one: with both gone nothing could be said about who leads."""
    return program.removesuffix("-twin")


def play(scene: Scene, client: Client, source: random.Random, number: int) -> None:
    """One round, and its judgement."""
    scene.history.note(f"round {number}")
    faults = Faults(scene, source)
    worker = threading.Thread(target=client.work, args=(source.randint(10, 40),), name="client")
    with ExitStack() as trouble:
        worker.start()
        for fault in faults.some():
            faults.wait(0.5)
            trouble.enter_context(fault)
        faults.wait(1.0)
    worker.join(60)
    assert not worker.is_alive(), "the client hangs"
    scene.undrain()
    scene.check()
