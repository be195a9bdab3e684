"""Reads OpenAPI v3 of an API server, which takes no more rights than discovery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs, urlsplit

from headwater.client.answers import error_of
from headwater.client.dynamic import Client
from headwater.machinery.errors import StatusError
from headwater.machinery.gvk import GroupVersion

MAX_DOCUMENT_BYTES: Final = 8 * 1024 * 1024
_ROOT: Final = "/openapi/v3"
_NOT_SERVED: Final = frozenset({401, 403, 404, 405, 406, 410})


class NotDescribed(Exception):
    """The server describes nothing at all, or not this group version, or in too many words."""


def document_name(group_version: GroupVersion) -> str:
    """The name of a group version's document in the index."""
    return f"apis/{group_version}" if group_version.group else f"api/{group_version}"


async def read_index(client: Client, side: str) -> Mapping[str, str]:
    """The hash of each document by its name; "" where the server gives none. ``side`` says whose server it is.

    Raises NotDescribed, and StatusError, TransportError and UnexpectedAnswer where it may be read at another time.
    """
    try:
        answer = await client.get_json(_ROOT)
    except StatusError as error:
        if error.code in _NOT_SERVED:
            raise NotDescribed(f"{side} serves no OpenAPI v3") from error
        raise
    found = {}
    paths = answer.get("paths")
    for name, entry in (paths if isinstance(paths, dict) else {}).items():
        url = entry.get("serverRelativeURL") if isinstance(entry, dict) else None
        if isinstance(url, str):
            found[str(name)] = "".join(parse_qs(urlsplit(url).query).get("hash") or ())
    return found


async def read_document(client: Client, name: str, side: str) -> bytes:
    """One document, not decoded. Raises NotDescribed, StatusError and TransportError."""
    answer = await client.raw("GET", f"{_ROOT}/{name}")
    if answer.status >= 300:
        error = error_of(answer)
        if error.code in _NOT_SERVED:
            raise NotDescribed(f"{side} does not describe its group version") from error
        raise error
    if len(answer.body) > MAX_DOCUMENT_BYTES:
        raise NotDescribed(f"{side} describes its group version at too great a length")
    return answer.body
