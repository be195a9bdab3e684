"""What every target can still take: assume and deduct, in whole numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import KeysView, Sequence
from dataclasses import dataclass
from typing import Final

from headwater.scheduling.arrays import UNLIMITED, Ints, filled, ints, table
from headwater.scheduling.model import Resources, Target

_MAX_SHAPES: Final = 65536
_MAX_NEEDS: Final = 512 * 1024
"""Of all shapes that are remembered."""
_UNNAMED: Final = ""
"""Stands for all devices that no target names, of which those that report their capacity have none."""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A request, compiled: all that it needs, and what of that any target limits, by column. Equal requests share one.

    `names` are those of `columns`; two devices that no target names have the same column.
    """

    request: Resources
    needs: tuple[tuple[str, int], ...]
    names: tuple[str, ...]
    columns: Ints
    amounts: Ints


class Ledger:
    """Requests of what is placed on each target, by key, whether the target is known or not.

    The exact sums are Python's numbers, which don't overflow however much somebody asks for; the arrays, by slot of
    the fleet, are cut off at `UNLIMITED`. They have a column for each resource that a target names: whatever else
    workloads ask for, everybody's decisions must not get slower by it.
    """

    def __init__(self) -> None:
        self._columns: dict[str, int] = {_UNNAMED: 0}
        self._naming: Counter[str] = Counter()
        """How many targets name a resource."""
        self._shapes: dict[tuple[tuple[str, int], ...], Shape] = {}
        self._by_identity: dict[int, Shape] = {}
        self._needs = 0
        self._used: dict[str, dict[str, int]] = {}
        self._going: dict[str, dict[str, int]] = {}
        """What of that is about to be given back."""
        self._limits: dict[str, Resources] = {}
        """What targets have that say what they have."""
        self._slots: dict[str, int] = {}
        self._stale = True
        self._free: Ints
        self._tenths: Ints

    def fork(self) -> Ledger:
        """An independent copy."""
        copy = Ledger()
        copy._columns = self._columns
        copy._naming = self._naming.copy()
        copy._shapes = dict(self._shapes)
        copy._by_identity = dict(self._by_identity)
        copy._needs = self._needs
        copy._used = {key: dict(row) for key, row in self._used.items()}
        copy._going = {key: dict(row) for key, row in self._going.items()}
        copy._limits = dict(self._limits)
        return copy

    def shape(self, request: Resources) -> Shape:
        """The compiled form of a request. Quick for the request of a shape: nothing is compared then."""
        known = self._by_identity.get(id(request))
        if known is not None and known.request is request:
            return known
        name = tuple(sorted(request.items()))
        found = self._shapes.get(name)
        if found is None:
            if len(self._shapes) >= _MAX_SHAPES or self._needs >= _MAX_NEEDS:
                self._forget_shapes()
            needs = tuple((resource, amount) for resource, amount in name if amount > 0)
            limited = [
                (resource, self._columns.get(resource, self._columns[_UNNAMED]), min(amount, UNLIMITED))
                for resource, amount in needs
                if resource in self._columns or _is_device(resource)
            ]
            names, columns, amounts = zip(*limited, strict=True) if limited else ((), (), ())
            found = self._shapes[name] = Shape(dict(name), needs, names, ints(columns), ints(amounts))
            self._by_identity[id(found.request)] = found
            self._needs += len(name)
        return found

    def limit(self, target: Target) -> None:
        """Take over what a target can bear."""
        before = self._limits.pop(target.key, {})
        if target.allocatable is not None:
            self._limits[target.key] = target.allocatable
        self._name(before, target.allocatable or {})
        self._stale = True

    def forget(self, key: str) -> None:
        """The target is gone; what was placed there stays on its account until it is taken off."""
        self._name(self._limits.pop(key, {}), {})
        self._slots.pop(key, None)

    def add(self, key: str, shape: Shape, replicas: int) -> None:
        """Charge a target with so many replicas, or credit it with a negative number."""
        _count(self._used, key, shape, replicas)
        if not self._stale and (slot := self._slots.get(key)) is not None:
            self._show(key, slot)

    def expect(self, key: str, shape: Shape, replicas: int) -> None:
        """So many of the replicas that a target is charged with are about to go; a negative number takes that back."""
        _count(self._going, key, shape, replicas)

    def expecting(self) -> KeysView[str]:
        """Keys of the targets from which something is about to go."""
        return self._going.keys()

    def room(self, key: str, shape: Shape, *, later: bool = False) -> int:
        """How many more replicas fit on one target, as `arrays.room` says for many.

        With `later` when all is gone that is about to go.
        """
        limits, row = self._limits.get(key), self._used.get(key, {})
        going = self._going.get(key, {}) if later else {}
        fits = UNLIMITED
        if limits is not None:
            for resource, amount in shape.needs:
                limit = limits.get(resource, 0 if _is_device(resource) else None)
                if limit is None:
                    continue
                left = limit - row.get(resource, 0) + going.get(resource, 0)
                if left < UNLIMITED:
                    fits = min(fits, left // min(amount, UNLIMITED))
        return max(fits, 0)

    def used(self, key: str) -> dict[str, int]:
        """What the workloads on a target request."""
        return dict(self._used.get(key, {}))

    def free(self, key: str) -> dict[str, int]:
        """What is left of each limited resource of a target; negative where it is overdrawn."""
        limits, row = self._limits.get(key), self._used.get(key, {})
        if limits is None:
            return {}
        devices = {resource: 0 for resource in (*self._columns, *row) if resource and _is_device(resource)}
        return {resource: limit - row.get(resource, 0) for resource, limit in {**devices, **limits}.items()}

    def arrays(self, targets: Sequence[Target]) -> tuple[Ints, Ints]:
        """Free amounts (target × resource), and the free share of each target in tenths. Kept up to date."""
        if self._stale or len(self._slots) != len(targets):
            self._slots = {target.key: slot for slot, target in enumerate(targets)}
            self._free = table([[UNLIMITED] * len(self._columns)] * len(targets), len(self._columns))
            self._tenths = filled(len(targets), 10)
            self._stale = False
            for target in targets:
                self._show(target.key, self._slots[target.key])
        return self._free, self._tenths

    def rearrange(self) -> None:
        """The targets changed: build the arrays again."""
        self._stale = True

    def _name(self, before: Resources, now: Resources) -> None:
        """A target names other resources than before; one that no other names gets a column, or loses it."""
        if before.keys() == now.keys():
            return
        self._naming.update(now.keys())
        self._naming.subtract(before.keys())
        named = sorted(resource for resource, count in self._naming.items() if count > 0)
        if [_UNNAMED, *named] != list(self._columns):
            self._naming = Counter({resource: self._naming[resource] for resource in named})
            self._columns = {resource: column for column, resource in enumerate([_UNNAMED, *named])}
            self._forget_shapes()
            self._stale = True

    def _forget_shapes(self) -> None:
        self._shapes.clear()
        self._by_identity.clear()
        self._needs = 0

    def _show(self, key: str, slot: int) -> None:
        """Bring one row of the arrays up to date."""
        limits = self._limits.get(key)
        if limits is None:
            return
        row, free, tenths = self._used.get(key, {}), self._free[slot], 10
        for resource, column in self._columns.items():
            limit = limits.get(resource)
            if limit is None:
                if column and not _is_device(resource):
                    continue
                limit = 0
            left = limit - row.get(resource, 0)
            free[column] = max(min(left, UNLIMITED), -UNLIMITED)
            if limit > 0 and 10 * left < tenths * limit:
                tenths = max(10 * left // limit, 0)
        self._tenths[slot] = tenths


def _is_device(resource: str) -> bool:
    """Whether a resource is something that a target has none of unless it says so."""
    return "/" in resource


def _count(rows: dict[str, dict[str, int]], key: str, shape: Shape, replicas: int) -> None:
    """Add what so many replicas need to the row of a target; there are no zeros in it, and no empty rows."""
    row = rows.setdefault(key, {})
    for resource, amount in shape.needs:
        if total := row.get(resource, 0) + amount * replicas:
            row[resource] = total
        else:
            row.pop(resource, None)
    if not row:
        del rows[key]
