"""Waits until what was made is ready to be used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from headwater.cli.failure import CommandFailed

if TYPE_CHECKING:
    from headwater.client.resource import ResourceClient

_POLL_SECONDS = 0.1


async def wait(resource: ResourceClient, name: str, problem: Callable[[dict[str, Any]], str], seconds: float) -> None:
    """Wait until an object has no problem any more. Raises CommandFailed with the last one."""
    last = "no answer"
    try:
        async with asyncio.timeout(seconds):
            while True:
                last = problem(await resource.get(name))
                if not last:
                    return
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError as error:
        raise CommandFailed(last) from error


def condition_problem(kind: str, placement: dict[str, Any]) -> str:
    """What keeps a Placement from having a condition; empty when it has it for the spec that it has now."""
    from headwater.machinery.conditions import get_condition

    observed = (placement.get("status") or {}).get("observedGeneration")
    if observed is not None and observed != placement["metadata"].get("generation"):
        return f'placement "{placement["metadata"]["name"]}" not ready: the control plane has not looked at it yet'
    condition = get_condition(placement, kind) or {}
    if condition.get("status") == "True":
        return ""
    what = "placement is not scheduled" if kind == "Scheduled" else "placement is not ready"
    why = f": {condition['message']}" if condition.get("message") else ""
    return f'placement "{placement["metadata"]["name"]}" not ready: {what}{why}'
