"""What every target can still take: assume and deduct, in whole numbers."""

from __future__ import annotations

from collections.abc import KeysView, Sequence
from dataclasses import dataclass

from headwater.scheduling.arrays import UNLIMITED, Ints, filled, ints, table
from headwater.scheduling.model import Resources, Target

_MAX_SHAPES = 65536


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A request, compiled: its resources, their columns, and how much of each. Equal requests share one."""

    request: Resources
    names: tuple[str, ...]
    pairs: tuple[tuple[int, int], ...]
    columns: Ints
    amounts: Ints


class Ledger:
    """Requests of what is placed on each target, by key, whether the target is known or not.

    The exact sums are Python's numbers, which don't overflow however much somebody asks for; the arrays, by slot of
    the fleet, are cut off at `UNLIMITED`.
    """

    def __init__(self) -> None:
        self._columns: dict[str, int] = {}
        self._shapes: dict[tuple[tuple[str, int], ...], Shape] = {}
        self._by_identity: dict[int, Shape] = {}
        self._used: dict[str, list[int]] = {}
        self._going: dict[str, list[int]] = {}
        """What of that is about to be given back."""
        self._limits: dict[str, list[int | None]] = {}
        self._counted: set[str] = set()
        """Targets that say what they have."""
        self._slots: dict[str, int] = {}
        self._stale = True
        self._free: Ints
        self._tenths: Ints

    def fork(self) -> Ledger:
        """An independent copy."""
        copy = Ledger()
        copy._columns = dict(self._columns)
        copy._shapes = dict(self._shapes)
        copy._by_identity = dict(self._by_identity)
        copy._used = {key: list(row) for key, row in self._used.items()}
        copy._going = {key: list(row) for key, row in self._going.items()}
        copy._limits = {key: list(row) for key, row in self._limits.items()}
        copy._counted = set(self._counted)
        return copy

    def shape(self, request: Resources) -> Shape:
        """The compiled form of a request. Quick for the request of a shape: nothing is compared then."""
        known = self._by_identity.get(id(request))
        if known is not None and known.request is request:
            return known
        name = tuple(sorted(request.items()))
        found = self._shapes.get(name)
        if found is None:
            if len(self._shapes) >= _MAX_SHAPES:
                self._shapes.clear()
                self._by_identity.clear()
            pairs = tuple((self._column(resource), amount) for resource, amount in name if amount > 0)
            columns, amounts = zip(*pairs, strict=True) if pairs else ((), ())
            amounts = tuple(min(amount, UNLIMITED) for amount in amounts)
            names = tuple(resource for resource, amount in name if amount > 0)
            found = self._shapes[name] = Shape(dict(name), names, pairs, ints(columns), ints(amounts))
            self._by_identity[id(found.request)] = found
        return found

    def limit(self, target: Target) -> None:
        """Take over what a target can bear."""
        allocatable = target.allocatable or {}
        if target.allocatable is None:
            self._counted.discard(target.key)
        else:
            self._counted.add(target.key)
        for resource in allocatable:
            self._column(resource)
        self._limits[target.key] = [
            allocatable.get(resource, self._unsaid(target.key, resource)) for resource in self._columns
        ]
        self._stale = True

    def forget(self, key: str) -> None:
        """The target is gone; what was placed there stays on its account until it is taken off."""
        self._limits.pop(key, None)
        self._counted.discard(key)
        self._slots.pop(key, None)

    def add(self, key: str, shape: Shape, replicas: int) -> None:
        """Charge a target with so many replicas, or credit it with a negative number."""
        row = self._used.get(key)
        if row is None:
            row = self._used[key] = [0] * len(self._columns)
        for column, amount in shape.pairs:
            row[column] += amount * replicas
        if not self._stale and (slot := self._slots.get(key)) is not None:
            self._show(key, slot)

    def expect(self, key: str, shape: Shape, replicas: int) -> None:
        """So many of the replicas that a target is charged with are about to go; a negative number takes that back."""
        row = self._going.setdefault(key, [0] * len(self._columns))
        for column, amount in shape.pairs:
            row[column] += amount * replicas
        if not any(row):
            del self._going[key]

    def expecting(self) -> KeysView[str]:
        """Keys of the targets from which something is about to go."""
        return self._going.keys()

    def room(self, key: str, shape: Shape) -> int:
        """How many more replicas fit on one target, as `arrays.room` says for many."""
        return self._room(key, shape, self._used.get(key))

    def room_later(self, key: str, shape: Shape) -> int:
        """How many more fit when all is gone that is about to go."""
        row, going = self._used.get(key), self._going.get(key)
        if row is not None and going is not None:
            row = [used - gone for used, gone in zip(row, going, strict=True)]
        return self._room(key, shape, row)

    def _room(self, key: str, shape: Shape, row: list[int] | None) -> int:
        limits = self._limits.get(key)
        fits = UNLIMITED
        if limits is not None:
            for column, amount in shape.pairs:
                limit = limits[column]
                if limit is not None and (left := limit - row[column] if row is not None else limit) < UNLIMITED:
                    fits = min(fits, left // min(amount, UNLIMITED))
        return max(fits, 0)

    def used(self, key: str) -> dict[str, int]:
        """What the workloads on a target request."""
        row = self._used.get(key, ())
        return {resource: amount for resource, amount in zip(self._columns, row, strict=False) if amount}

    def free(self, key: str) -> dict[str, int]:
        """What is left of each limited resource of a target; negative where it is overdrawn."""
        left = self._left(key)
        return {resource: amount for resource, amount in zip(self._columns, left, strict=True) if amount is not None}

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

    def _column(self, resource: str) -> int:
        column = self._columns.get(resource)
        if column is None:
            column = self._columns[resource] = len(self._columns)
            for row in (*self._used.values(), *self._going.values()):
                row.append(0)
            for key, limits in self._limits.items():
                limits.append(self._unsaid(key, resource))
            self._stale = True
        return column

    def _unsaid(self, key: str, resource: str) -> int | None:
        """The limit of a resource that a target does not name: none of a device where capacity is reported at all."""
        return 0 if key in self._counted and "/" in resource else None

    def _left(self, key: str) -> list[int | None]:
        limits = self._limits.get(key) or [None] * len(self._columns)
        used = self._used.get(key) or [0] * len(self._columns)
        return [None if limit is None else limit - taken for limit, taken in zip(limits, used, strict=True)]

    def _show(self, key: str, slot: int) -> None:
        """Bring one row of the arrays up to date."""
        row, free, tenths = self._used.get(key), self._free[slot], 10
        for column, limit in enumerate(self._limits[key]):
            if limit is None:
                continue
            left = limit if row is None else limit - row[column]
            free[column] = max(min(left, UNLIMITED), -UNLIMITED)
            if limit > 0 and 10 * left < tenths * limit:
                tenths = max(10 * left // limit, 0)
        self._tenths[slot] = tenths
