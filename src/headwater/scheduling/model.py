"""The values scheduling works on: targets, locations, a policy, and the decision it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from headwater.machinery.labels import Selector

ResourceIdentity = tuple[str, str, str]
"""(group, resource, identity hash) of a bound API."""


@dataclass(frozen=True, slots=True)
class Taint:
    """Kubernetes' taint: keeps workloads off a target (NoSchedule) or moves them away (NoExecute)."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True, slots=True)
class Toleration:
    """Kubernetes' toleration. Operator Exists ignores the value; an empty key or effect matches all."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""

    def tolerates(self, taint: Taint) -> bool:
        """True when this toleration lets a workload stay with the taint."""
        if self.effect and self.effect != taint.effect:
            return False
        if self.key and self.key != taint.key:
            return False
        return self.operator == "Exists" or self.value == taint.value


@dataclass(frozen=True, slots=True)
class Target:
    """A SyncTarget as scheduling sees it. `not_ready_since` is None while the target is ready."""

    key: str
    cluster: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    cells: tuple[str, ...] = ()
    taints: tuple[Taint, ...] = ()
    not_ready_since: datetime | None = None
    not_ready_message: str = ""
    unschedulable: bool = False
    evict_after: datetime | None = None
    accepted: frozenset[ResourceIdentity] = frozenset()


@dataclass(frozen=True, slots=True)
class Location:
    """A named group of the targets of one logical cluster."""

    cluster: str
    name: str
    labels: Mapping[str, str]
    instances: Selector

    def holds(self, target: Target) -> bool:
        """True when the target is an instance of this location."""
        return target.cluster == self.cluster and self.instances.matches(target.labels)


@dataclass(frozen=True, slots=True)
class SpreadConstraint:
    """Keep the picks even over the values of one feature; `label` names the label when `by` is label."""

    by: Literal["cell", "location", "label"]
    max_skew: int = 1
    label: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """A Placement as scheduling sees it. `current` are the keys of the targets it has now, in order."""

    uid: str
    location_selector: Selector
    location_names: frozenset[str] = frozenset()
    minimum: int = 1
    maximum: int = 1
    spread: tuple[SpreadConstraint, ...] = ()
    tolerations: tuple[Toleration, ...] = ()
    not_ready_grace: timedelta = timedelta(seconds=300)
    required: Mapping[str, frozenset[ResourceIdentity]] = field(default_factory=dict)
    current: tuple[str, ...] = ()

    def selects(self, location: Location) -> bool:
        """True when the policy's selector and names (if any) allow the location."""
        if self.location_names and location.name not in self.location_names:
            return False
        return self.location_selector.matches(location.labels)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a decision may depend on, besides the policy."""

    now: datetime
    locations: tuple[Location, ...]
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Pick:
    """A chosen target and the location through which it was found; `kept` when it had been chosen before.

    One that is not `fit` would not be chosen any more: it is kept for want of another, and also among the rejections.
    """

    target: Target
    location: Location
    kept: bool
    fit: bool = True


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a target was not chosen: a reason to compare and a sentence to read."""

    target: Target
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome. `recheck_at` is when time alone may change it."""

    picks: tuple[Pick, ...]
    rejections: tuple[Rejection, ...]
    locations: tuple[Location, ...]
    recheck_at: datetime | None = None
