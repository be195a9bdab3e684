"""Health checks behind ``/livez``, ``/readyz`` and ``/healthz``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from headwater.telemetry.logging import get_logger

Check = Callable[[], str | None]
"""Says what is wrong, None when nothing is; quick, without I/O."""

Result = tuple[str, str | None]

_log = get_logger("headwater.health")


class HealthChecks:
    """Named checks. All of them decide readiness; those marked ``live`` also whether a restart would help."""

    def __init__(self) -> None:
        self._checks: dict[str, tuple[Check, bool]] = {}
        self.add("ping", lambda: None, live=True)

    def add(self, name: str, check: Check, *, live: bool = False) -> None:
        """Add a check, or replace the one of this name."""
        self._checks[name] = (check, live)

    def remove(self, name: str) -> None:
        """Forget a check; nothing happens when there is none."""
        self._checks.pop(name, None)

    def readyz(self, exclude: Collection[str] = ()) -> list[Result]:
        """Name and error, None for none, of every check in the order in which they were added."""
        return [(name, _run(name, check)) for name, (check, _) in self._checks.items() if name not in exclude]

    def livez(self, exclude: Collection[str] = ()) -> list[Result]:
        """The same for the checks that decide about life."""
        return [(n, _run(n, check)) for n, (check, live) in self._checks.items() if live and n not in exclude]


def healthy(results: Sequence[Result]) -> bool:
    """Whether every check passed."""
    return all(error is None for _, error in results)


def verbose_text(endpoint: str, results: Sequence[Result]) -> str:
    """What ``?verbose`` answers, as Kubernetes prints it. Errors stay in the log, since anyone may ask."""
    lines = [f"[+]{name} ok" if error is None else f"[-]{name} failed: reason withheld" for name, error in results]
    return "\n".join([*lines, f"{endpoint} check {'passed' if healthy(results) else 'failed'}"]) + "\n"


def _run(name: str, check: Check) -> str | None:
    try:
        error = check()
    except Exception as failure:  # noqa: BLE001 - whatever a check raises, the answer is "not healthy"
        error = f"{type(failure).__name__}: {failure}"
    if error is not None:
        _log.debug("health check failed", check=name, reason=error)
    return error
