"""Two small API servers, the syncer's view above and a pcluster below, that go wrong on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from headwater.base import jsonio
from headwater.client.interface import Query, RawResponse, Stream, TransportError
from headwater.machinery.errors import (
    AlreadyExists,
    Conflict,
    Expired,
    Forbidden,
    NotFound,
    StatusError,
    not_found,
)
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, deep_copy, finalizers, name, namespace, resource_version, uid
from headwater.patch.jsonpatch import apply_json_patch
from headwater.patch.mergepatch import apply_merge_patch

APPLY = "application/apply-patch+yaml"
Key = tuple[str, str, str]
"""Resource, namespace and name."""


@dataclass(slots=True)
class Trouble:
    """What the next requests and the watches meet."""

    requests: list[str] = field(default_factory=list)
    """For each of the next requests "" for none, `lost` before it is served, `unanswered` after,
    `busy` for a 503, `unserved` for a 404 that is about the resource."""
    held: set[str] = field(default_factory=set)
    """Resources whose events don't come yet."""
    cut: set[str] = field(default_factory=set)
    """Resources whose watches break, once."""
    expired: set[str] = field(default_factory=set)
    """Resources whose watches are told 410, once."""


class Server:
    """Objects by key, and the events of all that happened."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.objects: dict[Key, Object] = {}
        self.trouble = Trouble()
        self.revision = 10
        self._uids = 0
        self._events: list[tuple[int, str, str, Object]] = []
        self._news = asyncio.Event()
        self.deleting: Callable[[Object], None] = lambda _: None
        """Hears of a copy that a request deletes."""

    def put(self, resource: str, obj: Object) -> Object:
        """Store an object as it is; answers it with its new resourceVersion."""
        key = (resource, namespace(obj), name(obj))
        known = self.objects.get(key)
        self.revision += 1
        if known is None:
            self._uids += 1
        obj["metadata"] = {
            **obj["metadata"],
            "uid": uid(known) if known is not None else f"u{self._uids}",
            "resourceVersion": str(self.revision),
        }
        self.objects[key] = deep_copy(obj)
        self._tell(resource, "ADDED" if known is None else "MODIFIED", obj)
        return obj

    def remove(self, key: Key) -> None:
        """An object goes, for whatever reason."""
        gone = self.objects.pop(key, None)
        if gone is not None:
            self.revision += 1
            last = {**gone, "metadata": {**gone["metadata"], "resourceVersion": str(self.revision)}}
            self._tell(key[0], "DELETED", last)

    def wake(self) -> None:
        """Have watches look whether they may go on, or break."""
        self._news.set()

    def _tell(self, resource: str, kind: str, obj: Object) -> None:
        self._events.append((self.revision, resource, kind, deep_copy(obj)))
        self.wake()

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> RawResponse:
        """See `Transport.request`."""
        trouble = self.trouble.requests.pop(0) if self.trouble.requests else ""
        await asyncio.sleep(0)
        if trouble == "lost":
            raise TransportError("lost", sent=False)
        if trouble == "busy":
            return RawResponse(503, {}, b"busy")
        if trouble == "unserved":
            return RawResponse(404, {}, jsonio.dumps(NotFound("the server could not find the resource").to_status()))
        key = self._key(path)
        try:
            content_type = (headers or {}).get("content-type", "")
            answer = self._serve(method, key, content_type, jsonio.loads(body) if body else {})
        except StatusError as error:
            return RawResponse(error.code, {}, jsonio.dumps(error.to_status()))
        if trouble == "unanswered":
            raise TransportError("no answer")
        await asyncio.sleep(0)
        return RawResponse(200, {}, jsonio.dumps(answer))

    def _key(self, path: str) -> Key:
        parts = unquote(path.removeprefix(self._prefix)).strip("/").split("/")
        if parts[0] == "clusters":
            parts = parts[2:]
        parts = [part for part in parts[2:] if part != "status"]  # api/v1
        if parts[0] == "namespaces" and len(parts) > 2:
            return parts[2], parts[1], parts[3] if len(parts) > 3 else ""
        return parts[0], "", parts[1] if len(parts) > 1 else ""

    def _serve(self, method: str, key: Key, content_type: str, body: Object | list[Object]) -> Object:
        resource, _, object_name = key
        if method == "GET" and not object_name:
            items = [obj for (kind, _, _), obj in sorted(self.objects.items()) if kind == resource]
            meta = {"resourceVersion": str(self.revision)}
            return {"kind": "List", "apiVersion": "v1", "metadata": meta, "items": deep_copy(items)}
        if method == "POST" and isinstance(body, dict):
            return self._create(key, body)
        known = self.objects.get(key)
        if content_type == APPLY and isinstance(body, dict):
            return self._apply(key, known, body)
        if known is None:
            raise not_found(GroupResource("", resource), object_name)
        if method == "GET":
            return deep_copy(known)
        if isinstance(body, list):
            conditions = {"uid": body[0]["value"]}
        else:
            conditions = body.get("preconditions") or body.get("metadata") or {}
        for field_name, value in (("uid", uid(known)), ("resourceVersion", resource_version(known))):
            if conditions.get(field_name, value) != value:
                raise Conflict(f"the {field_name} in the precondition does not match")
        if method == "DELETE":
            inside = [each for each in self.objects if resource == "namespaces" and each[1] == object_name]
            for each in (*inside, key):
                self.deleting(deep_copy(self.objects[each]))
                self.remove(each)
            return {"kind": "Status", "status": "Success"}
        if isinstance(body, list):
            return self.put(resource, apply_json_patch(known, body))
        return self._patch(key, known, apply_merge_patch(deep_copy(known), body))

    def _create(self, key: Key, body: Object) -> Object:
        resource, space, _ = key
        if (resource, space, name(body)) in self.objects:
            raise AlreadyExists(f"{name(body)} already exists")
        return self.put(resource, body)

    def _apply(self, key: Key, known: Object | None, body: Object) -> Object:
        resource, space, _ = key
        if space and ("namespaces", "", space) not in self.objects:
            raise not_found(GroupResource("", "namespaces"), space)
        if known is not None and "status" in known:
            body["status"] = known["status"]
        same = known is not None and {**known, "metadata": 0} == {**body, "metadata": 0}
        if known is not None and same and known["metadata"]["annotations"] == body["metadata"]["annotations"]:
            return deep_copy(known)
        return self.put(resource, body)

    def _patch(self, key: Key, known: Object, patched: Object) -> Object:
        return self.put(key[0], patched)

    async def stream(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> Stream:
        """See `Transport.stream`."""
        return _Watch(self, self._key(path)[0], int(dict(query).get("resourceVersion") or 0))

    async def close(self) -> None:
        """See `Transport.close`."""

    async def events(self, resource: str, since: int) -> AsyncIterator[bytes]:
        """Lines of a watch, as far as the trouble lets them through."""
        while True:
            if resource in self.trouble.cut:
                self.trouble.cut.discard(resource)
                raise TransportError("cut")
            if resource in self.trouble.expired:
                self.trouble.expired.discard(resource)
                yield jsonio.dumps({"type": "ERROR", "object": Expired("too old").to_status()}) + b"\n"
            lines = []
            for revision, kind_of, kind, obj in self._events:
                if revision > since and kind_of == resource and resource not in self.trouble.held:
                    lines.append(jsonio.dumps({"type": kind, "object": obj}))
                    since = revision
            if lines:
                yield b"\n".join(lines) + b"\n"
                continue
            self._news.clear()
            await self._news.wait()


class View(Server):
    """The syncer's view: what is marked has a deletionTimestamp, and goes once the syncer lets go of it."""

    def _patch(self, key: Key, known: Object, patched: Object) -> Object:
        marked = "deletionTimestamp" in known["metadata"]
        if finalizers(known) and not finalizers(patched):
            if not marked:
                raise Forbidden("it is not being removed from the SyncTarget")
            self.remove(key)
            return patched
        return self.put(key[0], patched)


class _Watch:
    def __init__(self, server: Server, resource: str, since: int) -> None:
        self._server = server
        self._resource = resource
        self._since = since

    status = 200
    headers: Mapping[str, str] = {}

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for line in self._server.events(self._resource, self._since):
            yield line

    async def close(self) -> None: ...
