"""Deletes what is in a namespace, resource by resource, and counts what remains."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from headwater.base.tasks import TaskGroup
from headwater.client.discovery import Discovery, ServedResource, discover
from headwater.client.dynamic import Client
from headwater.client.interface import TransportError
from headwater.client.lists import list_items
from headwater.machinery.errors import MethodNotAllowed, NotFound, StatusError
from headwater.machinery.objects import finalizers, name

PARALLEL_RESOURCES: Final = 8
_PAGE_SIZE: Final = 500


@dataclass(slots=True)
class Content:
    """What one pass over a namespace found."""

    discovery_errors: list[str] = field(default_factory=list)
    deletion_errors: list[str] = field(default_factory=list)
    remaining: Counter[str] = field(default_factory=Counter)
    """Objects left, by resource as `pods.` or `deployments.apps`."""
    held: Counter[str] = field(default_factory=Counter)
    """Objects left, by finalizer."""

    @property
    def gone(self) -> bool:
        """True when it is sure that nothing is left."""
        return not (self.discovery_errors or self.deletion_errors or self.remaining)


async def delete_content(client: Client, namespace: str) -> Content:
    """Delete everything in a namespace. Errors are collected, not raised: one resource must not hold up the others."""
    content = Content()
    try:
        served = await discover(client)
    except (StatusError, TransportError) as error:
        content.discovery_errors.append(str(error))
        return content
    content.discovery_errors += [f"{group_version}: can't be read" for group_version in served.failed]
    limit = asyncio.Semaphore(PARALLEL_RESOURCES)
    async with TaskGroup(f"empty namespace {namespace}") as group:
        for resource in _deletable(served):
            group.start(_delete_resource(client, namespace, resource, content, limit), name=str(resource.gvr))
    return content


def _deletable(served: Discovery) -> list[ServedResource]:
    return [resource for resource in served.preferred() if resource.namespaced and resource.supports("list", "delete")]


async def _delete_resource(
    client: Client, namespace: str, served: ServedResource, content: Content, limit: asyncio.Semaphore
) -> None:
    label = f"{served.gvr.resource}.{served.gvr.group}"
    resource = client.resource(served.gvr, namespace)
    async with limit:
        try:
            if not list_items(await resource.list(limit=1, metadata_only=True)):
                return
            if served.supports("deletecollection"):
                await resource.delete_collection(propagation_policy="Background")
            page = await resource.list(limit=_PAGE_SIZE, metadata_only=True)
            if not served.supports("deletecollection"):
                for item in list_items(page):
                    await resource.delete(name(item), propagation_policy="Background")
                page = await resource.list(limit=_PAGE_SIZE, metadata_only=True)
        except (NotFound, MethodNotAllowed):
            return  # The resource went away together with its objects.
        except (StatusError, TransportError) as error:
            content.deletion_errors.append(f"{label}: {error}")
            return
    left = list_items(page)
    if left:
        content.remaining[label] += len(left) + int((page.get("metadata") or {}).get("remainingItemCount") or 0)
        content.held.update(finalizer for item in left for finalizer in finalizers(item))
