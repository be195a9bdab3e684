"""Get and list."""

from __future__ import annotations

from headwater.apiserver.handlers.environment import Environment, accepted, respond
from headwater.apiserver.handlers.parameters import list_options
from headwater.apiserver.handlers.representation import Renderer, renderer
from headwater.apiserver.handlers.requestscope import Scope
from headwater.apiserver.web.types import Request, Response


def rendering(environment: Environment, request: Request, scope: Scope, *, single: bool) -> tuple[Renderer, str]:
    """The renderer that the request asks for, and the media type of its answer."""
    form = accepted(request)
    include = request.query.get("includeObject") if form.kind and request.query.raw else ""
    now = environment.clock.now().timestamp() if form.kind else 0.0
    return renderer(scope.info, form, include=include, now=now, single=single), form.media_type


async def get(environment: Environment, request: Request, scope: Scope) -> Response:
    """One object."""
    render, media_type = rendering(environment, request, scope, single=True)
    version = request.query.get("resourceVersion") if request.query.raw else ""
    item = await environment.store.get(scope.info, scope.cluster, scope.namespace, scope.name, resource_version=version)
    return respond(request, render.one(item), media_type)


async def list_objects(environment: Environment, request: Request, scope: Scope) -> Response:
    """One page of objects."""
    render, media_type = rendering(environment, request, scope, single=False)
    options = list_options(request.query)
    listed = await environment.store.list(scope.info, scope.cluster, scope.namespace, options)
    return respond(request, render.many(listed), media_type)
