"""What an update touched: the field sets that lie between two versions of an object."""

from __future__ import annotations

from typing import Any, NamedTuple

from headwater.machinery.objects import Object
from headwater.patch.fieldset import LEAF, MEMBER, Node
from headwater.patch.fieldtypes import FieldType, ListType, MapType, RootType

_EMPTY: Object = {}
_CONTAINERS = (dict, list)
_LISTS = (list, tuple)


class Changes(NamedTuple):
    """Field sets: `touched` was added or has another value, `removed` is gone. An empty set is `{}`."""

    touched: Node
    removed: Node


def compare(kind: RootType, old: Object, new: Object, *, ignore: frozenset[str]) -> Changes:
    """The changes from `old` to `new`, leaving out the top-level fields in `ignore` and what the server sets."""
    touched: Node = {}
    removed: Node = {}
    skip = kind.ignored
    for key, value in new.items():
        before = old.get(key)
        if key in skip or key in ignore or (value == before and key in old):
            continue
        if key == "metadata":
            # metadata itself is never owned, so an added one is entered like a changed one.
            added, gone = _compare(kind.field(key), before if before is not None else _EMPTY, value)
        elif key in old:
            added, gone = _compare(kind.field(key), before, value)
        else:
            added, gone = whole(kind.field(key), value), None
        if added is not None:
            touched["f:" + key] = added
        if gone is not None:
            removed["f:" + key] = gone
    for key in old:
        if key not in new and key not in skip and key not in ignore:
            removed["f:" + key] = LEAF
    return Changes(touched, removed)


def whole(kind: FieldType, value: Any) -> Node:
    """Every path of a value that was added, containers included."""
    if isinstance(kind, MapType) and isinstance(value, dict) and value:
        node: Node = {MEMBER: LEAF}
        skip = kind.ignored
        for key, item in value.items():
            if key not in skip:
                node["f:" + key] = whole(kind.field(key), item) if isinstance(item, _CONTAINERS) else LEAF
        return node if len(node) > 1 else LEAF
    if isinstance(kind, ListType) and isinstance(value, list) and value:
        node = {MEMBER: LEAF}
        element = kind.element
        for item in value:
            path = kind.path_element(item)
            if path is not None:
                node[path] = whole(element, item)
        return node
    return LEAF


def _compare(kind: FieldType, old: Any, new: Any) -> tuple[Node | None, Node | None]:
    """Touched and removed nodes of a value present on both sides that isn't equal."""
    if isinstance(kind, MapType):
        old_map = _EMPTY if old is None else old
        new_map = _EMPTY if new is None else new
        if isinstance(old_map, dict) and isinstance(new_map, dict) and (old_map or new_map):
            return _compare_maps(kind, old_map, new_map)
    elif isinstance(kind, ListType):
        old_list = () if old is None else old
        new_list = () if new is None else new
        if isinstance(old_list, _LISTS) and isinstance(new_list, _LISTS) and (old_list or new_list):
            return _compare_lists(kind, old_list, new_list)
    return LEAF, None


def _compare_maps(kind: MapType, old: Object, new: Object) -> tuple[Node | None, Node | None]:
    touched: Node = {}
    removed: Node = {}
    skip = kind.ignored
    for key, value in new.items():
        if key in skip:
            continue
        if key not in old:
            touched["f:" + key] = whole(kind.field(key), value) if isinstance(value, _CONTAINERS) else LEAF
            continue
        before = old[key]
        if value == before:
            continue
        added, gone = _compare(kind.field(key), before, value)
        if added is not None:
            touched["f:" + key] = added
        if gone is not None:
            removed["f:" + key] = gone
    if len(old) > len(new) or not old.keys() <= new.keys():
        for key in old:
            if key not in new and key not in skip:
                removed["f:" + key] = LEAF
    return touched or None, removed or None


def _compare_lists(
    kind: ListType, old: list[Any] | tuple[Any, ...], new: list[Any] | tuple[Any, ...]
) -> tuple[Node | None, Node | None]:
    touched: Node = {}
    removed: Node = {}
    element = kind.element
    before = {kind.path_element(item): item for item in old}
    seen = set()
    for item in new:
        path = kind.path_element(item)
        if path is None or path in seen:
            continue
        seen.add(path)
        if path not in before:
            touched[path] = whole(element, item)
        elif item != before[path]:
            added, gone = _compare(element, before[path], item)
            if added is not None:
                touched[path] = added
            if gone is not None:
                removed[path] = gone
    for path in before:
        if path is not None and path not in seen:
            removed[path] = LEAF
    return touched or None, removed or None
