"""The base of all builtin kinds: updates without a resourceVersion overwrite, and some spec fields may never change."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.apiserver.registry.metadata import immutable
from headwater.apiserver.registry.strategy import Strategy, WriteContext
from headwater.machinery.fieldpath import FieldError
from headwater.machinery.names import NameRule, dns1123_subdomain_errors
from headwater.machinery.objects import Object, nested


class NativeStrategy(Strategy):
    """A builtin kind without much behaviour of its own.

    `immutable_fields` are dotted paths; `generation` says whether the kind counts its changes.
    """

    allow_unconditional_update = True

    def __init__(
        self,
        *,
        generation: bool = False,
        immutable_fields: Sequence[str] = (),
        field_labels: Sequence[str] = (),
        unconditional: bool = True,
        name_errors: NameRule = dns1123_subdomain_errors,
    ) -> None:
        self.has_generation = generation
        self.immutable_fields = tuple(immutable_fields)
        self.field_labels = frozenset(field_labels)
        self.allow_unconditional_update = unconditional
        self.name_errors = name_errors

    def validate_update(self, ctx: WriteContext, obj: Object, old: Object) -> Sequence[FieldError]:
        found: list[FieldError] = []
        for path in self.immutable_fields:
            steps = path.split(".")
            found += immutable(path, nested(obj, *steps), nested(old, *steps))
        return found
