"""Lists page by page, each as the collection was at one moment."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from headwater.machinery.errors import Expired, Gone
from headwater.machinery.objects import Object


@dataclass(frozen=True, slots=True)
class Page:
    """Some objects of a list. With ``anew`` the list has begun again: what came before it counts no longer."""

    items: list[Object]
    resource_version: str
    anew: bool = False


async def pages_of(read: Callable[[int, str], Awaitable[Object]], page_size: int) -> AsyncGenerator[Page, None]:
    """The pages of a list, of which ``read`` gives one by its limit and continue token.

    When the token expires on the way the list begins anew with a page of all there is, as client-go's pager does: a
    list that is paged again might never come to its end. Raises what ``read`` does.
    """
    token, anew = "", False
    while True:
        try:
            page = await read(page_size, token)
        except (Expired, Gone):
            if not token:
                raise
            token, page_size, anew = "", 0, True
            continue
        meta = page.get("metadata") or {}
        token = meta.get("continue", "")
        yield Page(list_items(page), str(meta.get("resourceVersion", "")), anew=anew)
        if not token:
            return
        anew = False


async def gathered(
    pages: AsyncGenerator[Page, None], transform: Callable[[Object], Object] | None
) -> tuple[list[Object], str]:
    """The objects of all pages as ``transform`` makes them, and the resourceVersion that they were read at."""
    items: list[Object] = []
    version = ""
    async with aclosing(pages):
        async for page in pages:
            if page.anew:
                items = []
            items.extend(map(transform, page.items) if transform is not None else page.items)
            version = page.resource_version
    return items, version


def list_items(page: Object) -> list[Object]:
    """Items of a List, each with apiVersion and kind, which servers leave out of items."""
    items = page.get("items") or []
    kind = str(page.get("kind", "")).removesuffix("List")
    api_version = page.get("apiVersion", "")
    for item in items:
        if "kind" not in item and kind:
            item["kind"] = kind
            item.setdefault("apiVersion", api_version)
    return list(items)
