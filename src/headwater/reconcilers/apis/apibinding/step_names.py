"""Whether a resource's names are free in a logical cluster. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from headwater.machinery import objects
from headwater.machinery.objects import Object


@dataclass(frozen=True, slots=True)
class ResourceNames:
    """The names that one resource takes in its group, and who takes them (for people)."""

    group: str
    plural: str
    names: frozenset[str]
    kinds: frozenset[str]
    owner: str

    def conflict(self, other: ResourceNames) -> str:
        """What of the other's names this one takes too; "" when they get along."""
        if self.group != other.group:
            return ""
        shared = sorted(self.names & other.names) or sorted(self.kinds & other.kinds)
        return f"naming conflict with {other.owner}: {', '.join(shared)}" if shared else ""


def names_of(group: str, names: Mapping[str, object], owner: str) -> ResourceNames:
    """The names in ``spec.names`` of a CRD or an APIResourceSchema."""
    plural, kind = str(names.get("plural") or ""), str(names.get("kind") or "")
    short = names.get("shortNames")
    words = [plural, str(names.get("singular") or kind.lower()), *(short if isinstance(short, list) else ())]
    kinds = [kind, str(names.get("listKind") or f"{kind}List")]
    return ResourceNames(group, plural, frozenset(words), frozenset(kinds), owner)


def names_of_crd(crd: Object) -> ResourceNames:
    group = objects.nested(crd, "spec", "group", default="")
    owner = f"local CustomResourceDefinition {objects.name(crd)}"
    return names_of(group, objects.nested(crd, "spec", "names", default={}), owner)


def first_conflict(wanted: Iterable[ResourceNames], taken: Iterable[ResourceNames]) -> str:
    """The first conflict of wanted names with taken ones; "" when there is none."""
    others = list(taken)
    for names in wanted:
        for other in others:
            problem = names.conflict(other)
            if problem:
                return problem
    return ""
