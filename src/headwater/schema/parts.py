"""Compiles each part of a schema once, however often it occurs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from headwater.apis.kube.schemas import is_shared

Object = dict[str, Any]
T = TypeVar("T")
Entries = dict[int, tuple[Object, T]]


class Parts(Generic[T]):
    """What the parts of one schema were compiled to, by the identity of the part.

    Definitions that Kubernetes' kinds share (a pod template, metadata) are kept in ``shared`` for all schemas, since
    they live as long as the process; other parts are held only as long as this object is.
    """

    def __init__(self, shared: Entries[T]) -> None:
        self._shared = shared
        self._own: Entries[T] = {}

    def get(self, schema: Object, compile_: Callable[[Object], T]) -> T:
        """The compiled part; ``compile_`` is called when the part is met for the first time."""
        entries = self._shared if is_shared(schema) else self._own
        found = entries.get(id(schema))
        if found is None:
            found = entries[id(schema)] = (schema, compile_(schema))
        return found[1]
