"""Everything that decisions depend on, kept up to date value by value: targets, locations, policies, workloads."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, KeysView, Mapping
from dataclasses import replace
from weakref import WeakValueDictionary

from headwater.scheduling.arrays import Ints
from headwater.scheduling.candidates import Candidates, Rules, candidates, required_of, rules_name
from headwater.scheduling.fleet import Fleet
from headwater.scheduling.ground import Ground
from headwater.scheduling.ledger import Ledger, Shape
from headwater.scheduling.model import Location, Policy, Resources, Target
from headwater.scheduling.workload import Workload

_MAX_COMPILED = 2048


class World:
    """Targets with what is placed on them, locations, policies and workloads. No I/O and no clock.

    Values are replaced as a whole. The requests of workloads are charged to the targets that they have or are leaving,
    whether these are known or not. Whoever changes a world while another decides with it, forks it first.
    """

    def __init__(self) -> None:
        self._targets: dict[str, Target] = {}
        self._locations: dict[tuple[str, str], Location] = {}
        self._policies: dict[str, Policy] = {}
        self._workloads: dict[str, Workload] = {}
        self._on_target: dict[str, set[str]] = {}
        self._of_policy: dict[str, set[str]] = {}
        self._leavers: set[str] = set()
        self._ledger = Ledger()
        self.ground = Ground()
        self._fleet: Fleet | None = None
        self._rules: dict[str, Rules] = {}
        self._shared_rules: WeakValueDictionary[Hashable, Rules] = WeakValueDictionary()
        self._compiled: dict[Rules, Candidates] = {}
        self._full: dict[Candidates, dict[tuple[Shape, int], list[str]]] = {}

    def fork(self) -> World:
        """An independent copy, in a few milliseconds for each ten thousand workloads."""
        copy = World()
        copy._targets = dict(self._targets)
        copy._locations = dict(self._locations)
        copy._policies = dict(self._policies)
        copy._workloads = dict(self._workloads)
        copy._on_target = {key: set(ids) for key, ids in self._on_target.items()}
        copy._of_policy = {uid: set(ids) for uid, ids in self._of_policy.items()}
        copy._leavers = set(self._leavers)
        copy._ledger = self._ledger.fork()
        copy.ground = self.ground.fork()
        copy._fleet = self._fleet
        copy._rules = dict(self._rules)
        copy._shared_rules = WeakValueDictionary(self._shared_rules)
        copy._compiled = dict(self._compiled)
        copy._full = {each: dict(shapes) for each, shapes in self._full.items()}
        return copy

    def put_target(self, target: Target) -> None:
        """Add or replace a target."""
        old = self._targets.get(target.key)
        if old == target:
            return
        self._targets[target.key] = target
        if old is None:
            self._ledger.rearrange()
        if old is None or old.allocatable != target.allocatable:
            self._ledger.limit(target)
            self._full.clear()
        if old is None or _without_load(old) != _without_load(target):
            self._fleet = None

    def drop_target(self, key: str) -> None:
        """Forget a target; workloads that have it keep its key until they are assigned anew."""
        if self._targets.pop(key, None) is not None:
            self._ledger.forget(key)
            self._ledger.rearrange()
            self._fleet = None

    def put_location(self, location: Location) -> None:
        """Add or replace a location."""
        name = (location.cluster, location.name)
        if self._locations.get(name) != location:
            self._locations[name] = location
            self._fleet = None

    def drop_location(self, cluster: str, name: str) -> None:
        """Forget a location."""
        if self._locations.pop((cluster, name), None) is not None:
            self._fleet = None

    def put_policy(self, policy: Policy) -> None:
        """Add or replace a policy, with its targets."""
        old = self._policies.get(policy.uid)
        self._policies[policy.uid] = policy
        if old is not None and replace(old, current=policy.current, untried=policy.untried) == policy:
            return
        name = rules_name(policy)
        rules = self._shared_rules.get(name)
        if rules is None:
            rules = self._shared_rules[name] = Rules(policy, required_of(policy))
        self._rules[policy.uid] = rules

    def drop_policy(self, uid: str) -> None:
        """Forget a policy; workloads that name it are decided without it."""
        self._policies.pop(uid, None)
        self._rules.pop(uid, None)

    def put_workload(self, workload: Workload) -> None:
        """Add or replace a workload, and charge its targets."""
        old = self._workloads.get(workload.id)
        shape = self._ledger.shape(workload.request)
        if workload.request is not shape.request:
            workload = workload.requesting(shape.request)
        self._workloads[workload.id] = workload
        self.ground.change(old, workload)
        before, after = old.current if old is not None else {}, workload.current
        if workload.leaving or (old is not None and old.leaving):
            self._expect(old, workload)
            before, after = old.charged if old is not None else {}, workload.charged
        if old is not None and old.request is not workload.request:
            self._charge(old.id, self._ledger.shape(old.request), before, {})
            self._charge(workload.id, shape, {}, after)
        else:
            self._charge(workload.id, shape, before, after)
        if old is None or old.policies != workload.policies:
            if old is not None:
                _unlink(self._of_policy, old.policies, workload.id)
            for uid in workload.policies:
                self._of_policy.setdefault(uid, set()).add(workload.id)

    def drop_workload(self, workload_id: str) -> None:
        """Forget a workload, and give back what it requested."""
        old = self._workloads.pop(workload_id, None)
        if old is not None:
            self._expect(old, None)
            self._charge(old.id, self._ledger.shape(old.request), old.charged, {})
            _unlink(self._of_policy, old.policies, workload_id)
            self.ground.change(old, None)

    def let_go(self) -> None:
        """Give back all that is about to go, as it will be when it is gone."""
        for workload_id in tuple(self._leavers):
            workload = self._workloads[workload_id]
            self.put_workload(workload.placed(workload.current))

    def _expect(self, old: Workload | None, new: Workload | None) -> None:
        """Take note of what is about to go."""
        for workload, sign in ((old, -1), (new, 1)):
            if workload is not None and workload.leaving:
                shape = self._ledger.shape(workload.request)
                for key, replicas in workload.leaving.items():
                    self._ledger.expect(key, shape, sign * replicas)
                (self._leavers.add if sign > 0 else self._leavers.discard)(workload.id)

    def _charge(self, workload_id: str, shape: Shape, before: Mapping[str, int], after: Mapping[str, int]) -> None:
        """Charge targets with the difference."""
        for key, replicas in after.items():
            if more := replicas - before.get(key, 0):
                self._ledger.add(key, shape, more)
            if more < 0:
                self._has_room_again(key)
            if key not in before:
                self._on_target.setdefault(key, set()).add(workload_id)
        for key, replicas in before.items():
            if key not in after:
                self._ledger.add(key, shape, -replicas)
                self._has_room_again(key)
                _unlink(self._on_target, (key,), workload_id)

    def _has_room_again(self, key: str) -> None:
        for field, shapes in self._full.items():
            position = field.where.get(key)
            if position is not None and field.admits[position]:
                shapes.clear()

    def target(self, key: str) -> Target | None:
        """The target with this key."""
        return self._targets.get(key)

    def policy(self, uid: str) -> Policy | None:
        """The policy with this UID."""
        return self._policies.get(uid)

    def workload(self, workload_id: str) -> Workload | None:
        """The workload with this id."""
        return self._workloads.get(workload_id)

    def targets(self, cluster: str | None = None) -> tuple[Target, ...]:
        """Targets of a logical cluster, or all, in order of their keys."""
        return tuple(
            target for _, target in sorted(self._targets.items()) if cluster is None or target.cluster == cluster
        )

    def locations(self, cluster: str | None = None) -> tuple[Location, ...]:
        """Locations of a logical cluster, or all, by name."""
        return tuple(each for _, each in sorted(self._locations.items()) if cluster is None or each.cluster == cluster)

    def policies(self) -> tuple[Policy, ...]:
        """All policies, in the order in which they go."""
        return tuple(sorted(self._policies.values(), key=lambda each: (each.order, each.uid)))

    def workloads(self) -> KeysView[str]:
        """Ids of all workloads."""
        return self._workloads.keys()

    def on_target(self, key: str) -> tuple[str, ...]:
        """Ids of the workloads that have this target or are leaving it, sorted."""
        return tuple(sorted(self._on_target.get(key, ())))

    def of_policy(self, uid: str) -> tuple[str, ...]:
        """Ids of the workloads that this policy selects, sorted."""
        return tuple(sorted(self._of_policy.get(uid, ())))

    def free(self, key: str) -> Resources | None:
        """What is left on a target of what it limits, negative where it is overdrawn; None when nothing is limited."""
        target = self._targets.get(key)
        return None if target is None or target.allocatable is None else self._ledger.free(key)

    def requested(self, key: str) -> Resources:
        """What the workloads on a target request together."""
        return self._ledger.used(key)

    def fleet(self) -> Fleet:
        """All targets and locations as arrays."""
        if self._fleet is None:
            self._fleet = Fleet(targets=self._targets.values(), locations=self._locations.values())
            self._compiled.clear()
            self._full.clear()
        return self._fleet

    def candidates(self, policy_uid: str, now: int) -> Candidates:
        """The targets that a policy may use at an instant (in microseconds)."""
        fleet = self.fleet()
        rules = self._rules[policy_uid]
        found = self._compiled.get(rules)
        if found is None or not found.since <= now < found.until:
            if len(self._compiled) >= _MAX_COMPILED:
                self._compiled.clear()
            found = self._compiled[rules] = candidates(fleet, rules, now)
        return found

    def capacity(self) -> tuple[Ints, Ints]:
        """Free amounts (target × resource) and free shares in tenths (target), by slot of the fleet."""
        return self._ledger.arrays(self.fleet().targets)

    def room(self, key: str, workload: Workload) -> int:
        """How many replicas a target could run, with those that it runs: a workload may take back what it leaves."""
        there = workload.charged if workload.leaving else workload.current
        return self._ledger.room(key, self._ledger.shape(workload.request)) + there.get(key, 0)

    def room_later(self, key: str, workload: Workload) -> int:
        """How many it could run when all workloads are gone from there that are leaving."""
        room = self._ledger.room(key, self._ledger.shape(workload.request), later=True)
        return room + workload.current.get(key, 0)

    def emptying(self) -> KeysView[str]:
        """Keys of the targets that workloads with requests are leaving."""
        return self._ledger.expecting()

    def full(self, field: Candidates) -> dict[tuple[Shape, int], list[str]]:
        """Notes that no candidate that admits newcomers has room for so many replicas of a shape.

        They are lost as soon as one may have room again. Behind each is what there is to say about that, if it has
        been said already.
        """
        if len(self._full) >= _MAX_COMPILED:
            self._full.clear()
        return self._full.setdefault(field, {})

    def shape(self, workload: Workload) -> Shape:
        """The request of one replica, compiled."""
        return self._ledger.shape(workload.request)


def _without_load(target: Target) -> Target:
    """What masks depend on; a fleet's own copy of the rest is never read."""
    return replace(target, allocatable=None, requested={})


def _unlink(index: dict[str, set[str]], keys: Iterable[str], workload_id: str) -> None:
    for key in keys:
        ids = index.get(key)
        if ids is not None:
            ids.discard(workload_id)
            if not ids:
                del index[key]
