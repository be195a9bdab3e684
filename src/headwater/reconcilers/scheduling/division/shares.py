"""What is divided of a workload, and what a target's share of it means for its spec (pure)."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Final

from headwater.apis.workload.coordination import CoordinationRule
from headwater.machinery.objects import Object, nested
from headwater.scheduling.division import divide
from headwater.scheduling.readiness import reported_status

Path = tuple[str, ...]

_REPLICAS: Final[Path] = ("replicas",)
_READY: Final[Path] = ("readyReplicas",)
_COMPLETIONS: Final[Path] = ("completions",)
_PARALLELISM: Final[Path] = ("parallelism",)
_WITH_REPLICAS: Final = frozenset({("apps", "deployments"), ("apps", "statefulsets"), ("apps", "replicasets")})
_INDEXED: Final = "Indexed"


@dataclass(frozen=True, slots=True)
class Divisible:
    """A workload whose number at `path`, below `spec`, can be divided. `ready` is where its readiness is reported."""

    path: Path = _REPLICAS
    ready: Path = _READY

    @property
    def pointers(self) -> tuple[str, ...]:
        """JSON pointers, below `spec`, of the numbers that are set for each target."""
        if self.path == _COMPLETIONS:
            return pointer(_PARALLELISM), pointer(_COMPLETIONS)
        return (pointer(self.path),)

    def size(self, obj: Object) -> int:
        """The number as it is upstream."""
        found = nested(obj, "spec", *self.path, default=1 if self.path == _PARALLELISM else 0)
        return found if isinstance(found, int) and not isinstance(found, bool) else 0

    def ready_on(self, obj: Object, key: str, unreachable: Container[str] = ()) -> int:
        """How much of it a target reports as ready; 0 for nothing, and for one that isn't heard of."""
        report = None if key in unreachable or not self.ready else reported_status(obj, key)
        found = nested(report, *self.ready, default=0)
        return found if isinstance(found, int) else 0

    def values(self, obj: Object, shares: Mapping[str, int], given: Mapping[str, Mapping[str, int]]) -> Values:
        """What each target's spec should have, by JSON pointer. `given` is what they have now."""
        if self.path != _COMPLETIONS:
            return {key: {pointer(self.path): share} for key, share in shares.items()}
        return _job_values(obj, shares, given)


Values = dict[str, dict[str, int]]
"""Sync target key -> JSON pointer below `spec` -> number."""


def pointer(path: Path) -> str:
    """A path as a JSON pointer; field names of rules have no characters to escape."""
    return "".join(f"/{step}" for step in path)


def divisible(obj: Object, group: str, resource: str, rule: CoordinationRule | None = None) -> Divisible | None:
    """How a workload is divided, None for one that can't be.

    The pods of an Indexed Job know their number, which would be given twice, so such a Job runs whole on one target.
    """
    if (group, resource) in _WITH_REPLICAS:
        return Divisible() if _number(obj, _REPLICAS) else None
    if (group, resource) == ("batch", "jobs"):
        if nested(obj, "spec", "completionMode", default="") == _INDEXED:
            return None
        return Divisible(_COMPLETIONS if _number(obj, _COMPLETIONS) else _PARALLELISM, ("ready",))
    if rule is None or not rule.replicas_path or not _number(obj, rule.replicas_path):
        return None
    return Divisible(rule.replicas_path, rule.ready_path)


def _number(obj: Object, path: Path) -> bool:
    found = nested(obj, "spec", *path)
    return isinstance(found, int) and not isinstance(found, bool)


def _job_values(obj: Object, shares: Mapping[str, int], given: Mapping[str, Mapping[str, int]]) -> Values:
    """Completions and parallelism of each target.

    A Job's completions can't change once it exists, so what a target was given stays, and targets that come later
    share what is left. Parallelism is divided in proportion, and is at least one where there is something to do.
    """
    pointed = pointer(_COMPLETIONS)
    total = Divisible(_COMPLETIONS).size(obj)
    completions = {key: numbers[pointed] for key, numbers in given.items() if pointed in numbers}
    fresh = {key: share for key, share in shares.items() if key not in completions}
    completions |= divide(max(total - sum(completions.values()), 0), fresh)
    wide = Divisible(_PARALLELISM).size(obj)
    parallel = divide(wide, {key: completions[key] for key in shares}) if any(completions[k] for k in shares) else {}
    return {
        key: {
            pointer(_PARALLELISM): max(parallel.get(key, 0), 1) if wide and completions[key] else 0,
            pointed: completions[key],
        }
        for key in shares
    }
