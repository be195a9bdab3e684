"""Carries out the changes that stages plan, through the pcluster's own API."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from itertools import groupby

from headwater.base.clock import Clock
from headwater.client.dynamic import Client
from headwater.client.resource import ResourceClient
from headwater.controller.events import EventWriter, Notice
from headwater.machinery.errors import AlreadyExists, Conflict, NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, deletion_timestamp, name, namespace, uid
from headwater.sim.changes import Bind, Change, Create, Delete, Emit, Patch
from headwater.sim.view import View

_AT_ONCE = 32


class Applier:
    """Writes changes in their order; creations and deletions in a row are written side by side."""

    def __init__(self, client: Client, views: Mapping[GroupVersionResource, View], *, clock: Clock) -> None:
        self._client = client
        self._views = views
        self._events = EventWriter(lambda _obj: client, clock=clock)

    async def apply(self, changes: Sequence[Change]) -> None:
        """Carry out all changes. Raises StatusError for a change that the server refuses; what went before stays."""
        for together, group in groupby(changes, key=lambda change: isinstance(change, Create | Delete)):
            row = list(group)
            step = _AT_ONCE if together else 1
            for start in range(0, len(row), step):
                outcomes = await asyncio.gather(*map(self._one, row[start : start + step]), return_exceptions=True)
                for outcome in outcomes:
                    if outcome is not None:
                        raise outcome

    async def _one(self, change: Change) -> None:
        match change:
            case Create():
                await self._create(change)
            case Delete():
                await self._delete(change)
            case Patch():
                await self._patch(change)
            case Bind():
                await self._bind(change)
            case Emit(obj, reason, message, component, warning):
                await self._events.write(Notice(obj, reason, message, warning), component)

    def _resource(self, gvr: GroupVersionResource, obj: Object) -> ResourceClient:
        return self._client.resource(gvr, namespace(obj))

    def _wrote(self, gvr: GroupVersionResource, obj: Object) -> None:
        view = self._views.get(gvr)
        if view is not None:
            view.wrote(obj)

    async def _create(self, change: Create) -> None:
        try:
            created = await self._resource(change.gvr, change.obj).create(change.obj)
        except AlreadyExists:
            return
        self._wrote(change.gvr, created)

    async def _delete(self, change: Delete) -> None:
        obj = change.obj
        try:
            answer = await self._resource(change.gvr, obj).delete(
                name(obj), uid=uid(obj), grace_period_seconds=change.grace_seconds, propagation_policy="Background"
            )
        except (NotFound, Conflict):
            # Gone, or another object by now: either way the one that was meant isn't there any more.
            answer = {}
        view = self._views.get(change.gvr)
        if view is None:
            return
        if deletion_timestamp(answer) and change.grace_seconds != 0:
            view.wrote(answer)
        else:
            view.deleted(obj)

    async def _patch(self, change: Patch) -> None:
        metadata = {**(change.body.get("metadata") or {}), "uid": uid(change.obj)}
        body = {**change.body, "metadata": metadata}
        try:
            patched = await self._resource(change.gvr, change.obj).patch(
                name(change.obj), body, subresource=change.subresource
            )
        except NotFound:
            return
        self._wrote(change.gvr, patched)

    async def _bind(self, change: Bind) -> None:
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name(change.obj), "namespace": namespace(change.obj), "uid": uid(change.obj)},
            "target": {"apiVersion": "v1", "kind": "Node", "name": change.node},
        }
        pods = self._resource(change.gvr, change.obj)
        await pods.create_subresource(name(change.obj), "binding", binding)
