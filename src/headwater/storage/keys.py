"""Storage keys: `/<group or core>/<resource>/<identity or ->/<logical cluster>/[<namespace>/]<name>`.

One resource, one logical cluster of it and one namespace of that are each a single prefix, always with a closing slash.
"""

from __future__ import annotations

from typing import NamedTuple

CORE_GROUP = "core"
NO_IDENTITY = "-"


class KeyParts(NamedTuple):
    """A key taken apart. `group` is "" for the core group, `namespace` is "" for a cluster-scoped object."""

    group: str
    resource: str
    identity: str
    cluster: str
    namespace: str
    name: str


def resource_prefix(group: str, resource: str, identity: str = NO_IDENTITY) -> str:
    """The prefix of all objects of a resource, in all logical clusters.

    Raises ValueError, as all builders here do, for text that can't be a segment: empty, or with a slash or a NUL in it.
    """
    return f"/{_segment(group or CORE_GROUP)}/{_segment(resource)}/{_segment(identity or NO_IDENTITY)}/"


def scope_prefix(resource: str, cluster: str, namespace: str = "") -> str:
    """Narrow a resource prefix to a logical cluster, and to a namespace of it when one is given."""
    if namespace:
        return f"{resource}{_segment(cluster)}/{_segment(namespace)}/"
    return f"{resource}{_segment(cluster)}/"


def build_key(resource: str, cluster: str, namespace: str, name: str) -> str:
    """The key of one object below a resource prefix; an empty namespace means cluster-scoped."""
    return scope_prefix(resource, cluster, namespace) + _segment(name)


def parse_key(key: str) -> KeyParts:
    """Take a key apart. Raises ValueError when it isn't the key of an object."""
    segments = key.split("/")
    if len(segments) not in (6, 7) or segments[0] or "" in segments[1:]:
        raise ValueError(f"not a storage key: {key!r}")
    group, resource, identity, cluster = segments[1:5]
    namespace = segments[5] if len(segments) == 7 else ""
    return KeyParts("" if group == CORE_GROUP else group, resource, identity, cluster, namespace, segments[-1])


def resource_prefix_of(key: str) -> str:
    """The resource prefix that a key lies under: its first three segments; "" when it has fewer."""
    try:
        return key[: key.index("/", key.index("/", key.index("/", 1) + 1) + 1) + 1]
    except ValueError:
        return ""


def prefix_end(prefix: str) -> str | None:
    """The smallest string above every string that begins with `prefix`, or None when there is no such bound.

    Python compares strings by code point and SQLite by UTF-8 bytes, which is the same order; surrogates have no UTF-8
    form and are stepped over.
    """
    for end in range(len(prefix), 0, -1):
        code = ord(prefix[end - 1])
        if code < 0x10FFFF:
            return prefix[: end - 1] + chr(0xE000 if code == 0xD7FF else code + 1)
    return None


def _segment(text: str) -> str:
    if not text or "/" in text or "\0" in text:
        raise ValueError(f"not a segment of a storage key: {text!r}")
    return text
