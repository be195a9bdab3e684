"""The values scheduling works on: targets, locations, a policy, and the decision it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from headwater.machinery.labels import EVERYTHING, Selector

ResourceIdentity = tuple[str, str, str]
"""(group, resource, identity hash) of a bound API."""

Resources = Mapping[str, int]
"""Resource name to amount: cpu in thousandths of a core, everything else in whole units (bytes, pods, devices)."""


@dataclass(frozen=True, slots=True)
class Taint:
    """Kubernetes' taint: keeps workloads off a target (NoSchedule) or moves them away (NoExecute)."""

    key: str
    value: str
    effect: str
    time_added: datetime | None = None

    def __str__(self) -> str:
        """As people write it: `key=value:Effect`, or `key:Effect` without a value."""
        return f"{self.key}={self.value}:{self.effect}" if self.value else f"{self.key}:{self.effect}"


@dataclass(frozen=True, slots=True)
class Toleration:
    """Kubernetes' toleration. Operator Exists ignores the value; an empty key or effect matches all.

    With `seconds` a NoExecute taint is tolerated for that long after it was added, else for ever.
    """

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""
    seconds: int | None = None

    def tolerates(self, taint: Taint) -> bool:
        """True when this toleration lets a workload stay with the taint."""
        if self.effect and self.effect != taint.effect:
            return False
        if self.key and self.key != taint.key:
            return False
        return self.operator == "Exists" or self.value == taint.value


@dataclass(frozen=True, slots=True)
class Target:
    """A SyncTarget as scheduling sees it. `not_ready_since` is None while the target is ready.

    `allocatable` is what all placed workloads together may request; None when that is not known, and a resource that
    is missing in it is not limited. `requested` is what they request, as the SyncTarget's status last said.
    """

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
    allocatable: Resources | None = None
    requested: Resources = field(default_factory=dict)

    def without_load(self) -> Target:
        """The target as it bears on what is placed there already, for which room makes no difference."""
        return replace(self, allocatable=None, requested={})


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
class Preference:
    """Targets that are better than others by `weight`: those that match the selector and, if given, the names."""

    weight: int
    selector: Selector
    names: frozenset[str] = frozenset()

    def matches(self, target: Target) -> bool:
        """True when the target is among the preferred ones."""
        return (not self.names or target.name in self.names) and self.selector.matches(target.labels)


@dataclass(frozen=True, slots=True)
class Policy:
    """A Placement as scheduling sees it. `current` are the keys of the targets it has now, in order.

    `untried` are those of them that were chosen while its workloads ran elsewhere, and that none has come to yet.
    `location_cluster` is the logical cluster in which it chooses. Of several policies for one workload the one that
    sorts first by `order` (creation time, name) goes first. `weights` are by SyncTarget name.
    """

    uid: str
    location_selector: Selector
    name: str = ""
    order: tuple[str, str] = ("", "")
    location_cluster: str = ""
    location_names: frozenset[str] = frozenset()
    target_selector: Selector = EVERYTHING
    target_names: frozenset[str] = frozenset()
    preferences: tuple[Preference, ...] = ()
    divided: bool = False
    divide_by: Literal["Weights", "FreeCapacity"] = "Weights"
    weights: Mapping[str, int] = field(default_factory=dict)
    immediate: bool = False
    minimum: int = 1
    maximum: int = 1
    spread: tuple[SpreadConstraint, ...] = ()
    tolerations: tuple[Toleration, ...] = ()
    not_ready_grace: timedelta = timedelta(seconds=300)
    required: Mapping[str, frozenset[ResourceIdentity]] = field(default_factory=dict)
    current: tuple[str, ...] = ()
    untried: frozenset[str] = frozenset()

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
class Reason:
    """One thing that keeps a target from being used: a reason to compare, a sentence to read, and the least change
    that would take it out of the way."""

    reason: str
    message: str
    admit: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a target was not chosen: a reason to compare and a sentence to read."""

    target: Target
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome. `recheck_at` is when time alone may change it, or the assignment of a workload by this policy.

    `untried` is what the policy's will be with these picks.
    """

    picks: tuple[Pick, ...]
    rejections: tuple[Rejection, ...]
    locations: tuple[Location, ...]
    recheck_at: datetime | None = None
    untried: frozenset[str] = frozenset()
