"""Strategic merge patch: a merge patch that merges lists by the keys that the schema gives (kubectl's default for
built-in kinds), with the directives `$patch`, `$retainKeys`, `$setElementOrder` and `$deleteFromPrimitiveList`."""

from __future__ import annotations

from typing import Any, NamedTuple

from headwater.machinery.errors import BadRequest
from headwater.machinery.objects import Object, deep_copy
from headwater.patch import strategiclists
from headwater.patch.fieldtypes import OBJECT_META

DIRECTIVE = "$patch"
RETAIN_KEYS = "$retainKeys"
SET_ELEMENT_ORDER = "$setElementOrder/"
DELETE_FROM_PRIMITIVE_LIST = "$deleteFromPrimitiveList/"
_NO_SCHEMA: Object = {}


class Field(NamedTuple):
    """How a field is patched: its schema, strategies and merge key (empty: a list of primitives)."""

    schema: Object
    merges: bool
    replaces: bool
    merge_key: str


def apply_strategic_patch(obj: Object, patch: Any, schema: Object | None) -> Object:
    """The object with the patch applied; the result shares nothing with `obj` or `patch`.

    Lists without a merge strategy in the schema (all, when there is none) are replaced. Raises BadRequest for a patch
    that isn't one: wrong directives, list items without their merge key, an order that contradicts the patch.
    """
    if not isinstance(patch, dict):
        raise BadRequest("error decoding patch: a strategic merge patch must be a JSON object")
    schema = schema or _NO_SCHEMA
    properties = schema.get("properties") or {}
    if not (properties.get("metadata") or {}).get("properties"):
        schema = {**schema, "properties": {**properties, "metadata": OBJECT_META}}
    try:
        return merge_map(deep_copy(obj), deep_copy(patch), schema)
    except RecursionError as cause:
        raise BadRequest("error decoding patch: it is nested too deeply") from cause


def merge_map(original: Object, patch: Object, schema: Object) -> Object:
    """Merge a patch into a map in place (both belong to the caller) and return the outcome."""
    directive = patch.pop(DIRECTIVE, None)
    if directive == "replace":
        replacement: Object = without_directives(patch)
        return replacement
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise BadRequest(f"unknown patch type found: {directive}")
    _retain_keys(original, patch)
    _apply_element_orders(original, patch, schema)
    for key, value in patch.items():
        if key.startswith(DELETE_FROM_PRIMITIVE_LIST):
            _delete_from_primitive_list(original, key.removeprefix(DELETE_FROM_PRIMITIVE_LIST), value)
        elif value is None:
            original.pop(key, None)
        elif key not in original or original[key].__class__ is not value.__class__:
            original[key] = without_directives(value)
        elif isinstance(value, dict):
            field = field_of(schema, key)
            original[key] = (
                without_directives(value) if field.replaces else merge_map(original[key], value, field.schema)
            )
        elif isinstance(value, list):
            original[key] = merge_list(original[key], value, field_of(schema, key))
        else:
            original[key] = value
    return original


def merge_list(original: list[Any], patch: list[Any], field: Field) -> list[Any]:
    """Merge a list, or replace it when the schema names no merge strategy."""
    if not field.merges:
        return [without_directives(item) for item in patch]
    if not original and not patch:
        return original
    kinds = {isinstance(item, dict) for item in (*original, *patch)}
    if len(kinds) > 1:
        raise BadRequest("list element types are not identical")
    if kinds == {False}:
        merged = list(original)
        merged.extend(item for index, item in enumerate(patch) if item not in original and item not in patch[:index])
    else:
        if not field.merge_key:
            raise BadRequest("cannot merge lists without merge key")
        original, patch = strategiclists.apply_special_items(original, patch, field.merge_key, DIRECTIVE)
        merged = _merge_items(original, patch, field)
    return strategiclists.in_order(merged, patch, original, field.merge_key)


def _merge_items(original: list[Object], patch: list[Object], field: Field) -> list[Object]:
    items_schema = field.schema.get("items") or _NO_SCHEMA
    merged = list(original)
    for item in patch:
        value = strategiclists.key_of(item, field.merge_key)
        for index, existing in enumerate(merged):
            if existing.get(field.merge_key) == value:
                merged[index] = merge_map(existing, dict(item), items_schema)
                break
        else:
            merged.append(without_directives(item))
    return merged


def _apply_element_orders(original: Object, patch: Object, schema: Object) -> None:
    """Process each `$setElementOrder/<field>` with the field's own patch, and take both out of the patch."""
    for directive in [key for key in patch if key.startswith(SET_ELEMENT_ORDER)]:
        order = patch.pop(directive)
        key = directive.removeprefix(SET_ELEMENT_ORDER)
        changes = patch.get(key)
        existing = original.get(key)
        if not isinstance(order, list):
            raise BadRequest(f"{directive} must be a list")
        if not isinstance(changes, list | None) or not isinstance(existing, list | None):
            continue
        field = field_of(schema, key)
        if changes is not None:
            strategiclists.check_order(changes, order, field.merge_key, DIRECTIVE)
        if existing is None and changes is None:
            continue
        before = list(existing or [])
        if changes is None:
            merged = before
        elif existing is None:
            merged = [without_directives(item) for item in changes if not _is_deletion(item)]
        else:
            merged = merge_list(existing, changes, field)
        original[key] = strategiclists.in_order(merged, order, before, field.merge_key)
        patch.pop(key, None)


def _retain_keys(original: Object, patch: Object) -> None:
    retained = patch.pop(RETAIN_KEYS, None)
    if retained is None:
        return
    if not isinstance(retained, list):
        raise BadRequest(f"{RETAIN_KEYS} must be a list")
    for key, value in patch.items():
        if value is not None and not key.startswith("$") and key not in retained:
            raise BadRequest(f"{RETAIN_KEYS} lists {retained}, but the patch sets {key}")
    for key in [key for key in original if key not in retained]:
        del original[key]


def _delete_from_primitive_list(original: Object, key: str, values: Any) -> None:
    if not isinstance(values, list):
        raise BadRequest(f"{DELETE_FROM_PRIMITIVE_LIST}{key} must be a list")
    existing = original.get(key)
    if isinstance(existing, list):
        original[key] = [item for item in existing if item not in values]


def _is_deletion(item: Any) -> bool:
    return isinstance(item, dict) and item.get(DIRECTIVE) == "delete"


def without_directives(value: Any) -> Any:
    """A value that is added as a whole: its directives and nulls don't become part of the object."""
    if isinstance(value, dict):
        return {
            key: without_directives(item)
            for key, item in value.items()
            if item is not None and key not in (DIRECTIVE, RETAIN_KEYS) and not key.startswith(_LIST_DIRECTIVES)
        }
    if isinstance(value, list):
        return [without_directives(item) for item in value if not _is_deletion(item)]
    return value


_LIST_DIRECTIVES = (SET_ELEMENT_ORDER, DELETE_FROM_PRIMITIVE_LIST)


def field_of(schema: Object, key: str) -> Field:
    """How the schema wants a field patched."""
    found = (schema.get("properties") or _NO_SCHEMA).get(key)
    if found is None:
        additional = schema.get("additionalProperties")
        found = additional if isinstance(additional, dict) else _NO_SCHEMA
    strategies = str(found.get("x-kubernetes-patch-strategy", "")).split(",")
    merge_key = found.get("x-kubernetes-patch-merge-key") or ""
    return Field(found, "merge" in strategies, "replace" in strategies, merge_key)
