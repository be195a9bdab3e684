"""What all handlers share, and how they read bodies and finish responses."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from headwater.apiserver import negotiation
from headwater.apiserver.registry import fieldvalidation
from headwater.apiserver.registry.store import ObjectStore
from headwater.apiserver.resources import Connectors
from headwater.apiserver.web.types import Request, Response
from headwater.base.clock import Clock
from headwater.machinery.errors import BadRequest
from headwater.machinery.objects import Object


@dataclass(frozen=True, slots=True)
class Environment:
    """The store and the limits that handlers work with; durations are in seconds, sizes in bytes.

    `connectors` serve subresources that are connections, whatever their resource comes from.
    """

    store: ObjectStore
    clock: Clock
    bookmark_seconds: float = 60.0
    watch_seconds: float = 1800.0
    body_limit: int = negotiation.MAX_BODY_BYTES
    connectors: Connectors = field(default_factory=dict)


class Body(NamedTuple):
    """A decoded request body; `duplicates` are paths of fields that occur twice."""

    obj: Object
    duplicates: Sequence[str] = ()


async def read_object(environment: Environment, request: Request, *, check_duplicates: bool = True) -> Body:
    """The object in a request body. Raises BadRequest, UnsupportedMediaType, RequestEntityTooLarge."""
    raw = await request.body(environment.body_limit)
    if not raw:
        raise BadRequest("the body of the request is empty")
    decoded, as_json = await _decoded(raw, request)
    if not isinstance(decoded, dict):
        raise BadRequest("the body of the request must be an object")
    duplicates = fieldvalidation.duplicate_fields(as_json, decoded) if check_duplicates else ()
    return Body(decoded, duplicates)


async def read_optional(environment: Environment, request: Request) -> object:
    """The data in a request body, None for an empty one."""
    raw = await request.body(environment.body_limit)
    if not raw.strip():
        return None
    return (await _decoded(raw, request))[0]


async def _decoded(raw: bytes, request: Request) -> tuple[object, bytes]:
    content_type = request.headers.get("content-type", "")
    if len(raw) > negotiation.QUICK_YAML_BYTES and negotiation.body_media_type(content_type) == negotiation.YAML:
        return await asyncio.to_thread(negotiation.decode_body, raw, content_type)
    return negotiation.decode_body(raw, content_type)


def accepted(request: Request) -> negotiation.Accepted:
    """What the client accepts."""
    return negotiation.negotiate(request.headers.get("accept", ""))


def respond(
    request: Request, body: bytes | list[bytes], media_type: str = negotiation.JSON, *, status: int = 200
) -> Response:
    """A response in the negotiated form, indented where a person reads it."""
    headers = request.headers
    pretty = negotiation.wants_pretty(
        request.query.get("pretty") if request.query.raw else "", headers.get("user-agent", "")
    )
    return Response(status, negotiation.finish(body, media_type, pretty=pretty), media_type)
