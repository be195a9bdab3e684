"""Keeps a SyncTarget to one pcluster: who runs on another one, as by a copied manifest, gets no work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from headwater.apis.sync.v1alpha1.synctarget import (
    BIND_TO_PCLUSTER_ANNOTATION,
    CONDITION_PCLUSTER_BOUND,
    REASON_OTHER_PCLUSTER,
    REASON_PCLUSTER_UNKNOWN,
)
from headwater.base.clock import Clock
from headwater.client.dynamic import Client
from headwater.client.resource import ResourceClient
from headwater.controller.commit import merge_patch_of
from headwater.machinery.conditions import ERROR, get_condition, is_false, mark_false, remove_condition
from headwater.machinery.errors import Conflict, Forbidden, NotFound
from headwater.machinery.gvk import GroupVersionResource
from headwater.machinery.objects import Object, deep_copy, name, nested, resource_version, uid
from headwater.machinery.timestamps import parse_time
from headwater.telemetry.logging import get_logger

_NAMESPACES: Final = GroupVersionResource("", "v1", "namespaces")
_SYSTEM_NAMESPACE: Final = "kube-system"
"""Its UID is what tells clusters apart by convention: it is made with the cluster, and can't be deleted."""
_ATTEMPTS: Final = 5
_REPEAT_SECONDS: Final = 600.0
"""What was said of another pcluster is forgotten after so long; a syncer that is still there says it again."""

log = get_logger("syncer.binding")


class PClusterBinding:
    """Whether this syncer's pcluster is the one that the SyncTarget is bound to; the first that reports is it.

    ``look`` asks the pcluster who it is, ``holds`` compares that with the SyncTarget. While ``bound`` is not set
    nothing may be written for the SyncTarget, but for the condition that says so.
    """

    def __init__(self, *, targets: ResourceClient, downstream: Client, clock: Clock) -> None:
        self._targets = targets
        self._downstream = downstream
        self._clock = clock
        self._own = ""
        self._said = False
        self._listeners: list[Callable[[], None]] = []
        self.bound = asyncio.Event()
        self.problem = "not known yet whether this is the pcluster of the SyncTarget"
        """Why there is no work; "" while there is."""
        self.refused = False
        """Whether the SyncTarget is known to be another pcluster's."""

    def add_listener(self, changed: Callable[[], None]) -> None:
        """Have a function called when ``bound`` changes."""
        self._listeners.append(changed)

    async def look(self) -> None:
        """Ask the pcluster for its ID. Raises StatusError and TransportError.

        Where that may not be read, or is not there, what was found before counts on.
        """
        try:
            found = await self._downstream.resource(_NAMESPACES).get(_SYSTEM_NAMESPACE)
        except (Forbidden, NotFound) as error:
            log.warning("the pcluster's ID can't be read", known=self._own, error=str(error))
            return
        self._own = uid(found)

    async def holds(self, target: Object) -> bool:
        """Whether there is work; binds a SyncTarget that nobody has. Raises StatusError and TransportError."""
        said = bound_to(target)
        if not said and self.refused:
            return False  # The control plane was restored from an older copy: let the right one be the first again.
        if not said and self._own:
            said = await self._claim(target)
        if not said or said == self._own:
            self.refused, self.problem = False, ""
            self._set(bound=True)
            return True
        await self._say(target, *self._refuse(target, said))
        return False

    def lost(self, target: Object) -> bool:
        """Whether the SyncTarget was bound to another pcluster, which ends our work at once."""
        said = bound_to(target)
        if not self._own or said in ("", self._own):
            return False
        self._refuse(target, said)
        return True

    def _refuse(self, target: Object, said: str) -> tuple[str, str]:
        """Take note that there is no work; reason and message of the condition."""
        reason, message = _refusal(name(target), said, self._own)
        if message != self.problem:
            log.error("no work for this pcluster", sync_target=name(target), bound_to=said, own=self._own)
        self.refused, self.problem = True, message
        self._set(bound=False)
        return reason, message

    def report(self, target: Object, now: datetime) -> None:
        """Take off what another syncer, or we, have said of a wrong pcluster, when that is over. Changes `target`."""
        condition = get_condition(target, CONDITION_PCLUSTER_BOUND)
        since = nested(condition, "lastTransitionTime", default="")
        if condition is None or (since and not self._said and now - parse_time(since) < _repeat()):
            return
        self._said = False
        remove_condition(target, CONDITION_PCLUSTER_BOUND)

    def _set(self, *, bound: bool) -> None:
        if bound == self.bound.is_set():
            return
        if bound:
            self.bound.set()
        else:
            self.bound.clear()
        for changed in self._listeners:
            changed()

    async def _claim(self, target: Object) -> str:
        """Bind the SyncTarget to our pcluster unless somebody is faster; the ID that it has then.

        It is "" where the control plane is older than this field.
        """
        for _ in range(_ATTEMPTS):
            meta = {"uid": uid(target), "resourceVersion": resource_version(target)}
            try:
                patch = {"metadata": meta, "status": {"pclusterID": self._own}}
                return bound_to(await self._targets.patch_status(name(target), patch))
            except Conflict:
                target = await self._live(target)
                if bound_to(target):
                    return bound_to(target)
        raise Conflict(f"SyncTarget {name(target)!r} is changed by others all the time")

    async def _say(self, target: Object, reason: str, message: str) -> None:
        for _ in range(_ATTEMPTS):
            changed = deep_copy(target)
            if not is_false(target, CONDITION_PCLUSTER_BOUND):
                mark_false(changed, CONDITION_PCLUSTER_BOUND, reason, ERROR, message, self._clock.now())
            patch = merge_patch_of(target, changed)
            if patch is None:
                return
            try:
                await self._targets.patch_status(name(target), patch[0])
            except Conflict:
                target = await self._live(target)
                continue
            self._said = True
            return

    async def _live(self, target: Object) -> Object:
        """The SyncTarget as it is. Raises Conflict when it is another one by now."""
        live = await self._targets.get(name(target))
        if uid(live) != uid(target):
            raise Conflict(f"SyncTarget {name(target)!r} was replaced")
        return live


def bound_to(target: Object) -> str:
    """The ID of the pcluster that a SyncTarget is bound to; "" before somebody has reported one."""
    return str(nested(target, "status", "pclusterID", default=""))


def _repeat() -> timedelta:
    return timedelta(seconds=_REPEAT_SECONDS)


def _refusal(target_name: str, said: str, own: str) -> tuple[str, str]:
    """Reason and message."""
    if not own:
        return REASON_PCLUSTER_UNKNOWN, (
            f"a syncer may not read the namespace {_SYSTEM_NAMESPACE} of its pcluster, so it can't tell whether that "
            f"is {said}, which SyncTarget {target_name} is bound to; it syncs nothing"
        )
    return REASON_OTHER_PCLUSTER, (
        f"a syncer on the pcluster {own} asks for work, and SyncTarget {target_name} is bound to {said}; it syncs "
        f"nothing. If {own} is to take the place of {said}, annotate the SyncTarget with "
        f"{BIND_TO_PCLUSTER_ANNOTATION}={own}"
    )
