"""Calls on a simulated pcluster for tests: create, read, and wait until an object is as it should be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from headwater.machinery.errors import NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import name, namespace
from headwater.sim.pcluster import PCluster

Obj = dict[str, Any]
SECONDS = 60.0


class Driver:
    """A user of one pcluster."""

    def __init__(self, pcluster: PCluster) -> None:
        self.pcluster = pcluster
        self._client = pcluster.client().cluster("")

    def resource(self, gvr: GroupVersionResource, space: str = "default") -> Any:
        return self._client.resource(gvr, space)

    async def create(self, gvr: GroupVersionResource, obj: Obj) -> Obj:
        created: Obj = await self._client.resource(gvr, namespace(obj)).create(obj)
        return created

    async def until(
        self, gvr: GroupVersionResource, wanted: str, check: Callable[[Obj], Any], space: str = "default"
    ) -> Obj:
        """The object once `check` is true of it."""
        resource = self._client.resource(gvr, space)
        last: Obj = {}
        try:
            async with (
                asyncio.timeout(SECONDS),
                resource.watch(field_selector=f"metadata.name={wanted}") as watch,
            ):
                async for kind, obj in watch:
                    last = obj
                    if kind in ("ADDED", "MODIFIED") and check(obj):
                        return obj
        except TimeoutError:
            pass
        raise AssertionError(f"{gvr.resource} {wanted} never got there: {last.get('status')}")

    async def until_gone(self, gvr: GroupVersionResource, wanted: str, space: str = "default") -> None:
        """Return once there is no such object."""
        resource = self._client.resource(gvr, space)
        async with asyncio.timeout(SECONDS):
            try:
                obj = await resource.get(wanted)
            except NotFound:
                return
            version = obj["metadata"]["resourceVersion"]
            selector = f"metadata.name={wanted}"
            async with resource.watch(resource_version=version, field_selector=selector) as watch:
                async for kind, _ in watch:
                    if kind == "DELETED":
                        return

    async def until_count(
        self, gvr: GroupVersionResource, count: int, check: Callable[[Obj], Any], space: str = "default"
    ) -> list[Obj]:
        """The objects of a namespace that `check` is true of, once there are exactly `count`."""
        resource = self._client.resource(gvr, space)
        items, version = await resource.list_all()
        found = {name(obj): obj for obj in items if check(obj)}
        if len(found) == count:
            return list(found.values())
        try:
            async with asyncio.timeout(SECONDS), resource.watch(resource_version=version) as watch:
                async for batch in watch.batches():
                    for kind, obj in batch:
                        found.pop(name(obj), None)
                        if kind in ("ADDED", "MODIFIED") and check(obj):
                            found[name(obj)] = obj
                    if len(found) == count:
                        return list(found.values())
        except TimeoutError:
            pass
        raise AssertionError(f"{len(found)} {gvr.resource}, not {count}")


def workload(kind: str, spec: Obj, *, object_name: str = "web", image: str = "nginx", **pod: Any) -> Obj:
    """A workload whose pods are labelled `app: <name>`."""
    labels = {"app": object_name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": image}], **pod}}
    selector = {} if kind == "Job" else {"selector": {"matchLabels": labels}}
    return {
        "apiVersion": "batch/v1" if kind == "Job" else "apps/v1",
        "kind": kind,
        "metadata": {"name": object_name, "namespace": "default"},
        "spec": {**selector, "template": template, **spec},
    }


def pod(object_name: str, *, image: str = "nginx", requests: Obj | None = None, **spec: Any) -> Obj:
    container: Obj = {"name": "main", "image": image}
    if requests:
        container["resources"] = {"requests": requests}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": object_name, "namespace": "default", "labels": {"app": object_name}},
        "spec": {"containers": [container], **spec},
    }


def condition(obj: Obj, kind: str) -> Obj:
    for one in (obj.get("status") or {}).get("conditions") or ():
        if one["type"] == kind:
            return dict(one)
    return {}


def is_running(obj: Obj) -> bool:
    return (obj.get("status") or {}).get("phase") == "Running" and condition(obj, "Ready").get("status") == "True"
