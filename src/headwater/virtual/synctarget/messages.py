"""Bodies of requests and answers of a virtual workspace."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

from headwater.apiserver.web.types import Request, Response
from headwater.base import jsonio
from headwater.client.interface import WatchEvent
from headwater.client.paths import JSON_PATCH, MERGE_PATCH
from headwater.machinery.errors import BadRequest, StatusError, UnsupportedMediaType
from headwater.machinery.objects import Object
from headwater.machinery.watch import ERROR
from headwater.patch.jsonpatch import apply_json_patch
from headwater.patch.mergepatch import apply_merge_patch

MAX_BODY_BYTES: Final = 3 * 1024 * 1024


def json_response(document: Object, *, status: int = 200) -> Response:
    """An answer that holds one document."""
    return Response(status=status, body=jsonio.dumps(document))


def event_line(kind: str, obj: Object | jsonio.Fragment) -> bytes:
    """One line of a watch."""
    return jsonio.dumps({"type": kind, "object": obj}) + b"\n"


async def watch_lines(
    events: AsyncGenerator[Sequence[WatchEvent], None],
    *,
    still_allowed: Callable[[], Awaitable[None]],
    line: Callable[[str, Object], bytes],
) -> AsyncIterator[bytes]:
    """The lines of a watch. A refusal becomes an ERROR event, as the answer has begun by then.

    The right to see them is asked for anew with each batch: a watch that was open when the SyncTarget was deleted, or
    its syncer's role taken away, tells nothing more.
    """
    try:
        async for batch in events:
            await still_allowed()
            lines = b"".join(line(kind, obj) for kind, obj in batch)
            if lines:
                yield lines
    except StatusError as error:
        yield event_line(ERROR, error.to_status())
    finally:
        await events.aclose()


async def read_body(request: Request) -> Object | list[Object]:
    """The JSON of a request's body. Raises BadRequest."""
    try:
        body: Object | list[Object] = jsonio.loads(await request.body(MAX_BODY_BYTES))
        # What can't be written down again, as it is nested too deeply, can't be passed on either.
        jsonio.dumps(body)
    except (ValueError, jsonio.EncodeError) as error:
        raise BadRequest(f"the body is not JSON: {error}") from error
    return body


def patched(obj: Object, patch: Object | list[Object], content_type: str) -> Object:
    """An object with a patch of one of the two types that virtual workspaces take. Raises UnsupportedMediaType."""
    kind = content_type.partition(";")[0].strip()
    if kind == MERGE_PATCH:
        return apply_merge_patch(obj, patch)
    if kind == JSON_PATCH:
        return apply_json_patch(obj, patch)
    raise UnsupportedMediaType(
        f"the body of the request was in an unknown format - accepted media types include: {JSON_PATCH}, {MERGE_PATCH}"
    )
