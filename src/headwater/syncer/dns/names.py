"""Names of the cluster domain as a workspace says them, and as the pcluster does (pure).

A name is a tuple of labels as they were on the wire, without the root: a dot inside of a label separates nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Self

Labels = tuple[bytes, ...]

LONGEST_LABEL: Final = 63
LONGEST_NAME: Final = 255
"""Octets of a whole name on the wire: a length before each label, and the root."""
REVERSE_ZONES: Final[tuple[Labels, ...]] = ((b"in-addr", b"arpa"), (b"ip6", b"arpa"))
_SERVICES: Final = b"svc"
_PODS: Final = b"pod"
_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class Where(Enum):
    """What a workspace may know of a name."""

    OUTSIDE = "not in the cluster domain"
    ABSENT = "in the cluster domain, and nothing of this workspace"
    EMPTY = "a name above those of the workspace, which has no records of its own"
    INSIDE = "in a namespace of the workspace"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a name belongs; ``downstream`` is what the pcluster calls it when it is inside."""

    where: Where
    downstream: Labels = ()


@dataclass(frozen=True, slots=True)
class NameMap:
    """The namespaces of one workspace and their downstream names, under one cluster domain."""

    domain: Labels
    down: Mapping[bytes, bytes] = field(default_factory=dict)
    up: Mapping[bytes, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, domain: str, data: Mapping[str, object]) -> Self:
        """The map that a ConfigMap's data says; what is no namespace's name is left out."""
        down: dict[bytes, bytes] = {}
        up: dict[bytes, bytes] = {}
        for upstream, downstream in sorted(data.items()):
            if isinstance(downstream, str) and _NAMESPACE.fullmatch(upstream) and _NAMESPACE.fullmatch(downstream):
                down[upstream.encode()] = downstream.encode()
                up.setdefault(downstream.encode(), upstream.encode())
        return cls(labels_of(domain), down, up)

    def contains(self, name: Labels) -> bool:
        """Whether a name is the cluster domain, or under it."""
        return is_under(name, self.domain)

    def locate(self, name: Labels) -> Place:
        """What a name of the workspace is on the pcluster."""
        if not self.contains(name):
            return Place(Where.OUTSIDE)
        rest = name[: len(name) - len(self.domain)]
        kind = rest[-1].lower() if rest else b""
        if not rest or (len(rest) == 1 and kind in (_SERVICES, _PODS)):
            return Place(Where.EMPTY)
        if kind not in (_SERVICES, _PODS) or len(rest) < 2:
            return Place(Where.ABSENT)
        downstream = self.down.get(rest[-2].lower())
        if downstream is None:
            return Place(Where.ABSENT)
        if len(rest) == 2:
            return Place(Where.EMPTY)
        found = _with_namespace(name, len(rest) - 2, downstream)
        # What is too long with the longer label has no records on the pcluster either.
        return Place(Where.INSIDE, found) if fits(found) else Place(Where.ABSENT)

    def restore(self, name: Labels) -> Labels | None:
        """What the workspace calls a name of the pcluster's in the cluster domain; None for what isn't its own."""
        rest = name[: len(name) - len(self.domain)]
        if not self.contains(name) or len(rest) < 3 or rest[-1].lower() not in (_SERVICES, _PODS):
            return None
        upstream = self.up.get(rest[-2].lower())
        if upstream is None:
            return None
        found = _with_namespace(name, len(rest) - 2, upstream)
        return found if fits(found) else None

    def alias(self, target: Labels) -> Labels | None:
        """What an alias into the cluster domain means to the workspace; None when it leads to somebody else.

        An ExternalName goes down as its owner wrote it, so it speaks of the workspace's own namespaces first.
        """
        return target if self.locate(target).where is Where.INSIDE else self.restore(target)


def labels_of(text: str) -> Labels:
    """Labels of a plain name without escapes, such as `cluster.local`."""
    return tuple(label.encode() for label in text.strip(".").split(".") if label)


def is_under(name: Labels, zone: Labels) -> bool:
    """Whether a name is a zone's, or under it; case is of no matter."""
    return len(name) >= len(zone) and same(name[len(name) - len(zone) :], zone)


def is_reverse(name: Labels) -> bool:
    """Whether a name asks whose an address is."""
    return any(is_under(name, zone) for zone in REVERSE_ZONES)


def same(one: Labels, other: Labels) -> bool:
    """Whether two names are equal, as DNS sees it."""
    return len(one) == len(other) and all(a.lower() == b.lower() for a, b in zip(one, other, strict=True))


def fits(name: Labels) -> bool:
    """Whether labels make a name that can be sent."""
    total = sum(len(label) + 1 for label in name) + 1
    return total <= LONGEST_NAME and all(0 < len(label) <= LONGEST_LABEL for label in name)


def _with_namespace(name: Labels, index: int, namespace: bytes) -> Labels:
    return (*name[:index], namespace, *name[index + 1 :])
