"""The typed merge of server-side apply: put an applied configuration over a live object, take given paths out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from headwater.machinery.errors import BadRequest
from headwater.machinery.objects import Object
from headwater.patch.compare import whole
from headwater.patch.fieldset import LEAF, MEMBER, Node, is_member, path_text
from headwater.patch.fieldtypes import SYSTEM_METADATA, FieldType, ListType, MapType, RootType

# Of the metadata that nobody owns, what an applied configuration may still say: who it is for, and its preconditions.
_TAKEN_FROM_CONFIGURATION = frozenset({"name", "namespace", "uid", "resourceVersion"})
_CONTAINERS = (dict, list)
_GRANULAR = (MapType, ListType)


@dataclass(slots=True)
class Merged:
    """Field sets of one merge: `applied` is what the configuration names, `touched` what it changed in the object."""

    applied: Node = field(default_factory=dict)
    touched: Node = field(default_factory=dict)
    identity_changed: bool = False


def merge(kind: RootType, target: Object, configuration: Object, *, ignore: frozenset[str]) -> Merged:
    """Merge `configuration` into `target` in place, without the top-level fields in `ignore`.

    Values of the configuration become part of the target. Raises BadRequest for list items without their key fields and
    for the same key twice, as Kubernetes does.
    """
    result = Merged()
    for key, value in configuration.items():
        if key in ignore:
            continue
        if key in kind.ignored:
            if target.get(key) != value:
                target[key] = value
                result.identity_changed = True
            continue
        node, touched = _merge_entry(kind, target, key, value, ("f:" + key,))
        if key == "metadata" and node is not None and is_member(node):
            node = {child: below for child, below in node.items() if child != MEMBER} or None
        if key == "metadata" and isinstance(value, dict):
            result.identity_changed |= _merge_identity(target["metadata"], value)
            if touched is not None:
                touched = {child: below for child, below in touched.items() if child != MEMBER} or None
        if node is not None:
            result.applied["f:" + key] = node
        if touched is not None:
            result.touched["f:" + key] = touched
    return result


def _merge_identity(metadata: Object, configuration: Object) -> bool:
    changed = False
    for key in _TAKEN_FROM_CONFIGURATION & configuration.keys():
        value = configuration[key]
        if value not in (None, "") and metadata.get(key) != value:
            metadata[key] = value
            changed = True
    return changed


def _merge_entry(
    kind: MapType, target: Object, key: str, value: Any, path: tuple[str, ...]
) -> tuple[Node | None, Node | None]:
    """Merge one entry of a map; the node of what was applied and of what changed (None for none)."""
    present = key in target
    current = target.get(key)
    if value.__class__ is str and current == value:
        return LEAF, None
    field_kind = kind.field(key)
    if isinstance(field_kind, MapType) and isinstance(value, dict):
        node, touched = _merge_map(field_kind, target, key, value, path)
        if node is None:
            return (LEAF if not value or not kind.is_named(key) else None), touched
        return (node if kind.is_named(key) else {MEMBER: LEAF, **node}), touched
    if isinstance(field_kind, ListType) and isinstance(value, list):
        before = current if isinstance(current, list) else []
        merged, node, touched = _merge_list(field_kind, before, value, path)
        target[key] = merged
        if not present or not isinstance(current, list):
            touched = {MEMBER: LEAF, **touched} if touched else LEAF
        return (node if kind.is_named(key) else {MEMBER: LEAF, **(node or {})}), touched
    if value is None:
        return LEAF, _clear(field_kind, target, key)
    if present and same(current, value):
        return LEAF, None
    target[key] = value
    return LEAF, LEAF


def _clear(kind: FieldType, target: Object, key: str) -> Node | None:
    """Apply null: a scalar or atomic value goes, what is owned item by item stays, an absent field stays absent."""
    if target.get(key) is None or (isinstance(kind, _GRANULAR) and isinstance(target[key], _CONTAINERS)):
        return None
    del target[key]
    return LEAF


def _merge_map(
    kind: MapType, target: Object, key: str, value: Object, path: tuple[str, ...]
) -> tuple[Node | None, Node | None]:
    current = target.get(key)
    fresh = not isinstance(current, dict)
    if fresh:
        current = target[key] = {}
    assert isinstance(current, dict)
    applied: Node = {}
    touched: Node = {}
    skip = kind.ignored
    for name, item in value.items():
        if name in skip:
            continue
        element = "f:" + name
        node, changed = _merge_entry(kind, current, name, item, (*path, element))
        if node is not None:
            applied[element] = node
        if changed is not None:
            touched[element] = changed
    if fresh:
        return applied or None, ({MEMBER: LEAF, **touched} if touched else LEAF)
    return applied or None, touched or None


def _merge_list(
    kind: ListType, old: list[Any], new: list[Any], path: tuple[str, ...]
) -> tuple[list[Any], Node | None, Node | None]:
    """Merged items in the order that keeps both lists' own order where it can, with applied and touched nodes."""
    new_paths = _paths_of_configuration(kind, new, path)
    old_paths = [kind.path_element(item) for item in old]
    by_path: dict[str | None, Any] = {}
    twice = set()
    for element, item in zip(old_paths, old, strict=True):
        if element in by_path:
            twice.add(element)
        by_path[element] = item
    applied: Node = {}
    touched: Node = {}
    merged_items: dict[str | None, Any] = {}
    for element, item in zip(new_paths, new, strict=True):
        known = element in by_path and element not in twice
        node, changed, merged = _merge_item(kind.element, by_path.get(element), item, (*path, element), known=known)
        merged_items[element] = merged
        applied[element] = node
        if changed is not None:
            touched[element] = changed
    order = new_paths if old_paths == new_paths else _order(old_paths, new_paths)
    items = [merged_items[place] if isinstance(place, str) else old[place] for place in order]
    return items, applied or None, touched or None


def _merge_item(
    kind: FieldType, current: Any, item: Any, path: tuple[str, ...], *, known: bool
) -> tuple[Node, Node | None, Any]:
    if not known:
        holder: Object = {}
        node = {MEMBER: LEAF}
        if isinstance(kind, MapType) and isinstance(item, dict):
            below, _ = _merge_map(kind, holder, "item", item, path)
            node = {MEMBER: LEAF, **(below or {})}
            item = holder["item"]
        return (node if len(node) > 1 else LEAF), whole(kind, item), item
    if isinstance(kind, MapType) and isinstance(item, dict) and isinstance(current, dict):
        holder = {"item": current}
        below, changed = _merge_map(kind, holder, "item", item, path)
        return ({MEMBER: LEAF, **below} if below else LEAF), changed, current
    return LEAF, (None if same(current, item) else LEAF), item


def _paths_of_configuration(kind: ListType, items: list[Any], path: tuple[str, ...]) -> list[str]:
    paths: list[str] = []
    seen = set()
    for item in items:
        element = kind.path_element(item)
        if element is None:
            missing = [key for key in kind.keys if not isinstance(item, dict) or item.get(key) is None]
            raise BadRequest(
                f"failed to create typed patch object: {path_text(path)}: associative list with keys has an element "
                f'that omits key field "{missing[0]}" (and doesn\'t have default value)'
            )
        if element in seen:
            raise BadRequest(
                f"failed to create typed patch object: {path_text(path)}: "
                f"duplicate entries for key {path_text((element,))}"
            )
        seen.add(element)
        paths.append(element)
    return paths


def _order(old: list[str | None], new: list[str]) -> list[str | int]:
    """The order of a merged list: places in the old list (ints) for items that only it has, path elements for the rest.

    Items keep the order of the applied list; items of the live list alone stay where they are between shared items.
    """
    in_old, in_new = set(old), set(new)
    shared = [element for element in new if element in in_old]
    wanted = shared.pop(0) if shared else None
    done = set()
    order: list[str | int] = []
    left = right = 0
    while left < len(old) or right < len(new):
        if left < len(old):
            element = old[left]
            if element not in in_new:
                order.append(left)
                left += 1
                continue
            if element in done or (right < len(new) and wanted is not None and element != wanted):
                left += 1
                continue
        if right < len(new):
            pick = new[right]
            done.add(pick)
            order.append(pick)
            right += 1
            if left < len(old) and old[left] == pick:
                left += 1
            if pick == wanted:
                wanted = shared.pop(0) if shared else None
    return order


def same(left: Any, right: Any) -> bool:
    """Equality of JSON values: `true` isn't `1`."""
    if left.__class__ is not right.__class__ and bool in (left.__class__, right.__class__):
        return False
    if left != right:
        return False
    if isinstance(left, dict):
        return all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list):
        return all(map(same, left, right))
    return True


def remove(kind: FieldType, value: Any, paths: Node) -> Any:
    """Take the members of `paths` out of `value`, in place where it is a map; the value that remains."""
    if isinstance(kind, MapType) and isinstance(value, dict):
        for element, below in paths.items():
            name = element[2:]
            if element[:2] != "f:" or name not in value:
                continue
            if is_member(below):
                del value[name]
            else:
                value[name] = remove(kind.field(name), value[name], below)
        return value
    if isinstance(kind, ListType) and isinstance(value, list):
        kept = []
        for item in value:
            below_item = paths.get(kind.path_element(item) or "")
            if below_item is None:
                kept.append(item)
            elif not is_member(below_item):
                kept.append(remove(kind.element, item, below_item))
        return kept
    return value


def named_as_members(kind: FieldType, node: Node) -> Node:
    """The set with every struct field on the way to a member made a member itself, the form to prune by."""
    if not node or not isinstance(kind, _GRANULAR):
        return node
    result: Node = {}
    for element, child in node.items():
        if element == MEMBER:
            result[element] = child
            continue
        if isinstance(kind, MapType):
            name = element[2:]
            below = named_as_members(kind.field(name), child)
            result[element] = {MEMBER: LEAF, **below} if below and kind.is_named(name) else below
        else:
            result[element] = named_as_members(kind.element, child)
    return result


assert _TAKEN_FROM_CONFIGURATION <= SYSTEM_METADATA
