"""Whether objects that are valid under one schema are taken whole by another: kcp's rules for importing APIs.

What the new schema allows beyond the existing one is no difference. kcp demands equality where it does not compare, as
for bounds; here a bound that only became wider is compatible, too. Defaults and CEL rules are not compared: the former
were applied already, the latter are for the API server of the pcluster to judge, object by object.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from headwater.schema.constraints import bounds, combined, merged_otherwise, narrowed
from headwater.schema.references import Components, resolved

Object = dict[str, Any]
Rule = Literal["type", "missing", "closed", "required", "narrowed", "merging"]

PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"
INT_OR_STRING: Final = "int-or-string"
QUANTITY: Final = "quantity"
MAX_DIFFERENCES: Final = 64
MAX_STEPS: Final = 50_000
_MAX_DEPTH: Final = 128
_NOT_COMPARED: Final = frozenset({"apiVersion", "kind", "metadata", "status"})
"""Of a whole object: what all kinds share, and what never goes from the existing side to the new one."""
_ANYTHING: Final = ""
_WIDER_TYPES: Final = {
    "integer": ("number", INT_OR_STRING, QUANTITY),
    "string": (INT_OR_STRING, QUANTITY),
    # Kubernetes before 1.25 describes both of these as plain strings.
    INT_OR_STRING: (QUANTITY, "string"),
    QUANTITY: (INT_OR_STRING, "string"),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which the new schema takes less. `rule` says which kind, `field` is a path in the object."""

    field: str
    rule: Rule
    detail: str

    def __str__(self) -> str:
        return f"{self.field or 'the object'}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The differences, at most `MAX_DIFFERENCES`; not `complete` when there may be more, or a schema is too large."""

    differences: tuple[Difference, ...]
    complete: bool = True


def compare(existing: Object, new: Object | None, components: Components | None = None) -> Comparison:
    """Compare the schemas of a whole object; `components` is where references of the new one lead."""
    walk = _Walk(components or {})
    walk.root(existing, new)
    return Comparison(tuple(walk.found), walk.complete)


@dataclass(slots=True)
class _Walk:
    components: Components
    found: list[Difference] = field(default_factory=list)
    complete: bool = True
    steps: int = 0

    def root(self, existing: Object, new: Object | None) -> None:
        if new is None:
            self._add("", "missing", "the pcluster's schema allows nothing")
            return
        new = resolved(new, self.components)
        if self._types(existing, new, ""):
            self._object(existing, new, "", skipped=_NOT_COMPARED)

    def _add(self, path: str, rule: Rule, detail: str) -> None:
        if len(self.found) < MAX_DIFFERENCES:
            self.found.append(Difference(path, rule, detail))
        else:
            self.complete = False

    def _node(self, existing: Any, new: Any, path: str, depth: int) -> None:
        """One place of the object."""
        self.steps += 1
        if self.steps > MAX_STEPS or depth > _MAX_DEPTH:
            self.complete = False
            return
        if not isinstance(existing, dict) or not isinstance(new, dict):
            if new is None or new is False:
                self._add(path, "missing", "the pcluster's schema allows nothing")
            return
        new = resolved(new, self.components)
        if not self._types(existing, new, path):
            return
        for detail in narrowed(existing, new):
            self._add(path, "narrowed", detail)
        for detail in merged_otherwise(existing, new):
            self._add(path, "merging", detail)
        kind = type_of(existing)
        if kind not in (INT_OR_STRING, QUANTITY):
            for detail in combined(existing, new):
                self._add(path, "narrowed", detail)
        if kind == "array" and isinstance(existing.get("items"), dict):
            self._node(existing["items"], new.get("items"), f"{path}[]", depth + 1)
        if kind == "object":
            self._object(existing, new, path, depth=depth)

    def _types(self, existing: Object, new: Object, path: str) -> bool:
        """Whether the types are compatible and there is more to compare."""
        before, after = type_of(existing), type_of(new)
        if after == _ANYTHING:
            return False
        if before == after:
            return True
        if before == _ANYTHING:
            self._add(path, "closed", f"the pcluster takes only the type {after} here")
        elif after not in _WIDER_TYPES.get(before, ()):
            self._add(path, "type", f"type is {after}, not {before}")
        for detail in bounds(existing, new) if before != _ANYTHING else ():
            self._add(path, "narrowed", detail)
        return False

    def _object(
        self, existing: Object, new: Object, path: str, *, depth: int = 0, skipped: frozenset[str] = frozenset()
    ) -> None:
        properties, known = existing.get("properties") or {}, new.get("properties") or {}
        rest = _additional(new)
        for name, schema in properties.items():
            if name in skipped:
                continue
            place = f"{path}.{name}" if path else name
            if name in known:
                self._node(schema, known[name], place, depth + 1)
            elif isinstance(rest, dict):
                self._node(schema, rest, place, depth + 1)
            elif not rest:
                self._add(place, "missing", "the pcluster does not know this field")
        self._additional(existing, rest, path, depth)
        before = {*(existing.get("required") or ()), *skipped}
        for name in new.get("required") or ():
            if name not in before:
                self._add(f"{path}.{name}" if path else name, "required", "the pcluster requires this field")

    def _additional(self, existing: Object, rest: Object | bool, path: str, depth: int) -> None:
        """What stands beside the named properties."""
        allowed = _additional(existing)
        if isinstance(allowed, dict) and isinstance(rest, dict):
            self._node(allowed, rest, f"{path}.*", depth + 1)
        elif isinstance(allowed, dict) and not rest:
            self._add(path, "closed", "the pcluster takes no other fields here")
        elif allowed is True and rest is not True:
            takes = "only fields of one schema" if rest else "no unknown fields"
            self._add(path, "closed", f"the pcluster takes {takes} here")


def type_of(schema: Object) -> str:
    """The type of a schema, with names of their own for the unions that Kubernetes has; "" for anything."""
    union = _union(schema)
    if schema.get("format") == QUANTITY or union == {"string", "number"}:
        return QUANTITY
    if schema.get("format") == INT_OR_STRING or schema.get("x-kubernetes-int-or-string"):
        return INT_OR_STRING
    if union == {"string", "integer"} and not schema.get("type"):
        return INT_OR_STRING
    if isinstance(schema.get("type"), str):
        return str(schema["type"])
    return "object" if schema.get("properties") or schema.get("additionalProperties") else _ANYTHING


def _union(schema: Object) -> set[str]:
    for name in ("oneOf", "anyOf"):
        branches = schema.get(name)
        if isinstance(branches, list) and all(isinstance(each, dict) and set(each) == {"type"} for each in branches):
            return {str(each["type"]) for each in branches}
    return set()


def _additional(schema: Object) -> Object | bool:
    """The schema of unnamed properties, True for any, False for none."""
    if schema.get(PRESERVE):
        return True
    found = schema.get("additionalProperties")
    return found if isinstance(found, dict) and found else bool(found) or found == {}
