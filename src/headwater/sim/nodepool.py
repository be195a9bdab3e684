"""The nodes of a simulated pcluster as a pool whose size and shape can change while it runs.

`GET` and `PUT /sim/nodes` read and set it as JSON, for members of system:masters; a start takes the flags again. One
node can be changed with kubectl, too: cordoned, tainted, deleted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from headwater.apiserver.authn.interface import PRIVILEGED_GROUP
from headwater.apiserver.web.types import Request, Response
from headwater.base import jsonio
from headwater.base.clock import Clock
from headwater.client.dynamic import Client
from headwater.machinery.errors import AlreadyExists, BadRequest, Forbidden, MethodNotAllowed, NotFound
from headwater.machinery.names import is_qualified_name
from headwater.machinery.objects import Object, name
from headwater.machinery.quantity import Quantity, is_quantity
from headwater.sim.resources import NODES, SIMULATED_LABEL
from headwater.sim.stages.nodes import DEFAULT_CAPACITY, NodeShape, node

PATH: Final = "/sim/nodes"
MAXIMUM_NODES: Final = 250
_MAXIMUM_RESOURCES: Final = 32
_BODY_LIMIT: Final = 4096


@dataclass(frozen=True, slots=True)
class PoolChange:
    """The number of nodes, None for as many as there are, and capacity that is new or other than before."""

    nodes: int | None = None
    capacity: Mapping[str, str] | None = None


def change_from(data: Any) -> PoolChange:
    """A change from decoded JSON; what is left out stays as it is. Raises BadRequest."""
    if not isinstance(data, dict) or data.keys() - {"nodes", "capacity"}:
        raise BadRequest("a node pool must be an object with nodes, capacity")
    count, capacity = data.get("nodes"), data.get("capacity")
    if count is not None and (type(count) is not int or not 0 <= count <= MAXIMUM_NODES):
        raise BadRequest(f"nodes must be a whole number from 0 to {MAXIMUM_NODES}")
    if capacity is None:
        return PoolChange(count)
    if not isinstance(capacity, dict) or len(capacity) > _MAXIMUM_RESOURCES:
        raise BadRequest(f"capacity must be an object with at most {_MAXIMUM_RESOURCES} resources")
    for resource, quantity in capacity.items():
        if not is_qualified_name(resource) or not isinstance(quantity, str) or not _is_amount(quantity):
            raise BadRequest(f"capacity {resource}: {quantity!r} is not a resource and a quantity such as 4 or 16Gi")
    return PoolChange(count, capacity)


def _is_amount(text: str) -> bool:
    return is_quantity(text) and Quantity.parse(text) >= 0


class NodePool:
    """Makes and removes simulated nodes, the highest numbers first, and says what each of them has."""

    def __init__(
        self, pcluster: str, *, count: int, shape: NodeShape, client: Callable[[], Client], clock: Clock
    ) -> None:
        self._pcluster = pcluster
        self._count = count
        self._shape = shape
        self._client = client
        self._clock = clock
        self._busy = asyncio.Lock()

    async def set(self, change: PoolChange) -> None:
        """Change the pool; returns when all nodes are as they should be."""
        async with self._busy:
            self._count = self._count if change.nodes is None else change.nodes
            capacity = {**self._shape.capacity, **(change.capacity or {})}
            if len(capacity) > _MAXIMUM_RESOURCES:
                raise BadRequest(f"a node can have at most {_MAXIMUM_RESOURCES} resources")
            self._shape = replace(self._shape, capacity=capacity)
            await self._ensure()

    async def _ensure(self) -> None:
        """Create what is missing, have all report their shape anew, and delete what is too many."""
        now = self._clock.now()
        wanted = [node(self._pcluster, number, self._shape, now) for number in range(1, self._count + 1)]
        resource = self._client().resource(NODES)
        existing, _ = await resource.list_all(label_selector=f"{SIMULATED_LABEL}=true", metadata_only=True)
        known = set(map(name, existing))

        async def register(obj: Object) -> None:
            if name(obj) not in known:
                try:
                    await resource.create(obj)
                except AlreadyExists:
                    return
            # A kubelet writes its status itself, and writes it anew when it starts.
            await resource.patch(name(obj), {"status": obj["status"]}, subresource="status")

        await asyncio.gather(*map(register, wanted))
        for surplus in sorted(known - set(map(name, wanted))):
            try:
                await resource.delete(surplus)
            except NotFound:
                continue

    async def serve(self, request: Request) -> Response:
        """Answer the endpoint, behind authentication."""
        if PRIVILEGED_GROUP not in request.user.groups:
            raise Forbidden(f'User "{request.user.name}" cannot change the nodes of this simulated pcluster')
        if request.method == "PUT":
            body = await request.body(_BODY_LIMIT)
            try:
                data = jsonio.loads(body)
            except jsonio.DecodeError as error:
                raise BadRequest(f"a node pool must be JSON: {error}") from None
            await self.set(change_from(data))
        elif request.method != "GET":
            raise MethodNotAllowed("the node pool is read with GET and set with PUT")
        shown = {"nodes": self._count, "capacity": {**DEFAULT_CAPACITY, **self._shape.capacity}}
        return Response(body=jsonio.dumps(shown))
