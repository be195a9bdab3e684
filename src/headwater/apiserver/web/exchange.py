"""From a handler's answer to the wire: calls the handler, and sends the response or the stream that it gives."""

from __future__ import annotations

import asyncio
from typing import Protocol

from headwater.apiserver.statuswriter import internal_error, status_response
from headwater.apiserver.web.encode import compress, response_head
from headwater.apiserver.web.head import Head
from headwater.apiserver.web.sending import Sender
from headwater.apiserver.web.types import AnyResponse, Handler, Request, Response, StreamResponse, UpgradeResponse
from headwater.apiserver.web.upgraded import UpgradedConnection
from headwater.base.ids import random_suffix
from headwater.machinery.errors import StatusError
from headwater.telemetry.logging import get_logger

_log = get_logger("apiserver.web")


class Dated(Protocol):
    """Knows the Date header of this second."""

    date_line: bytes


async def call_handler(handler: Handler, request: Request) -> AnyResponse:
    """The handler's answer, or the Status that stands for what it raised."""
    try:
        return await handler(request)
    except StatusError as error:
        return status_response(error)
    except Exception as error:  # noqa: BLE001 - the last line of defence: a bug must not cost the connection its task
        incident = random_suffix(10)
        _log.error("request failed", incident=incident, method=request.method, path=request.path, exc_info=error)
        return status_response(internal_error(incident))


def refusal(status: int, message: str, *, dated: Dated) -> bytes:
    """The whole answer to what the server does not take on, after which it reads no more."""
    error = StatusError(message)
    error.code = status
    response = status_response(error)
    assert isinstance(response.body, bytes)
    head = response_head(
        status=status, content_type=response.content_type, headers=(), length=len(response.body),
        date=dated.date_line, keep_alive=False,
    )  # fmt: skip
    return head + response.body


async def send_response(
    sender: Sender, response: Response, request: Request, *, dated: Dated, keep_alive: bool
) -> None:
    """Sends a whole response, compressed when it is large and the client takes that."""
    accept_encoding = request.headers.get("accept-encoding")
    if accept_encoding is not None:
        await compress(response, accept_encoding)
    body = response.body
    length = len(body) if isinstance(body, bytes) else sum(map(len, body))
    head = response_head(
        status=response.status, content_type=response.content_type, headers=response.headers,
        length=length, date=dated.date_line, keep_alive=keep_alive,
    )  # fmt: skip
    bodiless = request.method == "HEAD" or response.status in (204, 304)
    await sender.send(head, b"" if bodiless else body)


async def send_stream(sender: Sender, response: StreamResponse, head: Head, *, dated: Dated, keep_alive: bool) -> None:
    """Sends a stream until its source ends. Raises what the source raises, with the answer then left unfinished."""
    chunked = head.fields.http_minor == 1
    opening = response_head(
        status=response.status, content_type=response.content_type, headers=response.headers,
        length=-1 if chunked else -2, date=dated.date_line, keep_alive=keep_alive,
    )  # fmt: skip
    try:
        if head.method == "HEAD":
            sender.write_head(opening)
        else:
            await sender.stream(opening, response, chunked=chunked)
    finally:
        # The source must be told even when this task is being cancelled for the second time.
        await asyncio.shield(response.finish())


async def send_upgrade(
    sender: Sender, response: UpgradeResponse, connection: UpgradedConnection, *, dated: Dated
) -> None:
    """Answers 101 and lets the response serve the connection, to its end."""
    sender.write_head(
        response_head(
            status=response.status, content_type="", headers=response.headers, length=-2, date=dated.date_line,
            keep_alive=True,
        )
    )  # fmt: skip
    try:
        await response.serve(connection)
    finally:
        await asyncio.shield(response.finish())
