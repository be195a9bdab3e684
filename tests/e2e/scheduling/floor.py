"""Watches the pods of several pclusters, and remembers the fewest that were ready at any instant."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp
import yaml
from tests.e2e.harness import wait_for

_PODS = "/api/v1/pods"
_TURNS = 8
"""So often the loop goes round before it judges: long enough to read what has arrived on the other connections."""


def _is_ready(pod: Mapping[str, Any]) -> bool:
    """Ready as Services see it: a pod that is about to end gets no traffic any more."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


class ReadyFloor:
    """A thread that follows all pods by watches, counted by their label `app` over all pclusters together.

    The pclusters' events have no common order, so a dip counts if it is there when everything that has arrived on any
    connection was read. What can't be watched for a while counts as it was last seen.
    """

    def __init__(self, kubeconfigs: Mapping[str, Path]) -> None:
        self._kubeconfigs = dict(kubeconfigs)
        self._ready: dict[str, dict[str, str]] = {name: {} for name in kubeconfigs}
        """pcluster -> uid of a ready pod -> its workload."""
        self._lowest: dict[str, int] = {}
        self._log: deque[tuple[str, str]] = deque(maxlen=2000)
        """What happened: (workload, words); what a test did has no workload."""
        self._lock = threading.Lock()
        self._listed = threading.Semaphore(0)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="ready-floor", daemon=True)

    def __enter__(self) -> ReadyFloor:
        self._thread.start()
        for _ in self._kubeconfigs:
            assert self._listed.acquire(timeout=30), "the pods of every pcluster were listed"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._main.cancel)
        self._thread.join(30)

    def ready(self, workload: str) -> int:
        """Ready pods of a workload now."""
        with self._lock:
            return self._count(workload)

    def where(self, workload: str) -> dict[str, int]:
        """Pcluster -> ready pods of a workload now, for those that have any."""
        with self._lock:
            counts = {name: sum(each == workload for each in pods.values()) for name, pods in self._ready.items()}
        return {name: count for name, count in counts.items() if count}

    def hold(self, workload: str, replicas: int) -> None:
        """Wait until so many pods are ready, and remember from then on the fewest."""
        wait_for(f"{replicas} ready pods of {workload}", lambda: self.ready(workload) >= replicas, 60.0)
        with self._lock:
            self._lowest[workload] = self._count(workload)

    def lowest(self, workload: str) -> int:
        """The fewest pods of a workload that were ready at any instant since `hold`."""
        with self._lock:
            return self._lowest[workload]

    def note(self, what: str) -> None:
        """Write into the story what a test does, so that a dip can be understood."""
        with self._lock:
            self._log.append(("", f"{time.monotonic():.3f} {what}"))

    def story(self) -> str:
        """What a test has done so far, and when."""
        with self._lock:
            return "\n".join(words for workload, words in self._log if not workload)

    def check(self, **wanted: int) -> None:
        """Assert that no workload was ever below what was asked."""
        with self._lock:
            low = {name: self._lowest[name] for name in wanted}
            below = {name: found for name, found in low.items() if found < wanted[name]}
            story = "\n".join(words for workload, words in self._log if not workload or workload in below)
        assert not below, f"fewest ready pods {below}, of {wanted} asked for:\n{story}"

    def _count(self, workload: str) -> int:
        return sum(each == workload for pods in self._ready.values() for each in pods.values())

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._main = self._loop.create_task(self._follow_all())
        try:
            self._loop.run_until_complete(self._main)
        except asyncio.CancelledError:
            pass
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _follow_all(self) -> None:
        self._changed = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._judge())
            for name, path in self._kubeconfigs.items():
                group.create_task(self._follow(name, path))

    async def _judge(self) -> None:
        while True:
            await self._changed.wait()
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            self._changed.clear()
            with self._lock:
                for workload, lowest in self._lowest.items():
                    self._lowest[workload] = min(lowest, self._count(workload))

    async def _follow(self, name: str, kubeconfig: Path) -> None:
        """List and watch, again whenever the watch ends."""
        server, tls = _access(kubeconfig)
        listed = False
        timeout = aiohttp.ClientTimeout(total=None, connect=5)
        connector = aiohttp.TCPConnector(ssl=tls)
        async with aiohttp.ClientSession(server, timeout=timeout, connector=connector, read_bufsize=2**22) as session:
            while True:
                try:
                    async with session.get(_PODS) as answer:
                        answer.raise_for_status()
                        found = await answer.json()
                    self._replace(name, found["items"])
                    if not listed:
                        listed = True
                        self._listed.release()
                    since = found["metadata"]["resourceVersion"]
                    async with session.get(_PODS, params={"watch": "1", "resourceVersion": since}) as answer:
                        answer.raise_for_status()
                        async for line in answer.content:
                            self._note(name, json.loads(line))
                except (aiohttp.ClientError, TimeoutError, KeyError):
                    await asyncio.sleep(0.1)

    def _replace(self, name: str, pods: list[dict[str, Any]]) -> None:
        with self._lock:
            self._ready[name] = {
                pod["metadata"]["uid"]: pod["metadata"].get("labels", {}).get("app", "")
                for pod in pods
                if _is_ready(pod)
            }
        self._changed.set()

    def _note(self, name: str, event: dict[str, Any]) -> None:
        pod = event["object"]
        meta = pod["metadata"]
        workload = meta.get("labels", {}).get("app", "")
        with self._lock:
            before = meta["uid"] in self._ready[name]
            if event["type"] != "DELETED" and _is_ready(pod):
                self._ready[name][meta["uid"]] = workload
            else:
                self._ready[name].pop(meta["uid"], None)
            after = meta["uid"] in self._ready[name]
            if before != after:
                word = "ready" if after else "not ready"
                total = self._count(workload)
                words = f"{time.monotonic():.3f} {name} {meta['name']} {word}: {total} of {workload}"
                self._log.append((workload, words))
        self._changed.set()


def _access(kubeconfig: Path) -> tuple[str, ssl.SSLContext]:
    """The server, and the credentials that `Api` has laid beside the kubeconfig."""
    beside = {
        what: str(kubeconfig.parent / f"{kubeconfig.stem}-{what}.pem")
        for what in ("certificate-authority", "client-certificate", "client-key")
    }
    context = ssl.create_default_context(cafile=beside["certificate-authority"])
    context.load_cert_chain(beside["client-certificate"], beside["client-key"])
    server: str = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    return server, context
