"""Reasons for which a target can't be used, in the order in which they are asked.

Each filter answers None (fine) or a Rejection. A target that is in use is kept under conditions that would keep a
new workload off it: cordons and NoSchedule taints only stop what comes, and a lost target gets its time of grace.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from headwater.scheduling.model import Policy, Rejection, Target
from headwater.scheduling.tolerance import admitted, stays_until

REASON_API_NOT_SUPPORTED: Final = "APINotSupported"
REASON_EVICTING: Final = "Evicting"
REASON_NOT_READY: Final = "NotReady"
REASON_UNSCHEDULABLE: Final = "Unschedulable"
REASON_TAINTED: Final = "Tainted"
REASON_SPREAD: Final = "SpreadConstraint"
REASON_ENOUGH: Final = "EnoughTargets"
REASON_MASS_LOSS: Final = "MassLoss"
"""It is lost, with most targets of its workspace: rather the control plane is cut off than all of them."""
REASON_INSUFFICIENT_CAPACITY: Final = "InsufficientCapacity"
REASON_LOCATION_NOT_SELECTED: Final = "LocationNotSelected"
REASON_TARGET_NOT_SELECTED: Final = "TargetNotSelected"

Filter = Callable[[Target, Policy, datetime, bool], Rejection | None]


def supports_apis(target: Target, policy: Policy, _now: datetime, _in_use: bool) -> Rejection | None:
    """Every resource of every compute binding must be accepted by the target, by identity."""
    for binding, resources in sorted(policy.required.items()):
        missing = sorted(resources - target.accepted)
        if missing:
            group, resource, _ = missing[0]
            named = f"{resource}.{group}" if group else resource
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            return Rejection(
                target,
                REASON_API_NOT_SUPPORTED,
                f"SyncTarget {target.name} does not support APIBinding {binding}: {named}{more} not accepted",
            )
    return None


def not_evicting(target: Target, _policy: Policy, now: datetime, _in_use: bool) -> Rejection | None:
    """`evictAfter` in the past sends everything away."""
    if target.evict_after is not None and target.evict_after <= now:
        return Rejection(target, REASON_EVICTING, f"SyncTarget {target.name} is being drained")
    return None


def ready(target: Target, policy: Policy, now: datetime, in_use: bool) -> Rejection | None:
    """A target in use may be away for the policy's grace; a new one must be ready."""
    if target.not_ready_since is None:
        return None
    if in_use and now < target.not_ready_since + policy.not_ready_grace:
        return None
    why = f": {target.not_ready_message}" if target.not_ready_message else ""
    return Rejection(target, REASON_NOT_READY, f"SyncTarget {target.name} is not ready{why}")


def schedulable(target: Target, _policy: Policy, _now: datetime, in_use: bool) -> Rejection | None:
    """A cordon keeps new workloads off and leaves those that run there."""
    if target.unschedulable and not in_use:
        return Rejection(target, REASON_UNSCHEDULABLE, f"SyncTarget {target.name} is cordoned")
    return None


def untainted(target: Target, policy: Policy, now: datetime, in_use: bool) -> Rejection | None:
    """Each taint must be tolerated; NoSchedule asks only those that come, and what stays may do so for some time."""
    for taint in target.taints:
        if in_use:
            leave_at = stays_until(taint, policy.tolerations)
            tolerated = leave_at is None or now < leave_at
        else:
            tolerated = admitted(taint, policy.tolerations)
        if not tolerated:
            shown = f"{taint.key}={taint.value}:{taint.effect}"
            return Rejection(target, REASON_TAINTED, f"SyncTarget {target.name} has an untolerated taint {shown}")
    return None


FILTERS: Final[tuple[Filter, ...]] = (supports_apis, not_evicting, ready, schedulable, untainted)


def reject(target: Target, policy: Policy, now: datetime, *, in_use: bool) -> Rejection | None:
    """The first filter's reason against the target, or None."""
    for passes in FILTERS:
        rejection = passes(target, policy, now, in_use)
        if rejection is not None:
            return rejection
    return None
