"""The verbs on one resource: get, list, watch, create, update, patch, apply and delete."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any, Final

from headwater.base import jsonio
from headwater.client.answers import decode_object
from headwater.client.interface import Query, Transport
from headwater.client.lists import Page, gathered, pages_of
from headwater.client.paths import APPLY_PATCH, MERGE_PATCH, object_path, query_of
from headwater.client.watch import Watch
from headwater.machinery.objects import Object, name

PAGE_SIZE: Final = 500
_METADATA_LIST: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
_METADATA: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
_Objects = list[Object]


class ResourceClient:
    """Verbs on one resource in one namespace, in all of them (read only), or cluster-scoped.

    Every verb raises StatusError (see `machinery.errors`) when the server refuses, and TransportError when no answer
    came. Objects are sent as they are given and never changed.
    """

    def __init__(self, transport: Transport, collection: str, headers: Mapping[str, str]) -> None:
        self._transport = transport
        self._collection = collection
        self._headers = headers

    @property
    def path(self) -> str:
        """Path of the collection."""
        return self._collection

    async def get(self, object_name: str, *, subresource: str = "", resource_version: str = "") -> Object:
        """Read one object. Without a resourceVersion it is at least as new as every write acknowledged before."""
        query = query_of(resource_version=resource_version)
        return await self._call("GET", object_path(self._collection, object_name, subresource), query)

    async def list(
        self,
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 0,
        continue_token: str = "",
        resource_version: str = "",
        resource_version_match: str = "",
        metadata_only: bool = False,
    ) -> Object:
        """One page of the collection as its List object. ``metadata_only`` asks for PartialObjectMetadata."""
        query = query_of(
            label_selector=label_selector,
            field_selector=field_selector,
            limit=limit,
            resource_version=resource_version,
            resource_version_match=resource_version_match,
        )
        if continue_token:
            query.append(("continue", continue_token))
        accept = _METADATA_LIST if metadata_only else ""
        return await self._call("GET", self._collection, query, accept=accept)

    def pages(
        self,
        *,
        label_selector: str = "",
        field_selector: str = "",
        page_size: int = PAGE_SIZE,
        metadata_only: bool = False,
    ) -> AsyncGenerator[Page, None]:
        """The collection page by page, as it was at one moment; see `lists.pages_of`."""

        async def read(limit: int, continue_token: str) -> Object:
            return await self.list(
                label_selector=label_selector,
                field_selector=field_selector,
                limit=limit,
                continue_token=continue_token,
                metadata_only=metadata_only,
            )

        return pages_of(read, page_size)

    async def list_all(
        self,
        *,
        label_selector: str = "",
        field_selector: str = "",
        page_size: int = PAGE_SIZE,
        metadata_only: bool = False,
        transform: Callable[[Object], Object] | None = None,
    ) -> tuple[_Objects, str]:
        """All objects, and the resourceVersion they were read at.

        ``transform`` makes what is kept of an object, so that no more than a page is held in full.
        """
        pages = self.pages(
            label_selector=label_selector,
            field_selector=field_selector,
            page_size=page_size,
            metadata_only=metadata_only,
        )
        return await gathered(pages, transform)

    def watch(
        self,
        *,
        resource_version: str = "",
        label_selector: str = "",
        field_selector: str = "",
        timeout_seconds: int = 0,
        allow_bookmarks: bool = True,
        metadata_only: bool = False,
    ) -> Watch:
        """Changes after ``resource_version``; without one, first an ADDED for every object there is."""
        query = query_of(
            watch=True,
            resource_version=resource_version,
            label_selector=label_selector,
            field_selector=field_selector,
            timeout_seconds=timeout_seconds,
            allow_watch_bookmarks=allow_bookmarks,
        )
        headers = {**self._headers, "accept": _METADATA} if metadata_only else self._headers
        return Watch(lambda: self._transport.stream("GET", self._collection, query=query, headers=headers))

    async def create(self, obj: Object, *, field_manager: str = "", dry_run: bool = False) -> Object:
        """Create an object; its name may come from `generateName`."""
        query = _write_query(field_manager, dry_run=dry_run)
        return await self._call("POST", self._collection, query, obj)

    async def create_subresource(self, object_name: str, subresource: str, obj: Object) -> Object:
        """POST to a subresource such as `serviceaccounts/token`."""
        return await self._call("POST", object_path(self._collection, object_name, subresource), (), obj)

    async def update(
        self, obj: Object, *, subresource: str = "", field_manager: str = "", dry_run: bool = False
    ) -> Object:
        """Replace an object (or a part of it behind a subresource)."""
        query = _write_query(field_manager, dry_run=dry_run)
        return await self._call("PUT", object_path(self._collection, name(obj), subresource), query, obj)

    async def update_status(self, obj: Object, *, field_manager: str = "") -> Object:
        """Replace the status of an object."""
        return await self.update(obj, subresource="status", field_manager=field_manager)

    async def patch(
        self,
        object_name: str,
        patch: Object | Sequence[Object],
        *,
        patch_type: str = MERGE_PATCH,
        subresource: str = "",
        field_manager: str = "",
        dry_run: bool = False,
    ) -> Object:
        """Patch an object; see `paths` for the patch types."""
        query = _write_query(field_manager, dry_run=dry_run)
        path = object_path(self._collection, object_name, subresource)
        return await self._call("PATCH", path, query, patch, content_type=patch_type)

    async def patch_status(
        self, object_name: str, patch: Object | Sequence[Object], *, patch_type: str = MERGE_PATCH
    ) -> Object:
        """Patch the status of an object."""
        return await self.patch(object_name, patch, patch_type=patch_type, subresource="status")

    async def apply(
        self,
        obj: Object,
        *,
        field_manager: str,
        force: bool = False,
        strict: bool = False,
        subresource: str = "",
        dry_run: bool = False,
    ) -> Object:
        """Server-side apply: the fields given become ours, those that were ours and aren't given go away.

        With ``strict`` a field that the server does not know is refused, where it might be dropped.
        """
        query = [*_write_query(field_manager, dry_run=dry_run), ("force", "true" if force else "false")]
        if strict:
            query.append(("fieldValidation", "Strict"))
        path = object_path(self._collection, name(obj), subresource)
        return await self._call("PATCH", path, query, obj, content_type=APPLY_PATCH)

    async def delete(
        self,
        object_name: str,
        *,
        uid: str = "",
        resource_version: str = "",
        propagation_policy: str = "",
        grace_period_seconds: int | None = None,
    ) -> Object:
        """Delete an object. With ``uid`` or ``resource_version`` only that one, else Conflict."""
        body = _delete_options(uid, resource_version, propagation_policy, grace_period_seconds)
        return await self._call("DELETE", object_path(self._collection, object_name), (), body)

    async def delete_collection(
        self, *, label_selector: str = "", field_selector: str = "", propagation_policy: str = ""
    ) -> Object:
        """Delete all objects that the selectors match."""
        query = query_of(label_selector=label_selector, field_selector=field_selector)
        return await self._call("DELETE", self._collection, query, _delete_options("", "", propagation_policy, None))

    async def _call(
        self,
        method: str,
        path: str,
        query: Query,
        body: Any = None,
        *,
        content_type: str = "application/json",
        accept: str = "",
    ) -> Object:
        headers = dict(self._headers)
        if accept:
            headers["accept"] = accept
        payload = b""
        if body is not None:
            headers["content-type"] = content_type
            payload = jsonio.dumps(body)
        return decode_object(await self._transport.request(method, path, query=query, headers=headers, body=payload))


def _write_query(field_manager: str, *, dry_run: bool) -> list[tuple[str, str]]:
    return query_of(field_manager=field_manager, dry_run="All" if dry_run else "")


def _delete_options(
    uid: str, resource_version: str, propagation_policy: str, grace_period_seconds: int | None
) -> Object:
    options: Object = {"kind": "DeleteOptions", "apiVersion": "v1"}
    preconditions = {field: value for field, value in (("uid", uid), ("resourceVersion", resource_version)) if value}
    if preconditions:
        options["preconditions"] = preconditions
    if propagation_policy:
        options["propagationPolicy"] = propagation_policy
    if grace_period_seconds is not None:
        options["gracePeriodSeconds"] = grace_period_seconds
    return options
