"""Subresources: status, scale, and those that a kind brings itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from headwater.apiserver.handlers import parameters, reads, writes
from headwater.apiserver.handlers.environment import Environment, accepted, read_object, respond
from headwater.apiserver.handlers.requestscope import Scope, no_such_resource, verb_not_allowed
from headwater.apiserver.registry import options as opts
from headwater.apiserver.registry import patching
from headwater.apiserver.registry.scale import ScaleChange
from headwater.apiserver.resources import SubresourceCall, SubresourceHandler
from headwater.apiserver.web.types import AnyResponse, Request, Response, StreamResponse
from headwater.base import jsonio
from headwater.machinery import errors
from headwater.machinery.objects import Object
from headwater.patch.jsonpatch import apply_json_patch
from headwater.patch.mergepatch import apply_merge_patch

_BODY_VERBS = frozenset({"create", "update", "patch"})

VerbHandler = Callable[[Environment, Request, Scope], Awaitable[AnyResponse]]


def handler_for(scope: Scope) -> VerbHandler:
    """The handler of a subresource request. Raises NotFound and MethodNotAllowed."""
    name, verb = scope.subresource, scope.verb
    if name == "status" and name in scope.info.subresources:
        return _choose(verb, {"get": reads.get, "update": writes.update, "patch": writes.patch})
    if name == "scale" and scope.info.scale is not None:
        return _choose(verb, {"get": get_scale, "update": update_scale, "patch": patch_scale})
    connector = scope.info.connect.get(name)
    if connector is None:
        raise no_such_resource()
    if verb not in connector.verbs:
        raise verb_not_allowed()
    return connect


def _choose(verb: str, handlers: dict[str, VerbHandler]) -> VerbHandler:
    handler = handlers.get(verb)
    if handler is None:
        raise verb_not_allowed()
    return handler


async def get_scale(environment: Environment, request: Request, scope: Scope) -> Response:
    """The Scale of an object."""
    return _answer(request, await environment.store.get_scale(scope.info, scope.cluster, scope.namespace, scope.name))


async def update_scale(environment: Environment, request: Request, scope: Scope) -> Response:
    """Set the replicas by a whole Scale."""
    wanted = (await read_object(environment, request)).obj
    options = parameters.write_options(request.query, "UpdateOptions")
    return await _change_scale(environment, request, scope, lambda current: wanted, options)


async def patch_scale(environment: Environment, request: Request, scope: Scope) -> Response:
    """Set the replicas by a patch of the Scale."""
    patch_type = writes.patch_type_of(request)
    options = parameters.patch_options(request.query, patch_type)
    patching.check_apply_options(options)
    body = await request.body(environment.body_limit)
    decoded = await patching.read_apply(body) if patch_type == opts.PATCH_APPLY else _decode(body)

    def change(current: Object) -> Object:
        if patch_type == opts.PATCH_JSON:
            return apply_json_patch(current, decoded)
        return apply_merge_patch(current, decoded)

    return await _change_scale(environment, request, scope, _keeping_preconditions(change, decoded), options)


def _keeping_preconditions(change: ScaleChange, patch: object) -> ScaleChange:
    """A patch that doesn't name a resourceVersion doesn't depend on one."""
    named = isinstance(patch, dict) and bool((patch.get("metadata") or {}).get("resourceVersion"))

    def wrapped(current: Object) -> Object:
        result = change(current)
        if not named and isinstance(result.get("metadata"), dict):
            result["metadata"].pop("resourceVersion", None)
        return result

    return wrapped


def _decode(body: bytes) -> object:
    try:
        return jsonio.loads(body)
    except jsonio.DecodeError as error:
        raise errors.BadRequest(f"error decoding patch: {error}") from None


async def _change_scale(
    environment: Environment,
    request: Request,
    scope: Scope,
    change: ScaleChange,
    options: opts.WriteOptions | opts.PatchOptions,
) -> Response:
    scale = await environment.store.update_scale(
        scope.info,
        scope.cluster,
        scope.namespace,
        scope.name,
        change,
        user=request.user,
        options=options,
        manager=parameters.manager_of(request),
        warn=request.warn,
    )
    return _answer(request, scale)


async def connect(environment: Environment, request: Request, scope: Scope) -> AnyResponse:
    """A subresource that the kind brings itself."""
    return await _call(environment, request, scope, scope.info.connect[scope.subresource])


async def open_connection(environment: Environment, request: Request, scope: Scope) -> AnyResponse:
    """A subresource that is a connection, such as a pod's exec: the verb says nothing about a body."""
    connector = environment.connectors[scope.info.group, scope.info.resource, scope.subresource]
    if scope.verb not in connector.verbs:
        raise verb_not_allowed()
    return await _handle(environment, request, scope, connector, body=None, dry_run=False)


async def virtual_resource(environment: Environment, request: Request, scope: Scope) -> AnyResponse:
    """A resource without objects, such as a review."""
    handler = scope.info.handler
    if handler is None or scope.subresource or scope.verb not in handler.verbs:
        raise verb_not_allowed()
    return await _call(environment, request, scope, handler)


async def _call(environment: Environment, request: Request, scope: Scope, handler: SubresourceHandler) -> AnyResponse:
    dry_run = False
    body: Object | None = None
    if scope.verb in _BODY_VERBS:
        dry_run = parameters.write_options(request.query, "CreateOptions").dry_run
        body = (await read_object(environment, request, check_duplicates=False)).obj
    return await _handle(environment, request, scope, handler, body=body, dry_run=dry_run)


async def _handle(
    environment: Environment,
    request: Request,
    scope: Scope,
    handler: SubresourceHandler,
    *,
    body: Object | None,
    dry_run: bool,
) -> AnyResponse:
    result = await handler.handle(
        SubresourceCall(
            store=environment.store,
            info=scope.info,
            cluster=scope.cluster,
            namespace=scope.namespace,
            name=scope.name,
            verb=scope.verb,
            user=request.user,
            request=request,
            body=body,
            dry_run=dry_run,
        )
    )
    if isinstance(result, Response | StreamResponse):
        return result
    return _answer(request, result, status=201 if scope.verb == "create" else 200)


def _answer(request: Request, obj: Object, *, status: int = 200) -> Response:
    return respond(request, jsonio.dumps(obj), accepted(request).media_type, status=status)
