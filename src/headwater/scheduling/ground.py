"""On which targets the workloads of each policy run, counted as they change."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.scheduling.workload import Workload


class _Tally:
    """Workloads of one policy that run anywhere: by target, all of them, and those that others select too."""

    __slots__ = ("on", "running", "shared")

    def __init__(self, on: dict[str, int] | None = None, running: int = 0, shared: int = 0) -> None:
        self.on = {} if on is None else on
        self.running = running
        self.shared = shared


_NOTHING = _Tally()


class Ground:
    """For each policy its workloads that run anywhere, by target. What has no replicas on a target doesn't run there.

    Where all of them run is their common ground. There is none as soon as another policy has a say about one of them:
    what that one gave must not be taken for this one's.
    """

    __slots__ = ("_of",)

    def __init__(self) -> None:
        self._of: dict[str, _Tally] = {}

    def fork(self) -> Ground:
        """An independent copy."""
        copy = Ground()
        copy._of = {uid: _Tally(dict(each.on), each.running, each.shared) for uid, each in self._of.items()}
        return copy

    def change(self, old: Workload | None, new: Workload | None) -> None:
        """Take note that a workload came, changed or went."""
        before, after = _runs_on(old), _runs_on(new)
        was, now = old.policies if old is not None else (), new.policies if new is not None else ()
        if before == after and was == now:
            return
        if before:
            self._add(was, before, -1)
        if after:
            self._add(now, after, 1)

    def _add(self, policies: tuple[str, ...], keys: Sequence[str], one: int) -> None:
        for uid in policies:
            tally = self._of.get(uid)
            if tally is None:
                tally = self._of[uid] = _Tally()
            tally.running += one
            if len(policies) > 1:
                tally.shared += one
            on = tally.on
            for key in keys:
                if count := on.get(key, 0) + one:
                    on[key] = count
                else:
                    del on[key]
            if not tally.running:
                del self._of[uid]

    def running(self, uid: str) -> int:
        """How many workloads of a policy run somewhere."""
        return self._of.get(uid, _NOTHING).running

    def runs_on(self, uid: str, key: str) -> bool:
        """Whether any workload of a policy runs on a target."""
        return key in self._of.get(uid, _NOTHING).on

    def common(self, uid: str) -> list[str]:
        """Keys of the targets on which all workloads of a policy run, sorted."""
        tally = self._of.get(uid, _NOTHING)
        if not tally.running or tally.shared:
            return []
        return sorted(key for key, count in tally.on.items() if count == tally.running)


def _runs_on(workload: Workload | None) -> Sequence[str]:
    if workload is None or not workload.current:
        return ()
    return [key for key, replicas in workload.current.items() if replicas]
