"""Watches a workspace: redraws the table on a terminal, prints changed rows elsewhere."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import click

from headwater.base.backoff import Backoff
from headwater.base.tasks import TaskGroup
from headwater.cli.output import Table, progress, table
from headwater.cli.placements.rows import TITLES, WIDE_TITLES, View, rows
from headwater.cli.placements.screen import screen
from headwater.cli.placements.surroundings import NAMESPACES, Subject, lost_pclusters, workload_resources
from headwater.cli.placements.targets import target_names
from headwater.machinery.objects import Object, name

if TYPE_CHECKING:
    from headwater.cli.session import Session
    from headwater.client.discovery import Discovery
    from headwater.client.informer.informer import Informer
    from headwater.machinery.gvk import GroupVersionResource

_DRAW_SECONDS = 0.1
_REFRESH_SECONDS = 2.0
_RETRY_SECONDS = 2.0


class Workspace:
    """Local copies of what the table is made of, kept current, also over lost connections."""

    def __init__(self, session: Session, discovery: Discovery, placement: str = "") -> None:
        from headwater.apis.placement.v1alpha1.placement import PLACEMENTS

        self._session = session
        self._resources = workload_resources(discovery)
        self.changed = asyncio.Event()
        self._names: dict[str, str] = {}
        selector = f"metadata.name={placement}" if placement else ""
        self._placements = self._informer(PLACEMENTS, selector)
        self._spaces = self._informer(NAMESPACES)
        self._workloads: dict[GroupVersionResource, Informer] = {gvr: self._informer(gvr) for gvr in self._resources}

    def _informer(self, gvr: GroupVersionResource, field_selector: str = "") -> Informer:
        from headwater.client.informer.informer import Informer

        informer = Informer(
            self._session.client.resource(gvr),
            name=gvr.resource,
            clustered=False,
            field_selector=field_selector,
            backoff=Backoff(initial=0.2, maximum=_RETRY_SECONDS),
        )
        informer.add_handler(lambda _kind, _old, _new: self.changed.set())
        return informer

    @property
    def informers(self) -> list[Informer]:
        """All of them."""
        return [self._placements, self._spaces, *self._workloads.values()]

    async def problem(self) -> str:
        """Why what is shown may be old; empty while all is well.

        An informer keeps its error until something changes, which may be long after it was connected again: whether
        the control plane answers is the better sign. Raises Unauthorized: to go on trying is of no use then.
        """
        from headwater.client.answers import UnexpectedAnswer
        from headwater.client.interface import TransportError
        from headwater.machinery.errors import StatusError, Unauthorized

        if not any(each.last_error for each in self.informers):
            return ""
        try:
            await self._session.client.get_json("/version")
        except Unauthorized:
            raise
        except (StatusError, TransportError, UnexpectedAnswer) as error:
            return str(error)
        return ""

    async def view(self) -> View:
        """What is known now."""
        self._names.update(target_names(self._placements.list(), ()))
        subjects: list[Subject] = [(gvr, each) for gvr, found in self._workloads.items() for each in found.list()]
        return View(
            self._placements.list(),
            {name(each): each for each in self._spaces.list()},
            {gvr.resource: found.list() for gvr, found in self._workloads.items()},
            await lost_pclusters(self._session, subjects),
            self._names,
        )


async def watch(session: Session, discovery: Discovery, show: Callable[[View, str], None], placement: str = "") -> None:
    """Call `show` with the view and the connection's problem, at first and after changes, until cancelled.

    Changes that come close together are shown together; every few seconds the view is made anew without any, since a
    pcluster that falls silent changes nothing.
    """
    workspace = Workspace(session, discovery, placement)
    async with TaskGroup("placements") as group:
        for informer in workspace.informers:
            group.start(informer.run(), name=informer.name)
        for informer in workspace.informers:
            await informer.wait_synced()
        while True:
            workspace.changed.clear()
            show(await workspace.view(), await workspace.problem())
            try:
                async with asyncio.timeout(_REFRESH_SECONDS):
                    await workspace.changed.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(_DRAW_SECONDS)


async def watch_table(session: Session, discovery: Discovery, *, wide: bool, placement: str = "") -> None:
    """The live table, for as long as it is wanted. What is shown last stays on the terminal."""
    titles = WIDE_TITLES if wide else TITLES
    if not sys.stdout.isatty():
        await watch(session, discovery, RowPrinter(titles), placement)
        return
    last = ""
    try:
        with screen() as drawn:

            def draw(view: View, problem: str) -> None:
                nonlocal last
                last = table(titles, [row[: len(titles)] for row in rows(view).values()])
                drawn.draw(f"{_head(session.workspace, problem)}\n\n{last}")

            await watch(session, discovery, draw, placement)
    finally:
        click.echo(last)


def _head(workspace: str, problem: str) -> str:
    when = datetime.now().astimezone().strftime("%H:%M:%S")
    state = f"connection lost, trying again: {problem}" if problem else "live"
    return f"Workspace {workspace} at {when} ({state}); Ctrl-C ends."


class RowPrinter:
    """Prints the table, then each row that changes, with columns that stay aligned."""

    def __init__(self, titles: tuple[str, ...], echo: Callable[[str], None] = click.echo) -> None:
        self._table = Table(titles)
        self._titles = titles
        self._echo = echo
        self._shown: Mapping[str, tuple[str, ...]] = {}
        self._problem = ""
        self._started = False

    def __call__(self, view: View, problem: str) -> None:
        """Print what differs from the last time."""
        if problem != self._problem:
            progress(f"connection lost, trying again: {problem}" if problem else "connected again")
            self._problem = problem
        now = {key: row[: len(self._titles)] for key, row in rows(view).items()}
        changed = [row for key, row in now.items() if self._shown.get(key) != row]
        gone = [(row[0], "Gone", *([""] * (len(row) - 2))) for key, row in self._shown.items() if key not in now]
        for line in self._table.lines([*changed, *gone], head=not self._started and bool(changed)):
            self._echo(line)
        self._started = self._started or bool(changed)
        self._shown = now


async def watch_documents(session: Session, output: str, placement: str = "") -> None:
    """Print each Placement, and again when it changes: a stream of documents, or of names."""
    from headwater.apis.placement.v1alpha1.placement import PLACEMENTS
    from headwater.cli.placements.once import print_documents
    from headwater.client.informer.informer import Informer

    selector = f"metadata.name={placement}" if placement else ""
    informer = Informer(
        session.client.resource(PLACEMENTS), name="placements", clustered=False, field_selector=selector
    )

    def show(_kind: str, _old: Object | None, new: Object | None) -> None:
        if new is not None:
            if output == "yaml":
                click.echo("---")
            print_documents([new], output, single=True)
            sys.stdout.flush()

    informer.add_handler(show)
    await informer.run()
