"""What workspace types mean together: finding one, what it extends, and which may be below which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from headwater.apis.tenancy.v1alpha1.workspacetype import SYSTEM_BINDINGS_INITIALIZER
from headwater.machinery import logicalcluster, objects
from headwater.machinery.objects import Object

MAX_EXTENDED = 64


class TypeReference(NamedTuple):
    """A WorkspaceType by the canonical path of its logical cluster, and its name; written ``path:name``."""

    path: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        path, _, name = text.rpartition(":")
        return cls(path, name)

    @classmethod
    def of(cls, reference: Mapping[str, str], *, default_path: str = "") -> Self:
        return cls(reference.get("path") or default_path, reference.get("name", ""))

    def __str__(self) -> str:
        return f"{self.path}:{self.name}"


class WorkspaceTypeError(Exception):
    """A WorkspaceType can't be used; the text says why, in the words that admission answers."""


class UnresolvedTypeError(WorkspaceTypeError):
    """The type, or one that it extends, doesn't exist."""


@dataclass(frozen=True, slots=True)
class ResolvedType:
    """A type with everything that it extends, itself first, each once."""

    reference: TypeReference
    cluster: str
    object: Object
    aliases: Sequence[tuple[TypeReference, str, Object]]

    def labels(self) -> dict[str, str]:
        """Labels that workspaces of the type carry."""
        out: dict[str, str] = {}
        for _, _, alias in reversed(self.aliases):
            out.update(objects.nested(alias, "spec", "additionalWorkspaceLabels", default={}))
        return out

    def default_bindings(self) -> list[tuple[str, str]]:
        """(path, export) of the APIBindings that workspaces of the type start with, each once."""
        found: dict[tuple[str, str], None] = {}
        for reference, _, alias in self.aliases:
            for binding in objects.nested(alias, "spec", "defaultAPIBindings", default=()):
                found[binding.get("path") or reference.path, binding["export"]] = None
        return list(found)

    def default_child(self) -> TypeReference | None:
        """The type of children that name none: its own, or the first one of an extended type."""
        for reference, _, alias in self.aliases:
            child = objects.nested(alias, "spec", "defaultChildWorkspaceType")
            if child:
                return TypeReference.of(child, default_path=reference.path)
        return None

    def initializers(self) -> list[str]:
        """Initializers that workspaces of the type wait for."""
        out = [str(reference) for reference, _, alias in self.aliases if objects.nested(alias, "spec", "initializer")]
        return [*out, SYSTEM_BINDINGS_INITIALIZER] if self.default_bindings() else out

    def terminators(self) -> list[str]:
        return [str(reference) for reference, _, alias in self.aliases if objects.nested(alias, "spec", "terminator")]


class TypeResolver:
    """Finds types. ``find_cluster`` turns a path into a logical cluster's name, ``path_of`` does the opposite."""

    def __init__(
        self,
        get: Callable[[str, str], Object | None],
        find_cluster: Callable[[str], str | None],
        path_of: Callable[[str], str],
    ) -> None:
        self._get = get
        self._find_cluster = find_cluster
        self._path_of = path_of

    def search(self, cluster: str, name: str) -> TypeReference:
        """The nearest type of this name, in the logical cluster or in its parents. Raises UnresolvedTypeError."""
        path = self._path_of(cluster)
        while path:
            found = self._find_cluster(path)
            if found is not None and self._get(found, name) is not None:
                return TypeReference(path, name)
            path = logicalcluster.parent(path)
        raise UnresolvedTypeError(f"workspace type cannot be resolved: {name}")

    def resolve(self, reference: TypeReference) -> ResolvedType:
        """The type and all that it extends. Raises UnresolvedTypeError, or WorkspaceTypeError for a circle."""
        aliases: list[tuple[TypeReference, str, Object]] = []
        self._collect(reference, (), {}, aliases)
        return ResolvedType(aliases[0][0], aliases[0][1], aliases[0][2], aliases)

    def _collect(
        self,
        reference: TypeReference,
        above: tuple[TypeReference, ...],
        seen: dict[TypeReference, None],
        out: list[tuple[TypeReference, str, Object]],
    ) -> None:
        if reference in above:
            raise WorkspaceTypeError(f"circular reference detected in workspace type {reference}")
        if reference in seen:
            return
        if len(seen) > MAX_EXTENDED:
            raise WorkspaceTypeError(f"workspace type {out[0][0]} extends more than {MAX_EXTENDED} others")
        cluster = self._find_cluster(reference.path)
        found = None if cluster is None else self._get(cluster, reference.name)
        if cluster is None or found is None:
            raise unresolved(reference)
        seen[reference] = None
        out.append((reference, cluster, found))
        for extended in objects.nested(found, "spec", "extend", "with", default=()):
            self._collect(TypeReference.of(extended, default_path=reference.path), (*above, reference), seen, out)


def unresolved(reference: TypeReference) -> UnresolvedTypeError:
    """What is said of a type that is not there."""
    return UnresolvedTypeError(f"workspace type cannot be resolved: {reference}")


def check_relation(parent: ResolvedType, child: ResolvedType) -> str:
    """Why a workspace of the child type can't be below one of the parent type; "" when it can."""
    return _check_limits(parent, child, "limitAllowedChildren") or _check_limits(child, parent, "limitAllowedParents")


def _check_limits(limited: ResolvedType, other: ResolvedType, field: str) -> str:
    relative, plural = ("child", "children") if field == "limitAllowedChildren" else ("parent", "parent")
    others = [reference for reference, _, _ in other.aliases]
    for reference, _, alias in limited.aliases:
        limit = objects.nested(alias, "spec", field)
        if not limit:
            continue
        if limit.get("none"):
            return f"workspace type {reference} cannot have any {plural}"
        allowed = [TypeReference.of(entry, default_path=reference.path) for entry in limit.get("types") or ()]
        if allowed and not set(others).intersection(allowed):
            return (
                f"workspace type {reference} only allows {_listed(allowed)} {relative} workspaces, "
                f"but {relative} type {other.reference} only implements {_listed(others)}"
            )
    return ""


def _listed(references: Iterable[TypeReference]) -> str:
    return f"[{' '.join(map(str, references))}]"
