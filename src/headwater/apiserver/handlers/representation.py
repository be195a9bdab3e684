"""The forms in which objects leave the server: as stored, converted, as Table, as PartialObjectMetadata.

A renderer turns stored objects into bytes; for the stored form these are the cached bytes themselves.
"""

from __future__ import annotations

from typing import Protocol

from headwater.apiserver import negotiation
from headwater.apiserver.registry.listing import Listed
from headwater.apiserver.registry.pipeline import from_storage
from headwater.apiserver.resources import ResourceInfo
from headwater.apiserver.tables.interface import Printer
from headwater.apiserver.tables.printing import printer_for
from headwater.base import jsonio
from headwater.machinery.errors import NotAcceptable
from headwater.machinery.objects import Object

META_API_VERSION = "meta.k8s.io/"
INITIAL_EVENTS_END = "k8s.io/initial-events-end"


class Rendered(Protocol):
    """What a renderer needs of an object."""

    @property
    def value(self) -> bytes: ...

    @property
    def decoded(self) -> Object: ...


class Renderer(Protocol):
    """One form of answer for one resource."""

    def one(self, item: Rendered) -> bytes:
        """A single object."""
        ...

    def many(self, listed: Listed) -> list[bytes]:
        """A list, in pieces."""
        ...

    def event(self, item: Rendered) -> bytes:
        """The object of a watch event."""
        ...

    def decoded(self, item: Rendered) -> Object:
        """What `event` encodes, for readers in this process; parts of it, or all, are shared and must not change."""
        ...

    def bookmark(self, revision: int, *, initial_end: bool) -> bytes:
        """The object of a bookmark."""
        ...


def _list_metadata(listed: Listed) -> Object:
    meta: Object = {"resourceVersion": str(listed.revision)}
    if listed.continue_token:
        meta["continue"] = listed.continue_token
        if listed.remaining is not None:
            meta["remainingItemCount"] = listed.remaining
    return meta


def _join(head: Object, items: list[bytes]) -> list[bytes]:
    pieces = [jsonio.dumps(head)[:-1] + b',"items":[']
    if items:
        pieces.append(b",".join(items))
    pieces.append(b"]}")
    return pieces


def _bookmark(api_version: str, kind: str, revision: int, *, initial_end: bool) -> Object:
    meta: Object = {"resourceVersion": str(revision), "creationTimestamp": None}
    if initial_end:
        meta["annotations"] = {INITIAL_EVENTS_END: "true"}
    return {"kind": kind, "apiVersion": api_version, "metadata": meta}


class AsObject:
    """The object itself, in the version of the request."""

    def __init__(self, info: ResourceInfo) -> None:
        self._info = info
        self._as_stored = info.served_as_stored

    def one(self, item: Rendered) -> bytes:
        if self._as_stored:
            return item.value
        return jsonio.dumps(from_storage(self._info, jsonio.loads(item.value)))

    event = one

    def decoded(self, item: Rendered) -> Object:
        return item.decoded if self._as_stored else from_storage(self._info, jsonio.loads(item.value))

    def many(self, listed: Listed) -> list[bytes]:
        head = {
            "kind": self._info.list_kind,
            "apiVersion": self._info.api_version,
            "metadata": _list_metadata(listed),
        }
        if self._as_stored:
            return _join(head, [item.value for item in listed.items])
        return _join(head, [self.one(item) for item in listed.items])

    def bookmark(self, revision: int, *, initial_end: bool) -> bytes:
        return jsonio.dumps(_bookmark(self._info.api_version, self._info.kind, revision, initial_end=initial_end))


class AsMetadata:
    """PartialObjectMetadata: type and metadata only."""

    def __init__(self, version: str) -> None:
        self._api_version = META_API_VERSION + version

    def one(self, item: Rendered) -> bytes:
        return jsonio.dumps(self.decoded(item))

    event = one

    def decoded(self, item: Rendered) -> Object:
        return {"kind": negotiation.PARTIAL, "apiVersion": self._api_version, "metadata": item.decoded["metadata"]}

    def many(self, listed: Listed) -> list[bytes]:
        head = {
            "kind": negotiation.PARTIAL_LIST,
            "apiVersion": self._api_version,
            "metadata": _list_metadata(listed),
        }
        return _join(head, [self.one(item) for item in listed.items])

    def bookmark(self, revision: int, *, initial_end: bool) -> bytes:
        return jsonio.dumps(_bookmark(self._api_version, negotiation.PARTIAL, revision, initial_end=initial_end))


class AsTable:
    """A Table for people. `include` is None, Metadata or Object: what each row carries besides its cells."""

    def __init__(self, info: ResourceInfo, version: str, printer: Printer, include: str, now: float) -> None:
        self._info = info
        self._api_version = META_API_VERSION + version
        self._printer = printer
        self._include = include
        self._now = now
        self._with_columns = True

    def _table(self, items: list[Rendered], meta: Object) -> bytes:
        table: Object = {"kind": negotiation.TABLE, "apiVersion": self._api_version, "metadata": meta}
        # A watch says its columns once; every later event is rows only.
        table["columnDefinitions"] = self._printer.definitions if self._with_columns else None
        table["rows"] = [self._row(item) for item in items]
        return jsonio.dumps(table)

    def _row(self, item: Rendered) -> Object:
        obj = item.decoded
        if not self._info.served_as_stored:
            obj = from_storage(self._info, jsonio.loads(item.value))
        row: Object = {"cells": self._printer.cells(obj, self._now)}
        if self._include == "Metadata":
            row["object"] = {
                "kind": negotiation.PARTIAL,
                "apiVersion": self._api_version,
                "metadata": obj["metadata"],
            }
        elif self._include == "Object":
            row["object"] = obj
        return row

    def one(self, item: Rendered) -> bytes:
        return self._table([item], {"resourceVersion": item.decoded["metadata"].get("resourceVersion", "")})

    def many(self, listed: Listed) -> list[bytes]:
        return [self._table(list(listed.items), _list_metadata(listed))]

    def event(self, item: Rendered) -> bytes:
        encoded = self.one(item)
        self._with_columns = False
        return encoded

    def decoded(self, item: Rendered) -> Object:
        table: Object = jsonio.loads(self.event(item))
        return table

    def bookmark(self, revision: int, *, initial_end: bool) -> bytes:
        meta: Object = {"resourceVersion": str(revision)}
        table: Object = {"kind": negotiation.TABLE, "apiVersion": self._api_version, "metadata": meta}
        table["columnDefinitions"] = None
        inner = _bookmark(self._api_version, negotiation.PARTIAL, revision, initial_end=initial_end)
        table["rows"] = [{"cells": [], "object": inner}]
        return jsonio.dumps(table)


def renderer(info: ResourceInfo, accepted: negotiation.Accepted, *, include: str, now: float, single: bool) -> Renderer:
    """The renderer for what was negotiated. Raises NotAcceptable for a list form of one object, or the reverse."""
    if not accepted.kind:
        return AsObject(info)
    if accepted.kind == negotiation.TABLE:
        return AsTable(info, accepted.version, printer_for(info), include or "Metadata", now)
    if single != (accepted.kind == negotiation.PARTIAL):
        raise NotAcceptable(f"the requested object can't be served as {accepted.kind}")
    return AsMetadata(accepted.version)
