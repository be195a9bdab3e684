"""Serves the syncer virtual workspace over HTTP: a filtered, transformed view of what one sync target runs.

A request is let through by `target`, finds its resource in `domain`, and is forwarded with the target's label
selector; `view` and `writes` change objects on the way.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from headwater.apis.workload.intent import IntentError
from headwater.apis.workload.labels import STATE_LABEL_PREFIX, STATE_SYNC
from headwater.apis.workload.summarizing import SummarizingError
from headwater.apiserver.requestinfo import RequestInfo, parse
from headwater.apiserver.web.types import AnyResponse, Request, Response, StreamResponse
from headwater.base import jsonio
from headwater.base.clock import Clock
from headwater.client.dynamic import ClusterClient
from headwater.machinery.errors import (
    BadRequest,
    Conflict,
    InternalError,
    MethodNotAllowed,
    NotFound,
    not_found,
)
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, cluster_name, labels, namespace, resource_version, uid
from headwater.machinery.timestamps import format_time
from headwater.machinery.watch import BOOKMARK
from headwater.telemetry.logging import get_logger
from headwater.telemetry.writetraces import WriteTraces
from headwater.virtual.syncer.accounts import AccountTokens
from headwater.virtual.syncer.failures import FailureEvents
from headwater.virtual.syncer.forward import SyncForwarder
from headwater.virtual.syncer.openapi import OpenApiSource
from headwater.virtual.syncer.selection import narrowed
from headwater.virtual.syncer.view import syncer_view
from headwater.virtual.syncer.writes import same_object, stored_change
from headwater.virtual.synctarget.domain import (
    SYNCED,
    TOKEN,
    Domain,
    DomainResource,
    DomainSource,
    allowed_verbs,
    discovery,
)
from headwater.virtual.synctarget.messages import event_line, json_response, patched, read_body, watch_lines
from headwater.virtual.synctarget.target import TargetGate, TargetRequest, parse_target_request

log = get_logger("virtual.syncer")

_PATCH_ATTEMPTS: Final = 5
_READ_VERBS: Final = frozenset({"get", "list", "watch"})


class SyncerVirtualWorkspace:
    """`/services/syncer/<cluster>/<sync target>/<uid>/clusters/<*|cluster>/...`.

    `external_url` is the address under which tenants reach their workspaces; it is told to syncers with each object.
    """

    name: Final = "syncer"

    def __init__(
        self, *, cluster_client: ClusterClient, clock: Clock, external_url: str, traces: WriteTraces | None = None
    ) -> None:
        """``traces`` knows by uid in which trace objects were written, where traces are made."""
        self._clock = clock
        self._traces = traces
        self._gate = TargetGate(cluster_client, clock)
        self._domains = DomainSource(cluster_client, clock, SYNCED)
        self._openapi = OpenApiSource(self._domains)
        self._forward = SyncForwarder(cluster_client)
        self._external_url = external_url.rstrip("/")
        self._failures = FailureEvents(cluster_client, clock)

    async def handle(self, request: Request, rest: str) -> AnyResponse:
        """Answer one request. Raises StatusError."""
        target = parse_target_request(rest)
        sync_target = await self._gate.enter(target, request.user)
        if request.method == "GET" and target.path.startswith("/openapi/"):
            return await self._describe(sync_target, target.path, rest)
        domain = await self._domains.domain(sync_target)
        info = parse(request.method, target.path, request.query)
        if not info.is_resource:
            document = discovery(domain, target.path, SYNCED) if request.method == "GET" else None
            if document is None:
                raise NotFound("the server could not find the requested resource")
            return json_response(document)
        resource = domain.get((info.group, info.version, info.resource))
        if resource is None or info.identity is not None:
            raise NotFound("the server could not find the requested resource")

        async def still_allowed() -> None:
            await self._gate.enter(target, request.user)

        now = self._clock.now()
        asked = _Asked(target, domain, resource, info, request, now)
        views = _ResourceRequest(self._forward, self._failures, self._view, asked, still_allowed)
        return await views.answer()

    def _view(self, obj: Object, target: TargetRequest) -> Object:
        workspace = cluster_name(obj) or target.request_cluster
        trace = self._traces.get(uid(obj)) if self._traces is not None else ""
        return syncer_view(obj, target.key, f"{self._external_url}/clusters/{workspace}", trace)

    async def _describe(self, sync_target: Object, path: str, rest: str) -> Response:
        prefix = f"/services/{self.name}{rest.removesuffix(path)}"
        described = await self._openapi.answer(sync_target, path, prefix)
        if described is None:
            raise NotFound("the server could not find the requested resource")
        return Response(body=described)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who asks for what, and when."""

    target: TargetRequest
    domain: Domain
    resource: DomainResource
    info: RequestInfo
    request: Request
    now: datetime


class _ResourceRequest:
    """One request for one resource."""

    def __init__(
        self,
        forward: SyncForwarder,
        failures: FailureEvents,
        shown: Callable[[Object, TargetRequest], Object],
        asked: _Asked,
        still_allowed: Callable[[], Awaitable[None]],
    ) -> None:
        self._forward = forward
        self._failures = failures
        self._shown = shown
        self._target = asked.target
        self._domain = asked.domain
        self._resource = asked.resource
        self._info = asked.info
        self._request = asked.request
        self._still_allowed = still_allowed
        self._now = asked.now
        self._group_resource = GroupResource(asked.resource.group, asked.resource.resource)

    async def answer(self) -> AnyResponse:
        """Check the verb, then serve it."""
        verb, subresource = self._info.verb, self._info.subresource
        if verb not in allowed_verbs(SYNCED, self._resource, subresource):
            raise MethodNotAllowed(
                f"{verb} is not supported on {self._resource.resource}{'/' if subresource else ''}{subresource} "
                "of a syncer's virtual workspace"
            )
        if self._target.wildcard and (verb not in ("list", "watch") or self._info.namespace):
            raise BadRequest("over all logical clusters only whole resources can be listed and watched")
        if verb not in _READ_VERBS and "dryRun" in self._request.query:
            raise BadRequest("dryRun is not supported by a syncer's virtual workspace")
        if subresource == TOKEN:
            return json_response(await self._issue(), status=201)
        if verb == "watch":
            return StreamResponse(200, "application/json", self._watch())
        if verb == "list":
            return json_response(await self._list())
        if verb == "get":
            return json_response(self._view(await self._existing()))
        return json_response(await self._write())

    async def _issue(self) -> Object:
        """A token for pods of the target."""
        info = self._info
        if not info.namespace or len(info.parts) != 3:
            raise NotFound("the server could not find the requested resource")
        body = await read_body(self._request)
        tokens = AccountTokens(self._forward)
        return await tokens.issue(self._target, self._domain, self._resource, info.namespace, info.name, body)

    def _view(self, obj: Object) -> Object:
        return self._shown(obj, self._target)

    def _query(self) -> Sequence[tuple[str, str]]:
        """The caller's query, narrowed to what the target has and sees."""
        pairs = narrowed(self._request.query, self._target.key)
        return [*pairs, ("watch", "true")] if self._info.verb == "watch" else pairs

    def _readable(self, obj: Object) -> jsonio.Fragment | None:
        """The view of one object among many, encoded; None for one that can't be shown.

        What one tenant writes must not keep the others' objects from the syncer. Asked for by name the object answers
        with the reason.
        """
        try:
            return jsonio.Fragment(jsonio.dumps(self._view(obj)))
        except (InternalError, jsonio.EncodeError) as error:
            log.warning("left out", cluster=cluster_name(obj), namespace=namespace(obj), reason=str(error))
            return None

    async def _list(self) -> Object:
        page = await self._forward.list(self._target, self._resource, self._info.namespace, self._query())
        views = (self._readable(item) for item in page.get("items") or ())
        page["items"] = [view for view in views if view is not None]
        return page

    def _watch(self) -> AsyncIterator[bytes]:
        """Transformed events."""
        events = self._forward.watch(self._target, self._resource, self._info.namespace, self._query())
        return watch_lines(events, still_allowed=self._still_allowed, line=self._line)

    def _line(self, kind: str, obj: Object) -> bytes:
        shown: Object | jsonio.Fragment | None = obj if kind == BOOKMARK else self._readable(obj)
        return b"" if shown is None else event_line(kind, shown)

    async def _existing(self) -> Object:
        """The stored object. Raises NotFound also for one that the target does not have."""
        obj = await self._forward.get(self._target, self._resource, self._info.namespace, self._info.name)
        if labels(obj).get(STATE_LABEL_PREFIX + self._target.key) != STATE_SYNC:
            raise not_found(self._group_resource, self._info.name)
        return obj

    async def _write(self) -> Object:
        body = await read_body(self._request)
        if self._info.verb == "update":
            existing = await self._existing()
            return await self._store(existing, same_object(existing, body))
        for attempt in range(_PATCH_ATTEMPTS):
            existing = await self._existing()
            content_type = self._request.headers.get("content-type", "")
            written = same_object(existing, patched(self._view(existing), body, content_type))
            given = resource_version(written)
            if given and given != resource_version(existing):
                raise Conflict("the resource has been modified in the meantime")
            try:
                return await self._store(existing, written)
            except Conflict:
                if attempt == _PATCH_ATTEMPTS - 1:
                    raise
        raise AssertionError("the loop returns or raises")

    async def _store(self, existing: Object, written: Object) -> Object:
        if resource_version(written) != resource_version(existing):
            raise Conflict("the resource has been modified in the meantime")
        try:
            change = stored_change(
                existing,
                written,
                key=self._target.key,
                resource=self._resource.resource,
                on_status=self._info.subresource == "status",
                now=format_time(self._now),
            )
        except (IntentError, SummarizingError) as error:
            raise InternalError(f"object {self._info.name!r} can't be written by its sync target: {error}") from error
        stored = await self._forward.store(self._target, self._resource, change)
        await self._failures.tell(self._target, existing, stored)
        return self._view(stored)
