"""Whether a schema is structural, and otherwise sound, as the API server demands of CustomResourceDefinitions."""

from __future__ import annotations

from typing import Any

from headwater.apis.kube.schemas import OBJECT_META, structural
from headwater.machinery.fieldpath import (
    FieldError,
    child,
    forbidden_field,
    index,
    invalid_value,
    key,
    not_supported,
    required,
)
from headwater.machinery.objects import deep_copy
from headwater.schema.checks import CheckCompiler
from headwater.schema.patterns import pattern_error
from headwater.schema.prune import compile_prune
from headwater.schema.ruledefinitions import validate_rules
from headwater.schema.trail import MAX_ERRORS, Report, TooManyErrors

Object = dict[str, Any]

TYPES = ("array", "boolean", "integer", "number", "object", "string")
INT_OR_STRING = "x-kubernetes-int-or-string"
PRESERVE = "x-kubernetes-preserve-unknown-fields"
EMBEDDED = "x-kubernetes-embedded-resource"
LIST_TYPE = "x-kubernetes-list-type"
LIST_MAP_KEYS = "x-kubernetes-list-map-keys"
MAP_TYPE = "x-kubernetes-map-type"
COMBINATIONS = ("allOf", "anyOf", "oneOf")
UNSUPPORTED = ("$ref", "definitions", "dependencies", "patternProperties", "additionalItems", "id")
STRUCTURE_ONLY = ("additionalProperties", "default", "description", "nullable", "title", PRESERVE, EMBEDDED, LIST_TYPE)
_INT_OR_STRING_BRANCHES = [{"type": "integer"}, {"type": "string"}]
MAX_DEPTH = 100


def validate_structural(schema: Object, path: str) -> list[FieldError]:
    """What is wrong with the schema of a whole resource; ``path`` is where the schema stands, for the errors' fields.

    Checked are the rules of structural schemas, list and map types, patterns, defaults and CEL rules.
    """
    walk = _Walk()
    walk.root(schema, path)
    return walk.errors[:MAX_ERRORS]


class _Walk:
    def __init__(self) -> None:
        self.errors: list[FieldError] = []

    def root(self, schema: Object, path: str) -> None:
        if schema.get("type") != "object":
            if schema.get("type"):
                self.errors.append(invalid_value(child(path, "type"), schema["type"], "must be object at the root"))
            else:
                self.errors.append(required(child(path, "type"), "must not be empty at the root"))
        if schema.get("nullable"):
            self.errors.append(forbidden_field(child(path, "nullable"), "nullable cannot be true at the root"))
        metadata = (schema.get("properties") or {}).get("metadata")
        if isinstance(metadata, dict) and metadata != structural(OBJECT_META):
            self._root_metadata(metadata, key(child(path, "properties"), "metadata"))
        self._node(schema, path, where="", depth=0)

    def _root_metadata(self, metadata: Object, path: str) -> None:
        others = set(metadata.get("properties") or {}) - {"name", "generateName"}
        if others or metadata.get("additionalProperties") is not None:
            message = "must not specify anything other than name and generateName, but metadata is implicitly specified"
            self.errors.append(forbidden_field(path, message))

    def _node(self, schema: Any, path: str, *, where: str, depth: int) -> None:
        """One structural node; ``where`` words what kind of place it stands in ("" for the root)."""
        if not isinstance(schema, dict) or depth > MAX_DEPTH or len(self.errors) >= MAX_ERRORS:
            if len(self.errors) < MAX_ERRORS:
                self.errors.append(invalid_value(path, "", "must be a schema of limited depth"))
            return
        self._type(schema, path, where)
        self._supported(schema, path)
        self._collections(schema, path)
        if schema.get("pattern"):
            self._pattern(schema["pattern"], child(path, "pattern"))
        self._children(schema, path, depth)
        self._combined(schema, path)
        if not self.errors:
            self._default(schema, path)
            self.errors += validate_rules(schema, path)

    def _type(self, schema: Object, path: str, where: str) -> None:
        type_ = schema.get("type")
        if schema.get(INT_OR_STRING):
            if type_:
                self._forbid(path, "type", f"must be empty if {INT_OR_STRING} is true")
            if schema.get(PRESERVE):
                self._forbid(path, PRESERVE, f"must be false if {INT_OR_STRING} is true")
        elif not type_:
            if where and not schema.get(PRESERVE):
                self.errors.append(required(child(path, "type"), f"must not be empty for specified {where}"))
        elif type_ not in TYPES:
            self.errors.append(not_supported(child(path, "type"), type_, TYPES))
        if schema.get(EMBEDDED):
            if type_ != "object":
                message = f"must be object if {EMBEDDED} is true"
                self.errors.append(invalid_value(child(path, "type"), type_ or "", message))
            if not schema.get(PRESERVE) and not schema.get("properties"):
                message = f"must not be empty if {EMBEDDED} is true without {PRESERVE}"
                self.errors.append(required(child(path, "properties"), message))
        elif PRESERVE in schema and schema[PRESERVE] is not True:
            self.errors.append(invalid_value(child(path, PRESERVE), schema[PRESERVE], "must be true or undefined"))

    def _supported(self, schema: Object, path: str) -> None:
        for name in UNSUPPORTED:
            if schema.get(name):
                self._forbid(path, name, f"{name} is not supported")
        if schema.get("uniqueItems"):
            message = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
            self._forbid(path, "uniqueItems", message)
        if schema.get("properties") and schema.get("additionalProperties"):
            self._forbid(path, "additionalProperties", "additionalProperties and properties are mutual exclusive")
        if schema.get("type") == "array" and not isinstance(schema.get("items"), dict):
            self.errors.append(required(child(path, "items"), "must be specified"))

    def _collections(self, schema: Object, path: str) -> None:
        list_type, map_type = schema.get(LIST_TYPE), schema.get(MAP_TYPE)
        if list_type is not None:
            if schema.get("type") != "array":
                message = f"must be array if {LIST_TYPE} is specified"
                self.errors.append(invalid_value(child(path, "type"), schema.get("type", ""), message))
            elif list_type not in ("atomic", "set", "map"):
                self.errors.append(not_supported(child(path, LIST_TYPE), list_type, ("atomic", "set", "map")))
        if map_type is not None and map_type not in ("granular", "atomic"):
            self.errors.append(not_supported(child(path, MAP_TYPE), map_type, ("atomic", "granular")))
        names = schema.get(LIST_MAP_KEYS) or []
        if list_type == "map":
            self._map_keys(schema, path, names)
        elif names:
            self._forbid(path, LIST_MAP_KEYS, f"must be empty if {LIST_TYPE} is not map")

    def _map_keys(self, schema: Object, path: str, names: list[str]) -> None:
        keys_path = child(path, LIST_MAP_KEYS)
        if not names:
            self.errors.append(required(keys_path, f"must not be empty if {LIST_TYPE} is map"))
        items: Object = schema.get("items") or {}
        properties: Object = items.get("properties") or {}
        for position, name in enumerate(names):
            if name not in properties:
                message = f"must have a property for the key in {child(path, 'items')}"
                self.errors.append(invalid_value(index(keys_path, position), name, message))
            elif properties[name].get("type") in ("object", "array"):
                message = "must be a scalar type if parent array's x-kubernetes-list-type is map"
                type_path = child(key(child(path, "items", "properties"), name), "type")
                self.errors.append(invalid_value(type_path, properties[name]["type"], message))

    def _pattern(self, pattern: str, path: str) -> None:
        error = pattern_error(pattern)
        if error:
            message = f"must be a valid regular expression, but isn't: {error}"
            self.errors.append(invalid_value(path, pattern, message))

    def _children(self, schema: Object, path: str, depth: int) -> None:
        properties = schema.get("properties") or {}
        for name, property_ in properties.items():
            place = key(child(path, "properties"), name)
            self._node(property_, place, where="object fields", depth=depth + 1)
        if isinstance(schema.get("items"), dict):
            self._node(schema["items"], child(path, "items"), where="array items", depth=depth + 1)
        if isinstance(schema.get("additionalProperties"), dict):
            place = child(path, "additionalProperties")
            self._node(schema["additionalProperties"], place, where="object fields", depth=depth + 1)

    def _combined(self, schema: Object, path: str) -> None:
        """Branches of combinations may restrict values but not describe structure."""
        for keyword in COMBINATIONS:
            branches = schema.get(keyword) or []
            if schema.get(INT_OR_STRING) and keyword == "anyOf" and branches == _INT_OR_STRING_BRANCHES:
                continue
            for position, branch in enumerate(branches):
                self._branch(
                    branch, index(child(path, keyword), position), int_or_string=bool(schema.get(INT_OR_STRING))
                )
        if isinstance(schema.get("not"), dict):
            self._branch(schema["not"], child(path, "not"), int_or_string=False)

    def _branch(self, branch: Object, path: str, *, int_or_string: bool) -> None:
        for name in STRUCTURE_ONLY:
            if branch.get(name):
                self._forbid(path, name, "must be empty to be structural")
        if branch.get("type") and not int_or_string:
            self._forbid(path, "type", "must be empty to be structural")
        if branch.get("pattern"):
            self._pattern(branch["pattern"], child(path, "pattern"))
        for name, property_ in (branch.get("properties") or {}).items():
            self._branch(property_, key(child(path, "properties"), name), int_or_string=False)
        if isinstance(branch.get("items"), dict):
            self._branch(branch["items"], child(path, "items"), int_or_string=False)
        for keyword in COMBINATIONS:
            for position, inner in enumerate(branch.get(keyword) or []):
                self._branch(inner, index(child(path, keyword), position), int_or_string=int_or_string)
        if isinstance(branch.get("not"), dict):
            self._branch(branch["not"], child(path, "not"), int_or_string=False)

    def _default(self, schema: Object, path: str) -> None:
        """A default must be a value that pruning leaves alone and validation accepts."""
        value = schema.get("default")
        if value is None:
            return
        report = Report()
        check = CheckCompiler().compile({name: part for name, part in schema.items() if name != "default"})
        try:
            if check is not None:
                check(value, None, report)
        except TooManyErrors:
            pass
        for error in report.errors:
            place = child(path, "default", error.field) if error.field else child(path, "default")
            self.errors.append(FieldError(error.type, place, error.bad_value, error.detail))
        removed: list[str] = []
        prune = compile_prune(schema)
        if prune is not None:
            prune(deep_copy(value), None, removed)
        for name in removed:
            self.errors.append(forbidden_field(child(path, "default", name), "must be pruned"))

    def _forbid(self, path: str, name: str, message: str) -> None:
        self.errors.append(forbidden_field(child(path, name), message))
