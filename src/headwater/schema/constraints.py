"""Whether one value constraint allows all that another allows: bounds, patterns, enumerations, list and map types.

`existing` is the schema that objects were written under, `new` the one that has to take them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

Object = dict[str, Any]

_LOWER: Final = (("minimum", "exclusiveMinimum"), ("minLength", ""), ("minItems", ""), ("minProperties", ""))
_UPPER: Final = (("maximum", "exclusiveMaximum"), ("maxLength", ""), ("maxItems", ""), ("maxProperties", ""))
_WIDER_FORMATS: Final = frozenset({("int32", "int64"), ("float", "double")})
_NAMES_OF_UNIONS: Final = ("int-or-string", "quantity")
_SAME: Final = (
    ("x-kubernetes-list-type", "atomic"),
    ("x-kubernetes-map-type", "granular"),
)
_COMBINATIONS: Final = ("allOf", "anyOf", "oneOf", "not")
_MAX_SHOWN: Final = 5


def narrowed(existing: Object, new: Object) -> Iterator[str]:
    """What `new` refuses of the values that `existing` allows, apart from type and children."""
    yield from bounds(existing, new)
    yield from _enumeration(existing, new)
    if new.get("pattern") and new["pattern"] != existing.get("pattern"):
        yield "pattern is another one"
    step, wanted = existing.get("multipleOf"), new.get("multipleOf")
    if wanted and (not step or step % wanted):
        yield f"multipleOf is {wanted}, not {step or 'unset'}"
    yield from _format(existing, new)
    if new.get("uniqueItems") and not existing.get("uniqueItems"):
        yield "items have to be unique"
    if existing.get("nullable") and not new.get("nullable"):
        yield "null is not allowed"


def merged_otherwise(existing: Object, new: Object) -> Iterator[str]:
    """How server-side apply merges lists and maps under `new` and not under `existing`."""
    for name, default in _SAME:
        before, after = existing.get(name) or default, new.get(name) or default
        if before != after:
            yield f"{name} is {after}, not {before}"
    if set(existing.get("x-kubernetes-list-map-keys") or ()) != set(new.get("x-kubernetes-list-map-keys") or ()):
        yield "x-kubernetes-list-map-keys are others"


def combined(existing: Object, new: Object) -> Iterator[str]:
    """Combinations of schemas that are not the same: what they allow can't be compared."""
    for name in _COMBINATIONS:
        if new.get(name) and new[name] != existing.get(name):
            yield f"{name} is another one and can't be compared"


def bounds(existing: Object, new: Object) -> Iterator[str]:
    """Limits of size and number that became narrower."""
    for limits, sign in ((_LOWER, 1), (_UPPER, -1)):
        for name, exclusive in limits:
            wanted, given = new.get(name), existing.get(name)
            if wanted is None or not isinstance(wanted, int | float):
                continue
            excludes = bool(new.get(exclusive)) and not existing.get(exclusive)
            outside = not isinstance(given, int | float) or sign * (given - wanted) < 0
            if outside or (excludes and given == wanted):
                shown = "unset" if given is None else given
                yield f"{name} is {wanted}{' (exclusive)' if excludes else ''}, not {shown}"


def _enumeration(existing: Object, new: Object) -> Iterator[str]:
    allowed, wanted = new.get("enum"), existing.get("enum")
    if not isinstance(allowed, list):
        return
    if not isinstance(wanted, list):
        yield "only some values are allowed"
        return
    missing = [str(value) for value in wanted if value not in allowed]
    if missing:
        shown = ", ".join(missing[:_MAX_SHOWN]) + (", …" if len(missing) > _MAX_SHOWN else "")
        yield f"enum lacks {shown}"


def _format(existing: Object, new: Object) -> Iterator[str]:
    before, after = existing.get("format"), new.get("format")
    if after and before != after and after not in _NAMES_OF_UNIONS and (before, after) not in _WIDER_FORMATS:
        yield f"format is {after}, not {before or 'unset'}"
