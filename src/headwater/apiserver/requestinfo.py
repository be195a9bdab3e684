"""Reads a request line as the Kubernetes API does: which resource, which verb, which object.

Pure. The rules, with their corner cases, are those of the RequestInfo resolver of Kubernetes' API server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from headwater.machinery.errors import BadRequest

if TYPE_CHECKING:
    from headwater.apiserver.web.types import Query

_METHOD_VERBS: Final = {
    "GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete",
}  # fmt: skip
_NAMESPACE_SUBRESOURCES: Final = frozenset({"status", "finalize"})
_PATH_VERBS: Final = frozenset({"proxy", "watch"})
_FALSE_VALUES: Final = frozenset({"0", "false"})
_MAX_SEGMENT_LENGTH: Final = 512


class RequestInfo(NamedTuple):
    """What a request addresses. Only `verb` (the HTTP method in lower case) and `path` are set for a plain URL.

    `resource` never carries the suffix of `resource:identity`; that is in `identity`, None when there was none.
    `parts` are the path segments from the resource on.
    """

    is_resource: bool = False
    verb: str = ""
    api_prefix: str = ""
    group: str = ""
    version: str = ""
    namespace: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""
    path: str = ""
    parts: tuple[str, ...] = ()
    identity: str | None = None


NO_INFO: Final = RequestInfo()


def parse(method: str, path: str, query: Query) -> RequestInfo:
    """The request's info. Raises BadRequest for a resource path that no client means to send."""
    segments = path.strip("/").split("/")
    prefix = segments[0]
    start = 1 if prefix == "api" else 3 if prefix == "apis" else 0
    # A version (and a group) alone is discovery, which is not a resource request.
    if start == 0 or len(segments) < (3 if start == 1 else 4):
        return RequestInfo(verb=method.lower(), path=path)
    if start == 1:
        group, version, parts = "", segments[1], segments[2:]
    else:
        group, version, parts = segments[1], segments[2], segments[3:]
    verb = _METHOD_VERBS.get(method, "")
    special = parts[0] in _PATH_VERBS
    if special:
        if len(parts) < 2:
            raise BadRequest(f"unable to determine kind and namespace from url: {path}")
        verb, parts = parts[0], parts[1:]
    namespace = ""
    if parts[0] == "namespaces" and len(parts) > 1:
        namespace = parts[1]
        if not namespace:
            raise _no_resource(path)
        if len(parts) > 2 and parts[2] not in _NAMESPACE_SUBRESOURCES:
            parts = parts[2:]
    if "//" in path or "/." in path or len(path) > _MAX_SEGMENT_LENGTH or not path.isprintable():
        _check_segments([*segments[1:start], namespace or "-", *parts[:3]], path)
    resource, _, suffix = parts[0].partition(":")
    identity = suffix if len(resource) != len(parts[0]) else None
    if identity == "" or not resource:
        raise BadRequest(f"the resource segment {parts[0]!r} has an empty identity or name")
    name = parts[1] if len(parts) > 1 else ""
    subresource = parts[2] if len(parts) > 2 and verb != "proxy" else ""
    if not name:
        if verb == "get" or verb == "watch":
            verb = "watch" if verb == "watch" or _asks_to_watch(query) else "list"
        elif verb == "delete":
            verb = "deletecollection"
        if verb in ("list", "watch", "deletecollection") and query.raw and "fieldSelector" in query:
            name = _selected_name(query.get("fieldSelector"))
    return RequestInfo(
        True, verb, prefix, group, version, namespace, resource, subresource, name, path, tuple(parts), identity
    )


def _asks_to_watch(query: Query) -> bool:
    return bool(query.raw) and "watch" in query and query.get("watch").lower() not in _FALSE_VALUES


def _selected_name(selector: str) -> str:
    """The name that a field selector pins, so that a rule on one name also covers its list and watch."""
    for requirement in selector.split(","):
        field, operator, value = requirement.partition("=")
        if operator and field == "metadata.name":
            value = value.removeprefix("=")
            return value if value not in (".", "..") and "/" not in value and "%" not in value else ""
    return ""


def _check_segments(segments: list[str], path: str) -> None:
    # Storage keys are made of these, so what can't be part of a name stops here.
    for segment in segments:
        if not segment or segment in (".", "..") or len(segment) > _MAX_SEGMENT_LENGTH or not segment.isprintable():
            raise _no_resource(path)


def _no_resource(path: str) -> BadRequest:
    return BadRequest(f"the path {path[:200]!r} does not name a resource")
