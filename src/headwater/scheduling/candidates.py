"""Which targets a policy may use and may keep, compiled once for all policies with the same rules."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import timedelta

from headwater.scheduling.arrays import (
    Bools,
    Hashes,
    Ints,
    earliest_after,
    filled,
    instant_of,
    later,
    micros,
    none_of,
    where,
)
from headwater.scheduling.filters import reject
from headwater.scheduling.fleet import Fleet
from headwater.scheduling.model import Location, Policy, Rejection, ResourceIdentity, Target

_MICROS = 1_000_000


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Rules:
    """The part of a policy that says which targets it may use. Compared by identity: the world shares equal ones."""

    policy: Policy
    required: frozenset[ResourceIdentity]


def rules_name(policy: Policy) -> Hashable:
    """Equal for policies with the same rules."""
    return (
        policy.location_cluster,
        policy.location_selector,
        policy.location_names,
        policy.target_selector,
        policy.target_names,
        policy.preferences,
        policy.spread,
        policy.tolerations,
        policy.not_ready_grace,
        required_of(policy),
    )


def required_of(policy: Policy) -> frozenset[ResourceIdentity]:
    """All that a target must accept."""
    return frozenset().union(*policy.required.values())


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """The targets that a policy selects, in order of their keys, with what is true of each.

    `admits`: it may come. `stays`: what is there may stay. `asked`: what is there is asked to leave, whatever becomes
    of it. `suspended`: it is lost and would be given up, were not so many lost with it. Holds from `since` on, until
    `until`, exclusively.
    """

    fleet: Fleet
    locations: tuple[Location, ...]
    slots: Ints
    where: dict[str, int]
    located: tuple[int, ...]
    hashes: Hashes
    admits: Bools
    stays: Bools
    asked: Bools
    suspended: Bools
    preference: Ints
    domains: tuple[Bools, ...]
    leave_at: Ints
    lost_at: Ints
    since: int
    until: int
    rules: Rules
    _refusals: list[Rejection | None] = field(default_factory=list)

    def refusal(self, position: int) -> Rejection | None:
        """The first reason against a target that is not in use; None where it may come."""
        if not self._refusals:
            now, targets = instant_of(self.since), self.fleet.targets
            assert now is not None, "decisions are made at some time"
            policy = self.rules.policy
            # At once: forks share this, and may be in other threads.
            self._refusals[:] = [reject(targets[slot], policy, now, in_use=False) for slot in self.slots.tolist()]
        return self._refusals[position]

    def target(self, position: int) -> Target:
        """The target at a position."""
        return self.fleet.targets[int(self.slots[position])]

    def location(self, position: int) -> Location:
        """The location through which a target is found."""
        return self.locations[self.located[position]]


def candidates(fleet: Fleet, rules: Rules, now: int) -> Candidates:
    """Compile rules for a fleet and an instant."""
    policy = rules.policy
    locations = tuple(
        each for each in fleet.locations if each.cluster == policy.location_cluster and policy.selects(each)
    )
    selected, home = none_of(len(fleet.targets)), filled(len(fleet.targets), 0)
    for index in range(len(locations) - 1, -1, -1):
        instances = fleet.within(locations[index])
        selected |= instances
        home[instances] = index
    if not policy.target_selector.empty or policy.target_names:
        selected &= fleet.matching(policy.target_selector, policy.target_names)
    slots = where(selected)
    tainted, taint_until = fleet.tainted(policy.tolerations)
    accepts = fleet.accepting(rules.required)[slots]
    not_ready_since, evict_after = fleet.not_ready_since[slots], fleet.evict_after[slots]
    lost_at = later(not_ready_since, policy.not_ready_grace // timedelta(microseconds=1))
    leave_at = taint_until[slots].clip(max=evict_after)
    asked, lost = leave_at <= now, lost_at <= now
    ready = not_ready_since == micros(None)
    suspended = lost & fleet.mass_loss[slots] & accepts & ~asked
    preference = filled(len(slots), 0)
    for each in policy.preferences:
        preference += each.weight * fleet.matching(each.selector, each.names)[slots]
    located = tuple(home[slots].tolist())
    places = [locations[index] for index in located]
    return Candidates(
        fleet=fleet,
        locations=locations,
        slots=slots,
        where={fleet.targets[slot].key: position for position, slot in enumerate(slots.tolist())},
        located=located,
        hashes=fleet.hashes[slots],
        admits=accepts & ready & ~asked & ~tainted[slots] & ~fleet.unschedulable[slots],
        stays=accepts & ~asked & ~lost,
        asked=asked,
        suspended=suspended,
        preference=preference,
        domains=tuple(fleet.domains(each, slots.tolist(), places) for each in policy.spread),
        leave_at=leave_at,
        lost_at=lost_at,
        since=now,
        rules=rules,
        until=min(earliest_after(leave_at, now), earliest_after(lost_at, now)),
    )
