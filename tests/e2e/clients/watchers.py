"""A watcher that checks what it is told: a list or initial events, then watches from the last revision, for ever."""

from __future__ import annotations

import json
import random
import threading
from dataclasses import dataclass, field
from typing import Any

from kubernetes import client
from tests.e2e.clients.access import api_client
from tests.e2e.harness import Stack

PAGE = 7


@dataclass
class Watcher:
    """Rebuilds the ConfigMaps of a workspace's namespace `default` in a thread of its own.

    `streaming` is the way of newer client-go: no list, the state comes by the watch. What breaks the contract of a
    watch (an event twice, out of order, or that doesn't fit the state) ends up in `broken`.
    """

    hub: Stack
    name: str
    streaming: bool
    selector: str = ""
    state: dict[str, str] = field(default_factory=dict)
    revision: str = ""
    broken: list[str] = field(default_factory=list)
    watches: int = 0
    relists: int = 0
    bookmarks: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end; it does within the seconds of a watch."""
        self._stop.set()

    def join(self) -> None:
        assert self._thread is not None
        self._thread.join(30)

    def _run(self) -> None:
        dice = random.Random(self.name)
        with api_client(self.hub) as api:
            api.configuration.retries = False
            core = client.CoreV1Api(api)
            while not self._stop.is_set():
                try:
                    if not self.revision and not self.streaming:
                        self._list(core)
                    self._watch(core, dice.randint(1, 3))
                except client.ApiException as error:
                    if error.status == 410:
                        self._forget()
                    elif error.status not in (429, 503):
                        self.broken.append(f"{error.status} {error.body}")
                        return
                except OSError:
                    self._stop.wait(0.05)
                except Exception as error:
                    # What urllib3 raises for a cut connection is an error of its own.
                    if not type(error).__module__.startswith("urllib3"):
                        self.broken.append(repr(error))
                        return
                    self._stop.wait(0.05)

    def _forget(self) -> None:
        self.relists += 1
        self.revision = ""

    def _list(self, core: client.CoreV1Api) -> None:
        """All pages, which are of one revision."""
        found: dict[str, str] = {}
        token = None
        while True:
            page = core.list_namespaced_config_map(
                "default", label_selector=self.selector or None, limit=PAGE, _continue=token
            )
            found |= {each.metadata.name: each.metadata.resource_version for each in page.items}
            token = page.metadata._continue
            if not token:
                break
        self.state, self.revision = found, page.metadata.resource_version

    def _watch(self, core: client.CoreV1Api, seconds: int) -> None:
        initial: dict[str, str] | None = None
        options: dict[str, Any] = {"resource_version": self.revision}
        if not self.revision:
            initial = {}
            options = {"send_initial_events": True, "resource_version_match": "NotOlderThan"}
        self.watches += 1
        response = core.list_namespaced_config_map(
            "default", watch=True, label_selector=self.selector or None, allow_watch_bookmarks=True,
            timeout_seconds=seconds, _preload_content=False, _request_timeout=(5, 20), **options,
        )  # fmt: skip
        try:
            buffer = b""
            for piece in response.stream(amt=None):
                *lines, buffer = (buffer + piece).split(b"\n")
                for line in lines:
                    initial = self._take(json.loads(line), initial)
        finally:
            response.close()
            response.release_conn()

    def _take(self, event: dict[str, Any], initial: dict[str, str] | None) -> dict[str, str] | None:
        """Take in one event; the initial state as far as it came, None when it is complete."""
        kind, content = event["type"], event["object"]
        if kind == "ERROR":
            raise client.ApiException(status=content["code"], reason=content["reason"])
        metadata = content["metadata"]
        revision, name = metadata["resourceVersion"], metadata.get("name", "")
        if initial is not None:
            if kind == "ADDED":
                initial[name] = revision
                return initial
            self._check(kind == "BOOKMARK", f"{kind} {name} among initial events")
            self._check("k8s.io/initial-events-end" in metadata.get("annotations", {}), "a bookmark that isn't the end")
            self.state, self.revision = initial, revision
            return None
        if kind == "BOOKMARK":
            self.bookmarks += 1
            self._check(int(revision) >= int(self.revision), f"bookmark {revision} after {self.revision}")
        else:
            self._check(int(revision) > int(self.revision), f"{kind} {name} {revision} after {self.revision}")
            self._check((name in self.state) == (kind != "ADDED"), f"{kind} {name} does not fit")
            if kind == "DELETED":
                self.state.pop(name, None)
            else:
                self.state[name] = revision
        self.revision = revision
        return None

    def _check(self, holds: bool, what: str) -> None:
        if not holds:
            self.broken.append(what)
