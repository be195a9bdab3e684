"""The values of a workload's decision: what it asks for, and the targets that it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from headwater.scheduling.model import Rejection, Resources

NOWHERE: Final[Mapping[str, int]] = MappingProxyType({})
"""No targets; one for all workloads, of which there may be many."""


@dataclass(frozen=True, slots=True)
class Workload:
    """An object with replicas as scheduling sees it.

    `id` names it for ever and orders decisions. `policies` are the UIDs of the Placements that select it, in order.
    `request` is what one replica asks for. `current` are its targets now, in order, with the replicas that each has
    (all of them where they are duplicated). `leaving` are the replicas that it still has on targets and gives up
    there, besides those of `current`: nobody else can have their room before they are gone. One that is not
    `divisible` runs whole on each target, also where a policy divides.
    """

    id: str
    policies: tuple[str, ...] = ()
    replicas: int = 1
    request: Resources = field(default_factory=dict)
    current: Mapping[str, int] = field(default_factory=dict)
    divisible: bool = True
    leaving: Mapping[str, int] = field(default_factory=lambda: NOWHERE)

    @property
    def charged(self) -> Mapping[str, int]:
        """All replicas that it has on targets, those that it gives up there among them."""
        if not self.leaving:
            return self.current
        keys = (*self.current, *(key for key in self.leaving if key not in self.current))
        return {key: self.current.get(key, 0) + self.leaving.get(key, 0) for key in keys}

    def placed(self, current: Mapping[str, int], leaving: Mapping[str, int] = NOWHERE) -> Workload:
        """The same with other targets. Quicker than `replace`, which matters for a hundred thousand."""
        return Workload(self.id, self.policies, self.replicas, self.request, current, self.divisible, leaving)

    def requesting(self, request: Resources) -> Workload:
        """The same with another request, quicker than `replace`."""
        return Workload(self.id, self.policies, self.replicas, request, self.current, self.divisible, self.leaving)


@dataclass(frozen=True, slots=True)
class Assignment:
    """The targets of a workload, with the replicas that each should run.

    `divided` says whether they share the replicas. `unplaced` are replicas for which there is no room: with divided
    replicas those that no target got, else those of copies that are missing to `targets.min`. `reasons` say why, one
    sentence for each cause that begins with a reason and a colon; they are empty while nothing is missing. `rejections`
    are for all targets that were asked and refused; they are filled only where they were asked for.

    `short` are the targets with a replica that divided replicas lack to `targets.min`, or to as many as there are
    replicas; all that fit are placed all the same.

    `awaits` says that others are giving back room that is enough for what is missing: what the workload has besides
    its shares it should not give up before. `held` says that it keeps a target that is unfit, for want of room.
    """

    shares: Mapping[str, int] = field(default_factory=dict)
    divided: bool = False
    unplaced: int = 0
    reasons: tuple[str, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    awaits: bool = False
    held: bool = False
    short: int = 0


def workload_id(group: str, resource: str, key: str) -> str:
    """The id of a workload, from its resource and its informer key (`<cluster>|<namespace>/<name>`)."""
    return f"{resource}.{group} {key}"
