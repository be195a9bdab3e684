"""The entry of all resource requests: finds the resource and calls the handler of the verb."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from headwater.apiserver.catalog import Catalog
from headwater.apiserver.handlers import reads, subresources, watches, writes
from headwater.apiserver.handlers.environment import Environment
from headwater.apiserver.handlers.requestscope import Scope, resolve, verb_not_allowed
from headwater.apiserver.web.types import AnyResponse, Request

VerbHandler = Callable[[Environment, Request, Scope], Awaitable[AnyResponse]]

_VERBS: Mapping[str, VerbHandler] = {
    "get": reads.get,
    "list": reads.list_objects,
    "watch": watches.watch,
    "create": writes.create,
    "update": writes.update,
    "patch": writes.patch,
    "delete": writes.delete,
    "deletecollection": writes.delete_collection,
}


class ResourceHandler:
    """Answers requests for objects; errors leave it as StatusErrors."""

    def __init__(self, catalog: Catalog, environment: Environment) -> None:
        self._catalog = catalog
        self._environment = environment

    async def __call__(self, request: Request) -> AnyResponse:
        scope = await resolve(self._catalog, request)
        return await self._handler(scope)(self._environment, request, scope)

    def _handler(self, scope: Scope) -> VerbHandler:
        if scope.info.handler is not None:
            return subresources.virtual_resource
        if scope.subresource:
            if (scope.info.group, scope.info.resource, scope.subresource) in self._environment.connectors:
                return subresources.open_connection
            return subresources.handler_for(scope)
        handler = _VERBS.get(scope.verb)
        if handler is None or scope.verb not in scope.info.verbs:
            raise verb_not_allowed()
        return handler
