"""Reasons for which a target can't be used, in the order in which they are asked.

Each filter yields what it has against a target. A target that is in use is kept under conditions that would keep a
new workload off it: cordons and NoSchedule taints only stop what comes, and a lost target gets its time of grace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from headwater.scheduling.model import Policy, Reason, Rejection, Target
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

REASON_NO_WEIGHT: Final = "NoWeight"
"""Replicas are divided by weights, and it has none."""

Filter = Callable[[Target, Policy, datetime, bool], Iterator[Reason]]


def supports_apis(target: Target, policy: Policy, _now: datetime, _in_use: bool) -> Iterator[Reason]:
    """Every resource of every compute binding must be accepted by the target, by identity."""
    for binding, resources in sorted(policy.required.items()):
        missing = sorted(resources - target.accepted)
        if missing:
            group, resource, _ = missing[0]
            named = f"{resource}.{group}" if group else resource
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            yield Reason(
                REASON_API_NOT_SUPPORTED,
                f"SyncTarget {target.name} does not support APIBinding {binding}: {named}{more} not accepted",
                f"serve {named}{more} there, compatible with APIBinding {binding}",
            )


def not_evicting(target: Target, _policy: Policy, now: datetime, _in_use: bool) -> Iterator[Reason]:
    """`evictAfter` in the past sends everything away."""
    if target.evict_after is not None and target.evict_after <= now:
        yield Reason(REASON_EVICTING, f"SyncTarget {target.name} is being drained", "uncordon it")


def ready(target: Target, policy: Policy, now: datetime, in_use: bool) -> Iterator[Reason]:
    """A target in use may be away for the policy's grace; a new one must be ready."""
    if target.not_ready_since is None:
        return
    if in_use and now < target.not_ready_since + policy.not_ready_grace:
        return
    why = f": {target.not_ready_message}" if target.not_ready_message else ""
    yield Reason(REASON_NOT_READY, f"SyncTarget {target.name} is not ready{why}", "bring its syncer back")


def schedulable(target: Target, _policy: Policy, _now: datetime, in_use: bool) -> Iterator[Reason]:
    """A cordon keeps new workloads off and leaves those that run there."""
    if target.unschedulable and not in_use:
        yield Reason(REASON_UNSCHEDULABLE, f"SyncTarget {target.name} is cordoned", "uncordon it")


def untainted(target: Target, policy: Policy, now: datetime, in_use: bool) -> Iterator[Reason]:
    """Each taint must be tolerated; NoSchedule asks only those that come, and what stays may do so for some time."""
    for taint in target.taints:
        if in_use:
            leave_at = stays_until(taint, policy.tolerations)
            tolerated = leave_at is None or now < leave_at
        else:
            tolerated = admitted(taint, policy.tolerations)
        if not tolerated:
            message = f"SyncTarget {target.name} has an untolerated taint {taint}"
            for_ever = " for ever" if any(each.tolerates(taint) for each in policy.tolerations) else ""
            yield Reason(REASON_TAINTED, message, f"tolerate {taint}{for_ever}")


FILTERS: Final[tuple[Filter, ...]] = (supports_apis, not_evicting, ready, schedulable, untainted)


def reasons_against(target: Target, policy: Policy, now: datetime, *, in_use: bool) -> Iterator[Reason]:
    """Every reason of every filter against the target."""
    for filtered in FILTERS:
        yield from filtered(target, policy, now, in_use)


def reject(target: Target, policy: Policy, now: datetime, *, in_use: bool) -> Rejection | None:
    """The first reason against the target, or None."""
    for found in reasons_against(target, policy, now, in_use=in_use):
        return Rejection(target, found.reason, found.message)
    return None
