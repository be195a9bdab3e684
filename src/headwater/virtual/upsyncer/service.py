"""Serves the upsyncer virtual workspace over HTTP: what one pcluster has brought up, and its syncer's writes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from headwater.apis.workload.labels import STATE_UPSYNC, state_label
from headwater.apiserver.requestinfo import RequestInfo, parse
from headwater.apiserver.web.types import AnyResponse, Request, StreamResponse
from headwater.base.clock import Clock
from headwater.client.dynamic import ClusterClient
from headwater.machinery.errors import BadRequest, Conflict, MethodNotAllowed, NotFound, conflict, not_found
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, labels, metadata, name, nested, resource_version, uid
from headwater.virtual.synctarget.domain import DomainResource, DomainSource, allowed_verbs, discovery
from headwater.virtual.synctarget.forward import Forwarder
from headwater.virtual.synctarget.messages import (
    MAX_BODY_BYTES,
    event_line,
    json_response,
    patched,
    read_body,
    watch_lines,
)
from headwater.virtual.synctarget.target import TargetGate, TargetRequest, parse_target_request
from headwater.virtual.upsyncer.diff import transformed
from headwater.virtual.upsyncer.placed import PlacedSpaces
from headwater.virtual.upsyncer.rules import check_label, check_written
from headwater.virtual.upsyncer.surface import UPSYNCED

_PATCH_ATTEMPTS: Final = 5
_MODIFIED: Final = "the resource has been modified in the meantime"


class UpsyncerVirtualWorkspace:
    """`/services/upsyncer/<cluster>/<sync target>/<uid>/clusters/<*|cluster>/...`."""

    name: Final = "upsyncer"

    def __init__(self, *, cluster_client: ClusterClient, clock: Clock) -> None:
        self._gate = TargetGate(cluster_client, clock)
        self._domains = DomainSource(cluster_client, clock, UPSYNCED)
        self._forward = Forwarder(cluster_client)
        self._placed = PlacedSpaces(cluster_client, clock)

    async def handle(self, request: Request, rest: str) -> AnyResponse:
        """Answer one request. Raises StatusError."""
        target = parse_target_request(rest)
        sync_target = await self._gate.enter(target, request.user)
        domain = await self._domains.domain(sync_target)
        info = parse(request.method, target.path, request.query)
        if not info.is_resource:
            document = discovery(domain, target.path, UPSYNCED) if request.method == "GET" else None
            if document is None:
                raise NotFound("the server could not find the requested resource")
            return json_response(document)
        resource = domain.get((info.group, info.version, info.resource))
        if resource is None or info.identity is not None:
            raise NotFound("the server could not find the requested resource")

        async def still_allowed() -> None:
            await self._gate.enter(target, request.user)

        asked = _Asked(target, sync_target, resource, info, request)
        return await _ResourceRequest(self._forward, self._placed, asked, still_allowed).answer()


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who asks for what."""

    target: TargetRequest
    sync_target: Object
    resource: DomainResource
    info: RequestInfo
    request: Request


class _ResourceRequest:
    """One request for one resource."""

    def __init__(
        self, forward: Forwarder, placed: PlacedSpaces, asked: _Asked, still_allowed: Callable[[], Awaitable[None]]
    ) -> None:
        self._forward = forward
        self._placed = placed
        self._asked = asked
        self._target = asked.target
        self._resource = asked.resource
        self._info = asked.info
        self._still_allowed = still_allowed
        self._group_resource = GroupResource(asked.resource.group, asked.resource.resource)
        self._client = forward.resource(asked.target, asked.resource, asked.info.namespace)

    async def answer(self) -> AnyResponse:
        """Check the verb, then serve it."""
        verb, subresource = self._info.verb, self._info.subresource
        named = bool(self._info.name) and verb == "create"
        if named or verb not in allowed_verbs(UPSYNCED, self._resource, subresource):
            raise MethodNotAllowed(
                f"{verb} is not supported on {self._resource.resource}{'/' if subresource else ''}{subresource} "
                "of an upsyncer's virtual workspace"
            )
        if self._target.wildcard and (verb not in ("list", "watch") or self._info.namespace):
            raise BadRequest("over all logical clusters only whole resources can be listed and watched")
        if self._info.namespace and not self._resource.namespaced:
            raise NotFound("the server could not find the requested resource")
        if verb == "watch":
            return StreamResponse(200, "application/json", self._watch())
        if verb == "list":
            found = await self._forward.list(self._target, self._resource, self._info.namespace, self._query())
            return json_response(found)
        if verb == "get":
            return json_response(await self._existing())
        if "dryRun" in self._asked.request.query:
            raise BadRequest("dryRun is not supported by an upsyncer's virtual workspace")
        return await self._change()

    def _watch(self) -> AsyncIterator[bytes]:
        events = self._forward.watch(self._target, self._resource, self._info.namespace, self._query())
        return watch_lines(events, still_allowed=self._still_allowed, line=event_line)

    def _query(self) -> Sequence[tuple[str, str]]:
        """The caller's query, its label selector narrowed to what the target has brought up."""
        query = self._asked.request.query
        wanted = f"{state_label(self._target.key)}={STATE_UPSYNC}"
        pairs = [pair for pair in query.pairs() if pair[0] not in ("labelSelector", "watch")]
        own = query.get("labelSelector")
        pairs.append(("labelSelector", f"{wanted},{own}" if own else wanted))
        return [*pairs, ("watch", "true")] if self._info.verb == "watch" else pairs

    async def _existing(self) -> Object:
        """The stored object. Raises NotFound also for one that the target did not bring up."""
        obj = await self._client.get(self._info.name)
        if labels(obj).get(state_label(self._target.key)) != STATE_UPSYNC:
            raise not_found(self._group_resource, self._info.name)
        return obj

    async def _change(self) -> AnyResponse:
        verb = self._info.verb
        if verb == "create":
            return json_response(await self._create(_as_object(await read_body(self._asked.request))), status=201)
        if verb == "delete":
            return json_response(await self._delete())
        body = await read_body(self._asked.request)
        if verb == "update":
            return json_response(await self._update(await self._existing(), _as_object(body)))
        content_type = self._asked.request.headers.get("content-type", "")
        for attempt in range(_PATCH_ATTEMPTS):
            existing = await self._existing()
            written = _as_object(patched(existing, body, content_type))
            stated = resource_version(written)
            try:
                if stated != resource_version(existing):
                    raise conflict(self._group_resource, self._info.name, _MODIFIED)
                return json_response(await self._update(existing, written))
            except Conflict:
                if attempt == _PATCH_ATTEMPTS - 1 or stated != resource_version(existing):
                    raise
        raise AssertionError("the loop returns or raises")

    async def _create(self, written: Object) -> Object:
        self._fill(written)
        where, wanted = self._info.namespace, name(written)
        if self._resource.namespaced and not where:
            raise BadRequest("an object in a namespace is created there")
        # What is checked is what will be stored: the object's own patch could make anything of it.
        stored = transformed(written, self._target.key)
        check_written(None, stored, key=self._target.key, resource=self._group_resource)
        asked = self._asked
        await self._placed.check_placed(self._target, asked.sync_target, self._group_resource, where, wanted)
        await self._placed.check_asked(self._target, self._group_resource, where, wanted)
        return await self._client.create(stored)

    async def _update(self, existing: Object, written: Object) -> Object:
        self._fill(written)
        on_status = self._info.subresource == "status"
        stored = transformed(written, self._target.key)
        if on_status:
            check_label(stored, self._target.key)
        else:
            check_written(existing, stored, key=self._target.key, resource=self._group_resource)
            await self._placed.check_asked(self._target, self._group_resource, self._info.namespace, self._info.name)
        stated = resource_version(stored)
        if stated and stated != resource_version(existing):
            raise conflict(self._group_resource, self._info.name, _MODIFIED)
        # What was checked is what is replaced: between the two another may have taken the name.
        metadata(stored).update(uid=uid(existing), resourceVersion=resource_version(existing))
        metadata(stored).pop("managedFields", None)
        write = self._client.update_status if on_status else self._client.update
        return await write(stored)

    def _fill(self, written: Object) -> None:
        """Put in what the URL says; another namespace or name in the body is refused upstream."""
        meta = metadata(written)
        if self._info.namespace:
            meta.setdefault("namespace", self._info.namespace)
        if self._info.name and name(written) != self._info.name:
            raise BadRequest(
                f"the name of the object ({name(written)}) does not match the name on the URL ({self._info.name})"
            )

    async def _delete(self) -> Object:
        existing = await self._existing()
        request = self._asked.request
        options = _as_object(await read_body(request)) if await request.body(MAX_BODY_BYTES) else {}
        conditions: Object = nested(options, "preconditions", default=None) or {}
        if conditions.get("uid") not in (None, uid(existing)):
            raise conflict(self._group_resource, self._info.name, "the UID in the precondition does not match")
        grace = options.get("gracePeriodSeconds")
        return await self._client.delete(
            self._info.name,
            uid=uid(existing),
            resource_version=str(conditions.get("resourceVersion") or ""),
            grace_period_seconds=grace if isinstance(grace, int) else None,
        )


def _as_object(body: Object | list[Object]) -> Object:
    """The body as an object whose metadata can be read. Raises BadRequest."""
    meta = body.get("metadata", {}) if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(meta, dict):
        raise BadRequest("the body is not an object with metadata")
    for field in ("labels", "annotations"):
        marks = meta.get(field) or {}
        if not isinstance(marks, dict) or not all(isinstance(value, str) for value in marks.values()):
            raise BadRequest(f"metadata.{field} does not map names to strings")
    for field in ("finalizers", "ownerReferences"):
        if not isinstance(meta.get(field) or [], list):
            raise BadRequest(f"metadata.{field} is not a list")
    return body
