"""Which changes of an informer's objects put which keys into a controller's queue."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from headwater.client.informer import Informer
from headwater.controller.controller import Controller
from headwater.machinery.objects import Object

Predicate = Callable[[Object | None, Object | None], bool]
"""Whether a change of an object from the first state to the second matters; None stands for not being there."""

KeysOf = Callable[[Object], Iterable[str]]


def enqueue_objects(informer: Informer, controller: Controller, *, when: Predicate | None = None) -> None:
    """Enqueue the key of every object that changes."""
    enqueue_mapped(informer, controller, lambda obj: (informer.key_of(obj),), when=when)


def enqueue_mapped(
    informer: Informer, controller: Controller, keys_of: KeysOf, *, when: Predicate | None = None
) -> None:
    """Enqueue the keys that a changed object leads to, by its old and by its new state."""

    def handle(_: str, old: Object | None, new: Object | None) -> None:
        if when is not None and not when(old, new):
            return
        for state in (old, new):
            if state is not None:
                for key in keys_of(state):
                    controller.enqueue(key)

    informer.add_handler(handle)


def spec_or_metadata_changed(old: Object | None, new: Object | None) -> bool:
    """False for updates of status only."""
    if old is None or new is None:
        return True
    for field in old.keys() | new.keys():
        if field == "status":
            continue
        if field == "metadata":
            if _stable(old) != _stable(new):
                return True
        elif old.get(field) != new.get(field):
            return True
    return False


def _stable(obj: Object) -> Object:
    volatile = ("resourceVersion", "managedFields")
    return {field: value for field, value in (obj.get("metadata") or {}).items() if field not in volatile}
