"""The life of `headwater start`: until a signal, or until something fails."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Final

from headwater.base.collector import expect_many_objects
from headwater.server.errors import EXPECTED, StartError, start_error
from headwater.server.options import Options
from headwater.server.process import ControlPlaneProcess, VirtualContext
from headwater.telemetry.logging import get_logger
from headwater.virtual.credentials.service import SyncerCredentials
from headwater.virtual.interface import VirtualWorkspace
from headwater.virtual.scheduling.service import SchedulingVirtualWorkspace
from headwater.virtual.syncer.service import SyncerVirtualWorkspace
from headwater.virtual.upsyncer.service import UpsyncerVirtualWorkspace

log = get_logger("server")

EXIT_OK = 0
EXIT_FAILED = 1


def syncer_workspace(context: VirtualContext) -> VirtualWorkspace:
    """The view that syncers work on."""
    return SyncerVirtualWorkspace(
        cluster_client=context.client, clock=context.clock, external_url=context.url, traces=context.traces
    )


def upsyncer_workspace(context: VirtualContext) -> VirtualWorkspace:
    """The view that syncers bring objects up to."""
    return UpsyncerVirtualWorkspace(cluster_client=context.client, clock=context.clock)


def scheduling_workspace(context: VirtualContext) -> VirtualWorkspace:
    """Explanations and plans of the scheduler."""
    return SchedulingVirtualWorkspace(
        cluster_client=context.client, as_user=context.as_user, clock=context.clock, world=context.world
    )


def credentials_workspace(context: VirtualContext) -> VirtualWorkspace:
    """Where syncers get their credentials."""
    return SyncerCredentials(cluster_client=context.client, tokens=context.syncer_tokens, clock=context.clock)


VIRTUAL_WORKSPACES: Final = (syncer_workspace, upsyncer_workspace, scheduling_workspace, credentials_workspace)


async def run(options: Options) -> int:
    """Serve until SIGINT or SIGTERM; answers the exit code.

    What is wrong with the surroundings of a start (a taken port, a damaged store) is one line on standard error.
    """
    expect_many_objects()
    process = ControlPlaneProcess(options, virtual_workspaces=VIRTUAL_WORKSPACES)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    try:
        try:
            await process.start()
        except StartError as error:
            return _refuse(error)
        except EXPECTED as error:
            log.debug("start failed", exc_info=error)
            return _refuse(start_error(error))
        return await _serve(process, stopping)
    finally:
        await process.stop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _serve(process: ControlPlaneProcess, stopping: asyncio.Event) -> int:
    signalled = asyncio.ensure_future(stopping.wait())
    ended = asyncio.ensure_future(process.wait())
    try:
        await asyncio.wait((signalled, ended), return_when=asyncio.FIRST_COMPLETED)
        if stopping.is_set():
            log.info("stopping")
            return EXIT_OK
        log.error("a part of the server failed", exc_info=ended.exception())
        return EXIT_FAILED
    finally:
        signalled.cancel()
        ended.cancel()
        await asyncio.gather(signalled, ended, return_exceptions=True)


def _refuse(error: StartError) -> int:
    sys.stderr.write(f"headwater: {error}\n")
    return EXIT_FAILED
