"""Serves /api, /apis and what is below them; documents are shared by the fingerprint of what is served."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from headwater.apiserver import negotiation
from headwater.apiserver.catalog import Catalog
from headwater.apiserver.discovery import documents
from headwater.apiserver.handlers.environment import accepted, respond
from headwater.apiserver.handlers.requestscope import no_such_resource
from headwater.apiserver.web.types import Request, Response
from headwater.base import jsonio
from headwater.machinery.errors import MethodNotAllowed
from headwater.machinery.objects import Object

MAX_CACHED = 512


class Document(NamedTuple):
    """An encoded document and its ETag."""

    body: bytes
    etag: str


class DiscoveryHandler:
    """Answers discovery requests of any logical cluster."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._documents: OrderedDict[tuple[str, str], Document | None] = OrderedDict()

    def serves(self, path: str) -> bool:
        """Whether the path is a discovery path."""
        first, *rest = path.strip("/").split("/")
        return (first == "api" and len(rest) < 2) or (first == "apis" and len(rest) < 3)

    async def __call__(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed("the server does not allow this method on the requested resource")
        path = request.path.strip("/")
        if path in ("api", "apis"):
            version = aggregated_version(request.headers.get("accept", ""))
            if version:
                return await self._aggregated(request, path, version)
        if path == "api":
            return respond(request, jsonio.dumps(documents.api_versions(request.headers.get("host", ""))))
        # A discovery answer has one form; this refuses what can't be served at all.
        media_type = accepted(request).media_type
        found = await self._document(request.cluster, path, lambda groups: _legacy(groups, path))
        if found is None:
            raise no_such_resource()
        return respond(request, found.body, media_type)

    async def _aggregated(self, request: Request, path: str, version: str) -> Response:
        def build(groups: documents.Groups) -> Object:
            chosen = {group: versions for group, versions in groups.items() if (not group) == (path == "api")}
            return documents.aggregated(chosen, version)

        found = await self._document(request.cluster, f"{path};{version}", build)
        assert found is not None
        content_type = f"application/json;g={documents.AGGREGATED_GROUP};v={version};as={documents.AGGREGATED_KIND}"
        headers = (("ETag", found.etag), ("Vary", "Accept"), ("Cache-Control", "public"))
        if request.headers.get("if-none-match") == found.etag:
            return Response(304, b"", content_type, headers)
        return Response(200, found.body, content_type, headers)

    async def _document(
        self, cluster: str, name: str, build: Callable[[documents.Groups], Object | None]
    ) -> Document | None:
        served = await self._catalog.served(cluster)
        key = (self._catalog.fingerprint(cluster), name)
        if key in self._documents:
            self._documents.move_to_end(key)
            return self._documents[key]
        built = build(documents.by_group(served))
        document = None
        if built is not None:
            body = jsonio.dumps(built)
            document = Document(body, f'"{hashlib.sha256(body).hexdigest().upper()}"')
        self._documents[key] = document
        if len(self._documents) > MAX_CACHED:
            self._documents.popitem(last=False)
        return document


def _legacy(groups: documents.Groups, path: str) -> Object | None:
    parts = path.split("/")
    if path == "apis":
        return documents.api_group_list(groups)
    group = "" if parts[0] == "api" else parts[1]
    versions = groups.get(group)
    if versions is None:
        return None
    if parts[0] == "apis" and len(parts) == 2:
        return {"kind": "APIGroup", "apiVersion": "v1", **documents.api_group(group, versions)}
    infos = versions.get(parts[-1])
    if infos is None:
        return None
    return documents.api_resource_list(f"{group}/{parts[-1]}" if group else parts[-1], infos)


def aggregated_version(accept: str) -> str:
    """The aggregated form that a client prefers to the legacy one, "" for none."""
    for entry in negotiation.parse_accept(accept):
        parameters = entry.parameters
        if parameters.get("as") == documents.AGGREGATED_KIND:
            version = parameters.get("v", "")
            json = entry.media_type == negotiation.JSON
            if json and parameters.get("g") == documents.AGGREGATED_GROUP and version in documents.AGGREGATED_VERSIONS:
                return version
        elif "as" not in parameters and entry.media_type in (negotiation.JSON, negotiation.YAML, "*/*"):
            return ""
    return ""
