"""What was acknowledged above and what was seen below, and whether the one follows from the other.

Every copy that comes or goes is followed by watches, so that a copy which was deleted and made anew is found out
though everything looks right in the end.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field

import urllib3
from tests.e2e.scheduling.api import Api, Object, Refused

_SYNCED = "?labelSelector=internal.workload.kcp.io/cluster"
ROOT_CAS = ("kcp-root-ca.crt", "kube-root-ca.crt")
"""Every namespace has one; that of the mover's namespace comes and goes with it."""


class Copies:
    """Follows the copies of ConfigMaps on one pcluster, and what has gone since the last look."""

    def __init__(self, pcluster: str, api: Api) -> None:
        self.pcluster = pcluster
        self._api = api
        self._lock = threading.Lock()
        self._now: dict[str, Object] = {}
        self._gone: list[tuple[str, str]] = []
        self._ended = False
        self._thread = threading.Thread(target=self._follow, name=f"copies-{pcluster}", daemon=True)
        self._thread.start()

    def now(self) -> list[Object]:
        """The copies as they are."""
        with self._lock:
            return list(self._now.values())

    def take_gone(self) -> list[tuple[str, str]]:
        """Name and uid of each copy that has gone since this was asked."""
        with self._lock:
            gone, self._gone = self._gone, []
            return gone

    def close(self) -> None:
        self._ended = True

    def _follow(self) -> None:
        while not self._ended:
            try:
                self._list_and_watch()
            except (Refused, urllib3.exceptions.HTTPError, OSError, ValueError, KeyError):
                time.sleep(0.1)

    def _list_and_watch(self) -> None:
        found = self._api.request("GET", "/api/v1/configmaps" + _SYNCED)
        with self._lock:
            present = {each["metadata"]["uid"]: each for each in found["items"]}
            for uid in [uid for uid in self._now if uid not in present]:
                self._forget(uid)
            self._now.update(present)
        since = found["metadata"]["resourceVersion"]
        for event in self._api.watch(f"/api/v1/configmaps{_SYNCED}&watch=1&resourceVersion={since}"):
            uid = event["object"]["metadata"]["uid"]
            with self._lock:
                if event["type"] == "DELETED":
                    self._forget(uid)
                elif event["type"] in ("ADDED", "MODIFIED"):
                    self._now[uid] = event["object"]

    def _forget(self, uid: str) -> None:
        gone = self._now.pop(uid, None)
        if gone is not None and gone["metadata"]["name"] not in ROOT_CAS:
            self._gone.append((gone["metadata"]["name"], uid))


@dataclass
class History:
    """What the client of a round did, and what was acknowledged."""

    copies: list[Copies]
    kept: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name -> uid and value of every acknowledged object that nobody asked to delete."""
    deleting: set[str] = field(default_factory=set)
    """Names that somebody asked to delete, acknowledged or not."""
    unsure: dict[str, set[str]] = field(default_factory=dict)
    """Name -> values that it may have, as a write got no answer; "" for not being there at all."""
    leaving: set[str] = field(default_factory=set)
    """Pclusters that were drained since the last check, which is a sign for everything there."""
    let_go: set[str] = field(default_factory=set)
    """Uids of copies that were on a pcluster while it was drained. A deletion that was sent then may arrive at any time
    after that, as when the network held it back."""
    story: deque[str] = field(default_factory=lambda: deque(maxlen=200))

    def note(self, what: str) -> None:
        """Write into the story what is done, for whoever reads of a failure."""
        self.story.append(f"{time.monotonic():.2f} {what}")

    def stays(self, pcluster: str) -> None:
        """Take note that a pcluster is drained no longer."""
        for each in self.copies:
            if each.pcluster == pcluster:
                self.let_go |= {copy["metadata"]["uid"] for copy in each.now()}

    def settle_unsure(self, above: dict[str, tuple[str, str]]) -> list[str]:
        """Learn what became of writes without an answer; what is wrong about it."""
        wrong = []
        for name, values in self.unsure.items():
            found = above.get(name)
            if found is not None and found[1] in values:
                if name not in self.deleting:
                    self.kept[name] = found
            elif found is not None:
                wrong.append(f"{name} has the value {found[1]}, which nobody wrote: {sorted(values)}")
            elif "" not in values and name not in self.deleting:
                wrong.append(f"{name} was lost")
        self.unsure.clear()
        return wrong

    def wrong_above(self, above: dict[str, tuple[str, str]]) -> list[str]:
        """Acknowledged objects that are not there as they were acknowledged, and others that should not be there."""
        lost = [f"{name} {wanted} is {above.get(name)} upstream" for name, wanted in self.kept.items()
                if above.get(name) != wanted]  # fmt: skip
        return lost + [f"{name} was deleted and is still upstream" for name in above if name in self.deleting]

    def wrong_below(self) -> list[str]:
        """Copies that are missing, too many or not as they should be, after everything has settled."""
        wrong = []
        wanted = {name: value for name, (_, value) in self.kept.items()}
        for each in self.copies:
            found: dict[str, list[str]] = {}
            for copy in each.now():
                if copy["metadata"]["name"] not in ROOT_CAS:
                    found.setdefault(copy["metadata"]["name"], []).append((copy.get("data") or {}).get("value", ""))
            for name in sorted(found.keys() | wanted.keys()):
                expected = [wanted[name]] if name in wanted else []
                if found.get(name, []) != expected:
                    wrong.append(f"{each.pcluster}: {name} is {found.get(name, [])}, should be {expected}")
        return wrong

    def wrongly_gone(self) -> list[str]:
        """Copies that went without any sign that they should."""
        wrong = []
        for each in self.copies:
            for name, uid in each.take_gone():
                signed = name in self.deleting or each.pcluster in self.leaving or uid in self.let_go
                if not signed:
                    wrong.append(f"{each.pcluster}: the copy {name} ({uid}) went, and nobody asked for it")
        self.leaving.clear()
        return wrong

    def failure(self, wrong: list[str]) -> str:
        """The text of a failed check."""
        return "\n".join([*wrong[:20], "", *self.story])


def values_of(objects: list[Object]) -> dict[str, tuple[str, str]]:
    """Name -> uid and value of ConfigMaps."""
    return {
        each["metadata"]["name"]: (each["metadata"]["uid"], (each.get("data") or {}).get("value", ""))
        for each in objects
        if each["metadata"]["name"] not in ROOT_CAS
    }


def manifest(name: str, value: str) -> Object:
    """A ConfigMap with a value."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"value": value}}
