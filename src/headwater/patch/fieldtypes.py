"""What a field is for ownership and merging: a struct or map, an associative list, or a value that is taken whole.

Types are compiled lazily from a structural OpenAPI schema's extensions (x-kubernetes-map-type, x-kubernetes-list-type,
x-kubernetes-list-map-keys, patch strategies where no list type is given), the rules of structured-merge-diff. Without a
schema maps are granular and lists are atomic.
"""

from __future__ import annotations

from typing import Any

from headwater.base import jsonio
from headwater.machinery.objects import Object

# Fields of metadata that the server sets, that nobody owns.
SYSTEM_METADATA = frozenset(
    {
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    }
)
SYSTEM_ROOT = frozenset({"apiVersion", "kind"})
NOTHING: frozenset[str] = frozenset()
_STRING_MAP: Object = {"type": "object", "additionalProperties": {"type": "string"}}
OBJECT_META: Object = {
    "type": "object",
    "properties": {
        "annotations": _STRING_MAP,
        "labels": _STRING_MAP,
        "finalizers": {
            "type": "array",
            "items": {"type": "string"},
            "x-kubernetes-list-type": "set",
            "x-kubernetes-patch-strategy": "merge",
        },
        "ownerReferences": {
            "type": "array",
            "items": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"uid": {"type": "string"}}},
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["uid"],
            "x-kubernetes-patch-strategy": "merge",
            "x-kubernetes-patch-merge-key": "uid",
        },
        "managedFields": {"type": "array", "x-kubernetes-list-type": "atomic", "items": {"type": "object"}},
    },
}


class FieldType:
    """A value that is owned and replaced as one: scalars, atomic lists, atomic maps."""

    __slots__ = ()


class MapType(FieldType):
    """A struct or map whose entries are owned one by one.

    `ignored` names entries that are never owned or compared (server-set metadata at the root).
    """

    __slots__ = ("_element", "_fields", "_properties", "_schema", "ignored")

    def __init__(self, schema: Object, ignored: frozenset[str] = NOTHING) -> None:
        self._schema = schema
        self._properties: Object = schema.get("properties") or {}
        self._fields: dict[str, FieldType] = {}
        self._element: FieldType | None = None
        self.ignored = ignored

    def is_named(self, key: str) -> bool:
        """Whether the schema declares this entry (a struct field, not a map item)."""
        return key in self._properties

    def field(self, key: str) -> FieldType:
        """The type of an entry."""
        found = self._fields.get(key)
        if found is not None:
            return found
        schema = self._properties.get(key)
        if schema is None:
            return self._other()
        found = self._fields[key] = compile_type(schema)
        return found

    def _other(self) -> FieldType:
        if self._element is None:
            additional = self._schema.get("additionalProperties")
            self._element = compile_type(additional) if isinstance(additional, dict) else DEDUCED
        return self._element


class RootType(MapType):
    """The type of a whole object: its metadata is ObjectMeta whatever the schema says."""

    __slots__ = ()

    def __init__(self, schema: Object) -> None:
        super().__init__(schema, SYSTEM_ROOT)
        self._properties = {**self._properties, "metadata": {}}
        metadata = (schema.get("properties") or {}).get("metadata") or {}
        self._fields["metadata"] = MapType(metadata if metadata.get("properties") else OBJECT_META, SYSTEM_METADATA)


class ListType(FieldType):
    """A list whose items are owned one by one, found by key fields (`keys`) or by value (no keys: a set)."""

    __slots__ = ("_compiled", "_items", "defaults", "keys")

    def __init__(self, schema: Object, keys: tuple[str, ...]) -> None:
        self._items: Object = schema.get("items") or {}
        self._compiled: FieldType | None = None
        self.keys = keys
        properties = self._items.get("properties") or {}
        self.defaults = {key: properties.get(key, {}).get("default") for key in keys}

    @property
    def element(self) -> FieldType:
        """The type of an item."""
        if self._compiled is None:
            self._compiled = compile_type(self._items)
        return self._compiled

    def path_element(self, item: Any) -> str | None:
        """`k:{...}` or `v:...` of an item; None when it lacks a key field that has no default, or isn't an object."""
        keys = self.keys
        if not keys:
            return "v:" + jsonio.dumps(item).decode()
        if not isinstance(item, dict):
            return None
        found = {}
        for key in keys:
            value = item.get(key)
            if value is None:
                value = self.defaults[key]
                if value is None:
                    return None
            found[key] = value
        return "k:" + jsonio.dumps(found).decode()


ATOMIC = FieldType()
DEDUCED = MapType({})
_ROOT_DEDUCED = RootType({})
_MAXIMUM_ROOTS = 1024
_roots: dict[int, tuple[Object, RootType]] = {}


def root_type(schema: Object | None) -> RootType:
    """The compiled type of an object's schema; the same schema object is compiled once."""
    if schema is None:
        return _ROOT_DEDUCED
    cached = _roots.get(id(schema))
    if cached is not None:
        return cached[1]
    compiled = RootType(schema)
    if len(_roots) >= _MAXIMUM_ROOTS:
        _roots.clear()
    # The schema is kept alive with its entry, so its id can't be reused while the entry exists.
    _roots[id(schema)] = (schema, compiled)
    return compiled


def compile_type(schema: Object) -> FieldType:
    """The type of one schema node."""
    if "items" in schema or schema.get("type") == "array":
        return _list_type(schema)
    if schema.get("x-kubernetes-map-type") == "atomic":
        return ATOMIC
    if schema.get("x-kubernetes-embedded-resource") and "metadata" not in (schema.get("properties") or {}):
        return MapType({**schema, "properties": {**(schema.get("properties") or {}), "metadata": OBJECT_META}})
    if "properties" in schema or "additionalProperties" in schema or schema.get("type") == "object":
        return MapType(schema)
    if schema.get("x-kubernetes-preserve-unknown-fields") or not schema.get("type"):
        return ATOMIC if schema.get("x-kubernetes-int-or-string") else DEDUCED
    return ATOMIC


def _list_type(schema: Object) -> FieldType:
    relation = schema.get("x-kubernetes-list-type")
    if relation == "map":
        return ListType(schema, tuple(sorted(schema.get("x-kubernetes-list-map-keys") or ())))
    if relation == "set":
        return ListType(schema, ())
    if relation is None and "merge" in str(schema.get("x-kubernetes-patch-strategy", "")).split(","):
        key = schema.get("x-kubernetes-patch-merge-key")
        return ListType(schema, (key,) if key else ())
    return ATOMIC
