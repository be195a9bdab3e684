"""Why a workload moves: what speaks against the targets that it leaves (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from headwater.machinery.objects import Object, name
from headwater.scheduling.filters import reject
from headwater.scheduling.workload import Workload
from headwater.scheduling.world import World


def cause_of_move(
    world: World, workload: Workload, shares: Sequence[str], placements: Sequence[Object], now: datetime
) -> str:
    """Why a workload is placed, or moves away from where it was: what speaks against each target that it leaves."""
    left = [key for key in workload.current if key not in shares]
    names = ", ".join(name(each) for each in placements)
    if not left:
        return f"placed by {names}" if not workload.current else f"more targets by {names}"
    causes = []
    for key in left:
        target = world.target(key)
        policies = [policy for uid in workload.policies if (policy := world.policy(uid)) is not None]
        if target is None:
            causes.append("its SyncTarget is gone")
            continue
        found = [reject(target, policy, now, in_use=True) for policy in policies]
        against = next((each for each in found if each is not None), None)
        causes.append(
            against.message if against else f"SyncTarget {target.name} is no longer chosen by {names or 'any'}"
        )
    return "; ".join(causes)
