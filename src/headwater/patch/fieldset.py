"""Sets of field paths, kept as the decoded FieldsV1 tree itself.

A node maps path elements (`f:name`, `k:{...}`, `v:value`, `i:0`) to child nodes. A node is a member of the set when it
is empty (a leaf) or holds the key `.`; an absent node is written `None`. The root is never a member, so an empty set is
`{}` there. Trees are never changed in place: operations share what they don't change and return the very same node when
nothing changed, so `result is operand` means "unchanged", and encoding a set costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headwater.base import jsonio

Node = dict[str, Any]

LEAF: Node = {}
MEMBER = "."


def is_member(node: Node) -> bool:
    """Whether the path that leads to this node is itself in the set."""
    return not node or MEMBER in node


def as_member(node: Node) -> Node:
    """The node with its own path added to the set."""
    return node if not node or MEMBER in node else {MEMBER: LEAF, **node}


def subtract(left: Node, right: Node) -> Node | None:
    """The node `left` without what `right` holds; None when nothing is left.

    A leaf in `right` takes everything below it in `left` along: a leaf stands for a whole value, so what an older
    schema recorded inside it is gone too.
    """
    if not right:
        return None
    if not left:
        return None if MEMBER in right else left
    result = left
    for key, right_child in right.items():
        left_child = left.get(key)
        if left_child is None:
            continue
        rest = None if key == MEMBER else subtract(left_child, right_child)
        if rest is left_child:
            continue
        if result is left:
            result = dict(left)
        if rest is None:
            del result[key]
        else:
            result[key] = rest
    return result if result is left else _normal(result)


def subtract_root(left: Node, right: Node | None) -> Node:
    """Set difference of whole sets."""
    if not right or not left:
        return left
    return subtract(left, right) or {}


def subtract_exactly(left: Node, right: Node) -> Node | None:
    """The node `left` without the members of `right`, path by path: what lies below a member of `right` stays."""
    if not left:
        return None if is_member(right) else left
    result = left
    if not right and MEMBER in left:
        result = {key: child for key, child in left.items() if key != MEMBER}
    for key, right_child in right.items():
        left_child = left.get(key)
        if left_child is None:
            continue
        rest = None if key == MEMBER else subtract_exactly(left_child, right_child)
        if rest is left_child:
            continue
        if result is left:
            result = dict(left)
        if rest is None:
            del result[key]
        else:
            result[key] = rest
    return result if result is left else _normal(result)


def union(left: Node, right: Node) -> Node:
    """Both nodes' paths, for nodes below the root; `left` itself when `right` adds nothing."""
    if left is right:
        return left
    if not left:
        return as_member(right) if right else left
    if not right:
        return as_member(left)
    return union_root(left, right)


def union_root(left: Node, right: Node) -> Node:
    """Union of whole sets; `left` itself when `right` adds nothing."""
    if not left:
        return right
    result = left
    for key, right_child in right.items():
        left_child = left.get(key)
        if left_child is None:
            if result is left:
                result = dict(left)
            result[key] = right_child
            continue
        if key == MEMBER:
            continue
        both = union(left_child, right_child)
        if both is not left_child:
            if result is left:
                result = dict(left)
            result[key] = both
    return result


def intersect(left: Node, right: Node) -> Node | None:
    """The paths that are in both nodes; None when there are none."""
    if not left:
        return left if is_member(right) else None
    if not right:
        return LEAF if MEMBER in left else None
    result: Node = {}
    for key, left_child in left.items():
        right_child = right.get(key)
        if right_child is None:
            continue
        both = LEAF if key == MEMBER else intersect(left_child, right_child)
        if both is not None:
            result[key] = both
    return _normal(result)


def without_inner(node: Node) -> Node:
    """A whole set reduced to its outermost members: each a leaf, which stands for all below it."""
    return {key: LEAF if is_member(child) else without_inner(child) for key, child in node.items()}


def _normal(node: Node) -> Node | None:
    """`{".": {}}` is written `{}`; a node without members is None."""
    if not node:
        return None
    return LEAF if len(node) == 1 and MEMBER in node else node


def iterate(node: Node, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """All paths of a set, members of a level first, each level sorted (the order in which conflicts are reported)."""
    below = []
    for key in sorted(node):
        if key == MEMBER:
            continue
        child = node[key]
        if is_member(child):
            yield (*prefix, key)
        if child:
            below.append(key)
    for key in below:
        yield from iterate(node[key], (*prefix, key))


def path_text(path: tuple[str, ...]) -> str:
    """A path as Kubernetes prints it: `.containers[name="app"].image`, `.finalizers[="x"]`, `.args[0]`."""
    return "".join(_element_text(element) for element in path)


def _element_text(element: str) -> str:
    kind, _, rest = element.partition(":")
    if kind == "f":
        return "." + rest
    if kind == "k":
        keys = jsonio.loads(rest)
        return "[" + ",".join(f"{key}={_value_text(keys[key])}" for key in sorted(keys)) + "]"
    if kind == "v":
        return f"[={_value_text(jsonio.loads(rest))}]"
    return f"[{rest}]"


def _value_text(value: Any) -> str:
    return jsonio.dumps(value).decode()


def is_valid(tree: Any) -> bool:
    """Whether a value that a client sent is a FieldsV1 tree: objects all the way down with known path elements."""
    if not isinstance(tree, dict):
        return False
    for key, child in tree.items():
        if key == MEMBER:
            if child != LEAF:
                return False
            continue
        if key[:2] not in ("f:", "k:", "v:", "i:") or not is_valid(child):
            return False
        if key[0] in "kv" and not _is_json(key[2:], must_be_object=key[0] == "k"):
            return False
        if key[0] == "i" and not key[2:].isdigit():
            return False
    return True


def _is_json(text: str, *, must_be_object: bool) -> bool:
    try:
        value = jsonio.loads(text)
    except ValueError:
        return False
    return isinstance(value, dict) if must_be_object else True
