"""Create, update, patch, delete and deletecollection."""

from __future__ import annotations

from headwater.apiserver.handlers import parameters
from headwater.apiserver.handlers.environment import Environment, read_object, read_optional, respond
from headwater.apiserver.handlers.reads import rendering
from headwater.apiserver.handlers.requestscope import Scope
from headwater.apiserver.registry import options as opts
from headwater.apiserver.registry.fieldvalidation import duplicate_fields
from headwater.apiserver.statuswriter import success_status
from headwater.apiserver.web.types import Request, Response
from headwater.base import jsonio
from headwater.machinery.errors import BadRequest, UnsupportedMediaType
from headwater.machinery.objects import Object

_PATCH_TYPES = frozenset({opts.PATCH_JSON, opts.PATCH_MERGE, opts.PATCH_STRATEGIC, opts.PATCH_APPLY})


async def create(environment: Environment, request: Request, scope: Scope) -> Response:
    """A new object: 201."""
    render, media_type = rendering(environment, request, scope, single=True)
    options = parameters.write_options(request.query, "CreateOptions")
    body = await read_object(environment, request, check_duplicates=options.field_validation != "Ignore")
    answer = await environment.store.create(
        scope.info,
        scope.cluster,
        scope.namespace or _namespace_of(scope, body.obj),
        body.obj,
        user=request.user,
        options=options,
        manager=parameters.manager_of(request),
        warn=request.warn,
        duplicates=body.duplicates,
    )
    _warn_deprecated(request, scope)
    return respond(request, render.one(answer), media_type, status=201)


async def update(environment: Environment, request: Request, scope: Scope) -> Response:
    """Replace an object, or its status."""
    render, media_type = rendering(environment, request, scope, single=True)
    options = parameters.write_options(request.query, "UpdateOptions")
    body = await read_object(environment, request, check_duplicates=options.field_validation != "Ignore")
    answer = await environment.store.update(
        scope.info,
        scope.cluster,
        scope.namespace,
        scope.name,
        body.obj,
        user=request.user,
        options=options,
        subresource=scope.subresource,
        manager=parameters.manager_of(request),
        warn=request.warn,
        duplicates=body.duplicates,
    )
    _warn_deprecated(request, scope)
    return respond(request, render.one(answer), media_type)


async def patch(environment: Environment, request: Request, scope: Scope) -> Response:
    """Change an object or its status by any patch type; 201 when an apply creates."""
    render, media_type = rendering(environment, request, scope, single=True)
    patch_type = patch_type_of(request)
    options = parameters.patch_options(request.query, patch_type)
    body = await request.body(environment.body_limit)
    answer = await environment.store.patch(
        scope.info,
        scope.cluster,
        scope.namespace,
        scope.name,
        body,
        user=request.user,
        options=options,
        subresource=scope.subresource,
        manager=parameters.manager_of(request),
        warn=request.warn,
        duplicates=_patch_duplicates(body, options),
    )
    _warn_deprecated(request, scope)
    return respond(request, render.one(answer), media_type, status=201 if answer.created else 200)


def patch_type_of(request: Request) -> str:
    """The patch type of a request. Raises UnsupportedMediaType."""
    patch_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if patch_type not in _PATCH_TYPES:
        listed = ", ".join(sorted(_PATCH_TYPES))
        raise UnsupportedMediaType(
            f"the body of the request was in an unknown format - accepted media types include: {listed}"
        )
    return patch_type


async def delete(environment: Environment, request: Request, scope: Scope) -> Response:
    """Delete: a Status when the object is gone, the object when something holds it."""
    body = await read_optional(environment, request)
    options = parameters.delete_options(request.query, body)
    deleted = await environment.store.delete(
        scope.info, scope.cluster, scope.namespace, scope.name, user=request.user, options=options
    )
    if deleted.removed:
        return respond(request, jsonio.dumps(success_status(_details(scope, deleted.answer.decoded))))
    render, media_type = rendering(environment, request, scope, single=True)
    # The client asked for dependents to go first, and that is still to come.
    waits = options.propagation_policy == "Foreground" or options.orphan_dependents is False
    return respond(request, render.one(deleted.answer), media_type, status=202 if waits else 200)


async def delete_collection(environment: Environment, request: Request, scope: Scope) -> Response:
    """Delete everything that the selectors choose; answers the list of it."""
    body = await read_optional(environment, request)
    listed = await environment.store.delete_collection(
        scope.info,
        scope.cluster,
        scope.namespace,
        user=request.user,
        options=parameters.delete_options(request.query, body),
        selection=parameters.list_options(request.query),
    )
    render, media_type = rendering(environment, request, scope, single=False)
    return respond(request, render.many(listed), media_type)


def _namespace_of(scope: Scope, obj: Object) -> str:
    if not scope.info.namespaced:
        return ""
    raise BadRequest(f"a namespace is needed to create {scope.info.group_resource}")


def _patch_duplicates(body: bytes, options: opts.PatchOptions) -> list[str]:
    if options.field_validation == "Ignore" or options.patch_type == opts.PATCH_JSON:
        return []
    try:
        decoded = jsonio.loads(body)
    except jsonio.DecodeError:
        return []
    return list(duplicate_fields(body, decoded)) if isinstance(decoded, dict) else []


def _warn_deprecated(request: Request, scope: Scope) -> None:
    if scope.info.deprecation_warning:
        request.warn(scope.info.deprecation_warning)


def _details(scope: Scope, obj: Object) -> Object:
    info = scope.info
    details = {"name": scope.name, "group": info.group, "kind": info.resource, "uid": obj["metadata"].get("uid", "")}
    return {key: value for key, value in details.items() if value}
