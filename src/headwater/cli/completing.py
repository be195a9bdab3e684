"""What a shell can complete besides commands and flags: names that the control plane knows.

Completion never complains: without an answer in time there is nothing to complete.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem, ShellComplete

from headwater.cli.session import ConnectionFlags, Session

if TYPE_CHECKING:
    from headwater.client.dynamic import Client
    from headwater.machinery.gvk import GroupVersionResource

_SECONDS = 3.0
_MAX_NAMES = 500
_NO_FILES = 4
"""Cobra's directive that what is printed is all there is."""

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def sync_targets(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of SyncTargets of the workspace."""
    from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS

    return _names(ctx, SYNC_TARGETS, incomplete)


def placements(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of Placements of the workspace."""
    from headwater.apis.placement.v1alpha1.placement import PLACEMENTS

    return _names(ctx, PLACEMENTS, incomplete)


def workloads(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """`TYPE/NAME` of workloads: types until there is a slash, then names in the namespace of -n."""
    kind, slash, _ = incomplete.partition("/")
    if not slash:
        types = ("deployment/", "statefulset/", "daemonset/", "job/", "placement/")
        return [CompletionItem(each, type="plain") for each in types if each.startswith(incomplete)]

    async def ask(session: Session) -> list[str]:
        from headwater.cli.naming import resolve_type
        from headwater.client.discovery import discover

        found = resolve_type(kind, await discover(session.client))
        namespace = (ctx.params.get("namespace") or session.namespace) if found.namespaced else ""
        return [f"{kind}/{each}" for each in await _listed(session.client, found.gvr, namespace)]

    return _matching(_asked(ctx, ask), incomplete)


def _names(ctx: click.Context, gvr: GroupVersionResource, incomplete: str) -> list[CompletionItem]:
    async def ask(session: Session) -> list[str]:
        return await _listed(session.client, gvr)

    return _matching(_asked(ctx, ask), incomplete)


async def _listed(client: Client, gvr: GroupVersionResource, namespace: str = "") -> list[str]:
    page = await client.resource(gvr, namespace).list(limit=_MAX_NAMES, metadata_only=True)
    return [each["metadata"]["name"] for each in page.get("items") or ()]


def _matching(names: Sequence[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(each) for each in names if each.startswith(incomplete)]


def _asked(ctx: click.Context, ask: Callable[[Session], Awaitable[list[str]]]) -> list[str]:
    import asyncio

    params: dict[str, Any] = ctx.params
    flags = ConnectionFlags(params.get("kubeconfig"), params.get("context") or "", params.get("workspace") or "")

    async def body() -> list[str]:
        async with asyncio.timeout(_SECONDS), Session.open(flags) as session:
            return await ask(session)

    try:
        return asyncio.run(body())
    except Exception:  # noqa: BLE001 - a shell that completes has no place to show what is wrong
        return []


def print_cobra_completions(command: click.Command, program: str, arguments: Sequence[str]) -> None:
    """What kubectl wants of `kubectl_complete-<plugin>`: candidates with their help, and a directive as last line."""
    *before, incomplete = arguments or [""]
    os.environ.pop("_HEADWATER_COMPLETE", None)
    found = ShellComplete(command, {}, program, "_HEADWATER_COMPLETE").get_completions(list(before), incomplete)
    for item in found:
        if item.type == "plain":
            click.echo(f"{item.value}\t{item.help}" if item.help else item.value)
    click.echo(f":{_NO_FILES if any(item.type == 'plain' for item in found) else 0}")
