"""Sends what handlers want people to read as `Warning` headers, which kubectl prints."""

from __future__ import annotations

from typing import Final

from headwater.apiserver.web.types import AnyResponse, Handler, Request

_MAX_WARNINGS: Final = 32
_MAX_TEXT: Final = 256
_MAX_TOTAL: Final = 4096


async def warnings_filter(request: Request, following: Handler) -> AnyResponse:
    """Adds each different warning once, within the size that clients are known to take."""
    response = await following(request)
    if request.warnings:
        total = 0
        for text in list(dict.fromkeys(request.warnings))[:_MAX_WARNINGS]:
            printable = "".join(c if c.isprintable() else " " for c in text[:_MAX_TEXT])
            total += len(printable)
            if total > _MAX_TOTAL:
                break
            quoted = printable.replace("\\", "\\\\").replace('"', '\\"')
            response.add_header("Warning", f'299 - "{quoted}"')
    return response
