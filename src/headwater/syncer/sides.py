"""What the parts of a syncer share: whom they work for, both sides, and the clock and metrics of the process."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.base.clock import Clock
from headwater.syncer.activity import Activity
from headwater.syncer.downstream import Downstream
from headwater.syncer.identity import TargetIdentity
from headwater.syncer.namespaces.mapping import Namespaces
from headwater.syncer.upstream import Upstream
from headwater.telemetry.metrics import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The two sides that a syncer works between for one SyncTarget; ``namespaces`` maps those of one to the other.

    What is beside that mapping, in `namespaces/`, is below this and is given its parts one by one.
    """

    identity: TargetIdentity
    upstream: Upstream
    downstream: Downstream
    namespaces: Namespaces
    activity: Activity
    clock: Clock
    registry: Registry
