"""The paths of a resource and what can be done there, before any OpenAPI version words it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from headwater.apiserver.openapi.definitions import (
    DELETE_OPTIONS,
    PATCH,
    SCALE,
    STATUS,
    definition_name,
    list_definition_name,
)
from headwater.apiserver.openapi.interface import ServedResource

Object = dict[str, Any]

PATCH_TYPES = ("application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json")
STRATEGIC_MERGE = "application/strategic-merge-patch+json"
OBJECT_TYPES = ("application/json", "application/yaml")
STREAM_TYPES = ("application/json;stream=watch",)

_DRY_RUN = ("dryRun", "string", "When present, indicates that modifications should not be persisted.")
_MANAGER = ("fieldManager", "string", "A name of the actor that is making these changes.")
_VALIDATION = (
    "fieldValidation",
    "string",
    "How the server treats unknown and duplicate fields: Ignore, Warn or Strict. The default is Warn.",
)
_FORCE = ("force", "boolean", "Force takes over conflicting fields owned by other managers. Only for apply requests.")
_READ = (
    ("allowWatchBookmarks", "boolean", "Asks for watch events of type BOOKMARK."),
    ("continue", "string", "Where to go on with a list, as the last answer told."),
    ("fieldSelector", "string", "Restricts the objects by their fields. Defaults to everything."),
    ("labelSelector", "string", "Restricts the objects by their labels. Defaults to everything."),
    ("limit", "integer", "The most objects to answer in one response."),
    ("resourceVersion", "string", "Constrains the versions that the answer may be of."),
    ("resourceVersionMatch", "string", "How resourceVersion is applied to lists: Exact or NotOlderThan."),
    ("sendInitialEvents", "boolean", "Starts a watch with events for all objects that there are."),
    ("timeoutSeconds", "integer", "Ends the call after this time, whatever happens."),
    ("watch", "boolean", "Answers a stream of changes instead of a list."),
)
_DELETE = (
    _DRY_RUN,
    ("gracePeriodSeconds", "integer", "How long to wait before the object is deleted."),
    ("orphanDependents", "boolean", "Deprecated: use propagationPolicy."),
    ("propagationPolicy", "string", "Orphan, Background or Foreground."),
)
_WRITE = (_DRY_RUN, _MANAGER, _VALIDATION)

Parameter = tuple[str, str, str]
"""Name, type and description of a query parameter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method on one path; ``body`` and ``answer`` are names of definitions, ``body`` "" for none."""

    method: str
    action: str
    identifier: str
    description: str
    gvk: Object
    answer: str
    parameters: tuple[Parameter, ...] = ()
    body: str = ""
    consumes: tuple[str, ...] = ()
    produces: tuple[str, ...] = OBJECT_TYPES
    codes: tuple[int, ...] = (200,)
    tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathItem:
    """A path with its ``{namespace}`` and ``{name}`` parameters, and the operations on it."""

    path: str
    parameters: tuple[Parameter, ...]
    operations: tuple[Operation, ...]


def path_items(resource: ServedResource) -> list[PathItem]:
    """All paths of a resource: its collections, its objects, and their status and scale."""
    return list(_Paths(resource).items())


class _Paths:
    def __init__(self, resource: ServedResource) -> None:
        self._resource = resource
        group, version = resource.group, resource.version
        root = f"/apis/{group}/{version}" if group else f"/api/{version}"
        self._everywhere = f"{root}/{resource.resource}"
        scoped = f"{root}/namespaces/{{namespace}}/{resource.resource}"
        self._collection = scoped if resource.namespaced else self._everywhere
        self._gvk = {"group": group, "kind": resource.kind, "version": version}
        self._name = definition_name(resource)
        words = re.split(r"[.\-]", (group or "core").removesuffix(".k8s.io"))
        self._tag = "_".join([*words, version]) if group else f"core_{version}"
        self._stem = "".join(word[:1].upper() + word[1:] for word in [*words, version])
        self._scope = "Namespaced" if resource.namespaced else ""
        self._patch_types = PATCH_TYPES + ((STRATEGIC_MERGE,) if resource.native_merge or resource.native else ())

    def items(self) -> Iterator[PathItem]:
        namespace = (("namespace", "string", "object name and auth scope, such as for teams and projects"),)
        scope = namespace if self._resource.namespaced else ()
        name = (("name", "string", f"name of the {self._resource.kind}"),)
        if self._resource.namespaced and "list" in self._resource.verbs:
            yield PathItem(path=self._everywhere, parameters=(), operations=(self._list(everywhere=True),))
        yield from _filled(self._collection, scope, self._on_collection())
        yield from _filled(f"{self._collection}/{{name}}", (*name, *scope), self._on_object("", self._name, self._gvk))
        scale = {"group": "autoscaling", "kind": "Scale", "version": "v1"}
        for subresource, definition, gvk in (("status", self._name, self._gvk), ("scale", SCALE, scale)):
            if subresource in self._resource.subresources:
                place = f"{self._collection}/{{name}}/{subresource}"
                yield from _filled(place, (*name, *scope), self._on_object(subresource, definition, gvk))

    def _operation(self, method: str, action: str, verb: str, suffix: str = "", **details: Any) -> Operation:
        """``verb`` is Kubernetes' verb in operation ids: ``readAppsV1NamespacedDeploymentStatus``."""
        leading, _, trailing = verb.partition("|")
        details.setdefault("gvk", self._gvk)
        details.setdefault("answer", self._name)
        what = f"{suffix.lower()} of the specified {self._resource.kind}" if suffix else f"a {self._resource.kind}"
        return Operation(
            method=method,
            action=action,
            identifier=f"{leading}{self._stem}{trailing}{self._scope}{self._resource.kind}{suffix}",
            description=f"{leading} {'collection of ' if trailing else ''}{what}",
            tag=self._tag,
            **details,
        )

    def _list(self, *, everywhere: bool) -> Operation:
        operation = self._operation(
            "get",
            "list",
            "list",
            answer=list_definition_name(self._resource),
            parameters=_READ,
            produces=OBJECT_TYPES + STREAM_TYPES,
        )
        if not everywhere:
            return operation
        identifier = f"list{self._stem}{self._resource.kind}ForAllNamespaces"
        return Operation(
            **{name: getattr(operation, name) for name in Operation.__slots__} | {"identifier": identifier}
        )

    def _on_collection(self) -> Iterator[Operation]:
        verbs = self._resource.verbs
        if "list" in verbs:
            yield self._list(everywhere=False)
        if "create" in verbs:
            yield self._operation(
                "post",
                "post",
                "create",
                body=self._name,
                consumes=OBJECT_TYPES,
                parameters=_WRITE,
                codes=(200, 201, 202),
            )
        if "deletecollection" in verbs:
            yield self._operation(
                "delete",
                "deletecollection",
                "delete|Collection",
                body=DELETE_OPTIONS,
                consumes=OBJECT_TYPES,
                parameters=(*_DELETE, *_READ[1:-1]),
                answer=STATUS,
            )

    def _on_object(self, subresource: str, definition: str, gvk: Object) -> Iterator[Operation]:
        verbs, suffix = self._resource.verbs, subresource.capitalize()
        common: dict[str, Any] = {"suffix": suffix, "gvk": gvk, "answer": definition}
        if "get" in verbs:
            yield self._operation("get", "get", "read", **common)
        if "update" in verbs:
            yield self._operation(
                "put",
                "put",
                "replace",
                body=definition,
                consumes=OBJECT_TYPES,
                parameters=_WRITE,
                codes=(200, 201),
                **common,
            )
        if "delete" in verbs and not subresource:
            yield self._operation(
                "delete",
                "delete",
                "delete",
                body=DELETE_OPTIONS,
                consumes=OBJECT_TYPES,
                parameters=_DELETE,
                codes=(200, 202),
                answer=STATUS,
            )
        if "patch" in verbs:
            yield self._operation(
                "patch",
                "patch",
                "patch",
                body=PATCH,
                consumes=self._patch_types,
                parameters=(*_WRITE, _FORCE),
                codes=(200, 201),
                **common,
            )


def _filled(path: str, parameters: tuple[Parameter, ...], operations: Iterator[Operation]) -> Iterator[PathItem]:
    """The path, if there is anything to do on it."""
    done = tuple(operations)
    if done:
        yield PathItem(path=path, parameters=parameters, operations=done)
