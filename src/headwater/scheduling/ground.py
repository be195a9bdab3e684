"""On which targets the workloads of each policy run, counted as they change."""

from __future__ import annotations

from collections import Counter

from headwater.scheduling.workload import Workload


class Ground:
    """For each policy its workloads that run anywhere, by target. What has no replicas on a target doesn't run there.

    Where all of them run is their common ground. There is none as soon as another policy has a say about one of them:
    what that one gave must not be taken for this one's.
    """

    def __init__(self) -> None:
        self._on: dict[str, Counter[str]] = {}
        self._running: Counter[str] = Counter()
        self._shared: Counter[str] = Counter()

    def fork(self) -> Ground:
        """An independent copy."""
        copy = Ground()
        copy._on = {uid: Counter(counts) for uid, counts in self._on.items()}
        copy._running = Counter(self._running)
        copy._shared = Counter(self._shared)
        return copy

    def change(self, old: Workload | None, new: Workload | None) -> None:
        """Take note that a workload came, changed or went."""
        before, after = _runs_on(old), _runs_on(new)
        was, now = old.policies if old is not None else (), new.policies if new is not None else ()
        if before != after or was != now:
            self._add(was, before, -1)
            self._add(now, after, 1)

    def _add(self, policies: tuple[str, ...], keys: list[str], one: int) -> None:
        if not keys:
            return
        for uid in policies:
            self._running[uid] += one
            self._shared[uid] += one * (len(policies) > 1)
            counts = self._on.setdefault(uid, Counter())
            for key in keys:
                counts[key] += one
                if not counts[key]:
                    del counts[key]
            if not self._running[uid]:
                del self._on[uid], self._running[uid], self._shared[uid]

    def running(self, uid: str) -> int:
        """How many workloads of a policy run somewhere."""
        return self._running.get(uid, 0)

    def runs_on(self, uid: str, key: str) -> bool:
        """Whether any workload of a policy runs on a target."""
        return key in self._on.get(uid, ())

    def common(self, uid: str) -> list[str]:
        """Keys of the targets on which all workloads of a policy run, sorted."""
        running = self._running.get(uid, 0)
        if not running or self._shared[uid]:
            return []
        return sorted(key for key, count in self._on[uid].items() if count == running)


def _runs_on(workload: Workload | None) -> list[str]:
    return [key for key, replicas in workload.current.items() if replicas] if workload is not None else []
