"""Finds the SyncTarget that a syncer was made for."""

from __future__ import annotations

from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
from headwater.base.backoff import Backoff
from headwater.base.clock import Clock
from headwater.client.answers import UnexpectedAnswer
from headwater.client.dynamic import Client
from headwater.client.interface import TransportError
from headwater.machinery.errors import StatusError
from headwater.machinery.objects import cluster_name, uid
from headwater.syncer.identity import TargetIdentity
from headwater.syncer.options import SyncerOptions
from headwater.telemetry.logging import get_logger

log = get_logger("syncer.target")


class WrongSyncTarget(Exception):
    """The SyncTarget has another uid than the one that this syncer was made for."""


async def find_target(workspace: Client, options: SyncerOptions, clock: Clock) -> TargetIdentity:
    """The SyncTarget, waited for while it can't be read. Raises WrongSyncTarget."""
    backoff = Backoff(initial=0.5, factor=2.0, maximum=15.0)
    while True:
        try:
            target = await workspace.resource(SYNC_TARGETS).get(options.sync_target_name)
            break
        except (StatusError, TransportError, UnexpectedAnswer) as error:
            delay = backoff.next()
            log.warning("can't read SyncTarget", name=options.sync_target_name, error=str(error), retry_in=delay)
            await clock.sleep(delay)
    if uid(target) != options.sync_target_uid:
        raise WrongSyncTarget(
            f"unexpected SyncTarget UID {uid(target)}, expected {options.sync_target_uid}, refusing to sync: "
            f"SyncTarget {options.sync_target_name} was deleted and made anew. Nothing is deleted on the pcluster. "
            f"Apply new manifests of `headwater sync-target create {options.sync_target_name}`, wait until all is "
            "ready, and then delete the namespaces of the old one, which the new syncer counts and names"
        )
    return TargetIdentity(cluster_name(target) or options.from_cluster, options.sync_target_name, uid(target))
