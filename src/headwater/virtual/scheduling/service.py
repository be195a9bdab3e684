"""Serves the scheduling virtual workspace over HTTP: explanations of workloads, and plans.

Whatever a caller names is read as the caller, or after asking whether the caller may; only then the answer depends on
what is there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from headwater.apis.placement.v1alpha1.location import GROUP, VERSION
from headwater.apiserver import negotiation
from headwater.apiserver.requestinfo import RequestInfo, parse
from headwater.apiserver.web.types import AnyResponse, Request, Response
from headwater.base import jsonio
from headwater.base.clock import Clock
from headwater.client.dynamic import ClusterClient
from headwater.machinery.errors import BadRequest, MethodNotAllowed, NotFound, ServiceUnavailable
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.logicalcluster import WILDCARD
from headwater.machinery.objects import Object
from headwater.scheduling.world import World
from headwater.virtual.scheduling import discovery
from headwater.virtual.scheduling.applied import AsUser
from headwater.virtual.scheduling.discovery import EXPLANATION, PLANS
from headwater.virtual.scheduling.explaining import Explainer
from headwater.virtual.scheduling.explanation import table
from headwater.virtual.scheduling.planning import Planner
from headwater.virtual.scheduling.planspec import API_VERSION, KIND, parse_plan

MAX_BODY_BYTES: Final = 256 * 1024
_RETRY_SECONDS: Final = 2
_PLAIN: Final = re.compile(r"[a-z0-9][-a-z0-9.]*")


class SchedulingVirtualWorkspace:
    """`/services/scheduling/clusters/<name or path>/...`.

    `world` gives what the controllers of this process know of the fleet, None while they know nothing (yet).
    `as_user` makes clients that act as the caller.
    """

    name: Final = "scheduling"

    def __init__(
        self, *, cluster_client: ClusterClient, as_user: AsUser, clock: Clock, world: Callable[[], World | None]
    ) -> None:
        self._as_user = as_user
        self._clock = clock
        self._current = world
        self._explainer = Explainer(cluster_client, self._world)
        self._planner = Planner(cluster_client, as_user, clock, self._world)

    async def handle(self, request: Request, rest: str) -> AnyResponse:
        """Answer one request. Raises StatusError."""
        workspace, path = _split(rest)
        info = parse(request.method, path, request.query)
        if info.is_resource and info.identity is None:
            if (info.group, info.version, info.resource) == (GROUP, VERSION, PLANS) and len(info.parts) == 1:
                return await self._plan(request, workspace, info)
            if info.subresource == EXPLANATION and len(info.parts) == 3 and info.namespace and _is_plain(info):
                return await self._explain(request, workspace, info)
        elif request.method in ("GET", "HEAD"):
            found = discovery.document(path)
            if found is not None:
                # Discovery is for those who may discover the workspace itself, which answers for it.
                await self._as_user(request.user).cluster(workspace).get_json("/api")
                return _respond(request, found)
        raise _nothing_here()

    def _world(self) -> World:
        world = self._current()
        if world is None:
            why = "scheduling does not run in this server, or does not know all objects yet"
            raise ServiceUnavailable(why, retry_after_seconds=_RETRY_SECONDS)
        return world

    async def _explain(self, request: Request, workspace: str, info: RequestInfo) -> Response:
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(f"{info.verb} is not supported on explanations")
        accepted = negotiation.negotiate(request.headers.get("accept", ""))
        gvr = GroupVersionResource(info.group, info.version, info.resource)
        obj = await self._as_user(request.user).cluster(workspace).resource(gvr, info.namespace).get(info.name)
        found = await self._explainer.explain(gvr, obj, self._clock.now())
        if accepted.kind == negotiation.TABLE:
            return _respond(request, table(found, accepted.version))
        return _respond(request, found)

    async def _plan(self, request: Request, workspace: str, info: RequestInfo) -> Response:
        if info.verb != "create":
            raise MethodNotAllowed(f"{info.verb} is not supported on plans: they are made, and not kept")
        body = await _body(request)
        spec = parse_plan(body)
        status = await self._planner.plan(request.user, workspace, spec)
        meta = {"creationTimestamp": None}
        made = {"kind": KIND, "apiVersion": API_VERSION, "metadata": meta, "spec": body["spec"], "status": status}
        return _respond(request, made, status=201)


def _is_plain(info: RequestInfo) -> bool:
    """Whether the resource is written as it is served: what is read as the caller must be what is explained."""
    return all(_PLAIN.fullmatch(part) for part in (info.group or "core", info.version, info.resource))


def _split(rest: str) -> tuple[str, str]:
    """Workspace and path in it. Raises NotFound for anything else, as for a URL that nothing serves."""
    parts = rest.split("/", 3)
    if len(parts) < 3 or parts[0] or parts[1] != "clusters" or parts[2] in ("", WILDCARD):
        raise _nothing_here()
    return parts[2], "/" + (parts[3] if len(parts) > 3 else "")


async def _body(request: Request) -> Object:
    content = await request.body(MAX_BODY_BYTES)
    try:
        body, _ = negotiation.decode_body(content, request.headers.get("content-type", ""))
        # What can't be written down again can't be passed on either.
        jsonio.dumps(body)
    except (jsonio.EncodeError, RecursionError) as error:
        raise BadRequest(f"the body can't be read: {error}") from None
    if not isinstance(body, dict):
        raise BadRequest("the body is not an object")
    return body


def _respond(request: Request, document: Object, *, status: int = 200) -> Response:
    accepted = negotiation.negotiate(request.headers.get("accept", ""))
    pretty = negotiation.wants_pretty(request.query.get("pretty"), request.headers.get("user-agent", ""))
    body = negotiation.finish(jsonio.dumps(document), accepted.media_type, pretty=pretty)
    return Response(status, body, accepted.media_type)


def _nothing_here() -> NotFound:
    return NotFound("the server could not find the requested resource")
