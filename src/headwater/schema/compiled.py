"""The compiled form of a structural schema, and the cache that shares it by content."""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import cached_property
from hashlib import blake2b
from typing import Any

from headwater.base import jsonio
from headwater.machinery.fieldpath import FieldError
from headwater.schema.checks import CheckCompiler
from headwater.schema.defaults import compile_default
from headwater.schema.prune import compile_prune
from headwater.schema.resource import resource_form
from headwater.schema.rules import RuleCheck, compile_rules
from headwater.schema.trail import Report, TooManyErrors

Object = dict[str, Any]

MAX_CACHED = 1024


class Schema:
    """A resource's structural schema, ready for objects; each part is compiled when it is first used.

    ``raw`` is the schema as it was given and is read-only. apiVersion, kind and metadata need not be in it: they are
    known to every resource.
    """

    def __init__(self, structural: Object) -> None:
        self.raw = structural

    def prune(self, obj: Object) -> list[str]:
        """Remove the fields that the schema doesn't know, in place; returns their paths (``spec.foo``)."""
        removed: list[str] = []
        if self._prune is not None:
            self._prune(obj, None, removed)
        return removed

    def default(self, obj: Object) -> None:
        """Give missing fields their defaults and drop nulls of fields that aren't nullable, in place."""
        if self._default is not None:
            self._default(obj)

    def validate(self, obj: Object, *, old: Object | None = None) -> list[FieldError]:
        """What is wrong with an object, in Kubernetes' words; empty if nothing is.

        With ``old`` (the object before an update) transition rules are evaluated too. CEL rules run only on objects
        that are valid otherwise. At most `trail.MAX_ERRORS` errors are returned.
        """
        report = Report()
        try:
            if self._check is not None:
                self._check(obj, None, report)
            if not report.errors and self._rules is not None:
                self._rules(obj, old, old is not None, None, report)
        except TooManyErrors:
            pass
        return report.errors

    @cached_property
    def _form(self) -> Object:
        return resource_form(self.raw)

    @cached_property
    def _prune(self) -> Any:
        return compile_prune(self._form)

    @cached_property
    def _default(self) -> Any:
        return compile_default(self._form)

    @cached_property
    def _check(self) -> Any:
        return CheckCompiler().compile(self._form)

    @cached_property
    def _rules(self) -> RuleCheck | None:
        return compile_rules(self._form)


_cache: OrderedDict[bytes, Schema] = OrderedDict()
_lock = threading.Lock()


def compile_schema(structural: Object) -> Schema:
    """The compiled form of a structural schema of a whole resource; equal schemas share one.

    The schema must not be changed afterwards. Safe to call from several threads.
    """
    key = blake2b(jsonio.dumps_sorted(structural), digest_size=16).digest()
    with _lock:
        found = _cache.get(key)
        if found is None:
            found = _cache[key] = Schema(structural)
            if len(_cache) > MAX_CACHED:
                _cache.popitem(last=False)
        else:
            _cache.move_to_end(key)
        return found
