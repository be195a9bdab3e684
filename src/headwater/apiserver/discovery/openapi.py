"""Serves /openapi/v2 and /openapi/v3; documents are built on a thread and shared by their content."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from urllib.parse import unquote

from headwater.apiserver.catalog import Catalog
from headwater.apiserver.handlers.requestscope import no_such_resource
from headwater.apiserver.negotiation import JSON
from headwater.apiserver.web.types import Request, Response
from headwater.machinery.errors import MethodNotAllowed

MAX_CACHED_BYTES = 32 * 1024 * 1024
_PREFIX = "/openapi/"


class OpenAPIHandler:
    """Answers OpenAPI requests of any logical cluster."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._documents: OrderedDict[tuple[str, ...], bytes] = OrderedDict()
        self._bytes = 0
        self._building: dict[tuple[str, ...], asyncio.Lock] = {}

    def serves(self, path: str) -> bool:
        """Whether the path is one of OpenAPI."""
        return path.startswith(_PREFIX)

    async def __call__(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed("the server does not allow this method on the requested resource")
        name = request.path.removeprefix(_PREFIX).strip("/")
        if name == "v2":
            return await self._v2(request)
        if name == "v3":
            return await self._index(request)
        if name.startswith("v3/"):
            return await self._v3(request, name.removeprefix("v3/"))
        raise no_such_resource()

    async def _v2(self, request: Request) -> Response:
        from headwater.apiserver.openapi import v2

        served = await self._catalog.served(request.cluster)
        protobuf = v2.V2_PROTOBUF_ACCEPT in request.headers.get("accept", "")
        build = v2.build_v2_protobuf if protobuf else v2.build_v2_json
        key = ("v2", str(protobuf), self._catalog.fingerprint(request.cluster))
        body = await self._document(key, lambda: build(served))
        return Response(200, body, v2.V2_PROTOBUF_CONTENT_TYPE if protobuf else JSON)

    async def _index(self, request: Request) -> Response:
        from headwater.apiserver.openapi import v3

        served = await self._catalog.served(request.cluster)
        prefix = url_prefix(request)
        key = ("v3", prefix, self._catalog.fingerprint(request.cluster))
        return Response(200, await self._document(key, lambda: v3.build_v3_index(served, url_prefix=prefix)))

    async def _v3(self, request: Request, name: str) -> Response:
        from headwater.apiserver.openapi import v3
        from headwater.apiserver.openapi.fingerprint import fingerprint

        members = v3.group_version_resources(await self._catalog.served(request.cluster)).get(name)
        if members is None:
            raise no_such_resource()
        content = await self._hash(name, self._catalog.fingerprint(request.cluster), lambda: fingerprint(members))
        body = await self._document(("v3", name, content), lambda: v3.build_v3_document(members))
        headers = [("ETag", f'"{content}"')]
        if request.query.get("hash") == content:
            # The URL names the content, so it never changes.
            headers.append(("Cache-Control", "public, immutable"))
        return Response(200, body, JSON, headers)

    async def _hash(self, name: str, served: str, compute: Callable[[], str]) -> str:
        return (await self._document(("hash", name, served), lambda: compute().encode())).decode()

    async def _document(self, key: tuple[str, ...], build: Callable[[], bytes]) -> bytes:
        found = self._documents.get(key)
        if found is not None:
            self._documents.move_to_end(key)
            return found
        lock = self._building.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                if key not in self._documents:
                    self._keep(key, await asyncio.to_thread(build))
                return self._documents[key]
        finally:
            if not lock.locked():
                self._building.pop(key, None)

    def _keep(self, key: tuple[str, ...], body: bytes) -> None:
        self._documents[key] = body
        self._bytes += len(body)
        while self._bytes > MAX_CACHED_BYTES and len(self._documents) > 1:
            _, dropped = self._documents.popitem(last=False)
            self._bytes -= len(dropped)


def url_prefix(request: Request) -> str:
    """What stands before the path in the URL that the client used, such as `/clusters/root:team`."""
    used = unquote(request.target.partition("?")[0])
    return used[: -len(request.path)] if used != request.path and used.endswith(request.path) else ""
