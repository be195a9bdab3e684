"""Pick targets for a policy: keep what can stay, then fill up evenly and deterministically."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from headwater.scheduling.filters import (
    REASON_API_NOT_SUPPORTED,
    REASON_ENOUGH,
    REASON_NOT_READY,
    REASON_SPREAD,
    reject,
)
from headwater.scheduling.model import (
    Decision,
    Location,
    Pick,
    Policy,
    Rejection,
    Snapshot,
    SpreadConstraint,
    Target,
)

_NOT_ASKED_FOR = frozenset({REASON_NOT_READY, REASON_API_NOT_SUPPORTED})
"""Reasons that befall a target in use. Drains and NoExecute taints are not among them: those are asked for."""


def decide(policy: Policy, snapshot: Snapshot) -> Decision:
    """The targets for a policy. Depends only on its arguments, not on their order.

    Targets in use are kept while they may stay (least movement); the rest is filled with those that keep the
    spread even, ties broken by a hash of policy and target, so that many policies use all targets alike and a new
    target takes over only its share. A target in use that became unfit is given up for another one only: taking
    workloads off it without a place to go to would turn an outage of the control plane's view into one of theirs.
    """
    locations = tuple(sorted(filter(policy.selects, snapshot.locations), key=_location_order))
    home = _home_locations(locations, snapshot.targets)
    in_use = {key: position for position, key in enumerate(policy.current)}
    candidates: list[Target] = []
    rejections: list[Rejection] = []
    for target in sorted(snapshot.targets, key=lambda each: each.key):
        if target.key not in home:
            continue
        rejection = reject(target, policy, snapshot.now, in_use=target.key in in_use)
        if rejection is None:
            candidates.append(target)
        else:
            rejections.append(rejection)
    kept = sorted((each for each in candidates if each.key in in_use), key=lambda each: in_use[each.key])
    picks = [Pick(target, home[target.key], kept=True) for target in kept[: policy.maximum]]
    fresh = [each for each in candidates if each.key not in in_use]
    picks += _fill(policy, picks, fresh, home, policy.maximum - len(picks))
    unfit = {each.target.key: each.target for each in rejections if each.reason in _NOT_ASKED_FOR}
    held = [unfit[key] for key in policy.current if key in unfit][: policy.maximum - len(picks)]
    picks += [Pick(target, home[target.key], kept=True, fit=False) for target in held]
    chosen = {pick.target.key for pick in picks}
    spare_reason = REASON_ENOUGH if len(picks) >= policy.maximum else REASON_SPREAD
    rejections += [_spare(target, spare_reason) for target in candidates if target.key not in chosen]
    return Decision(tuple(picks), tuple(rejections), locations, _recheck_at(policy, snapshot, home))


def _location_order(location: Location) -> tuple[str, str]:
    return location.cluster, location.name


def _home_locations(locations: Sequence[Location], targets: Iterable[Target]) -> dict[str, Location]:
    """Target key -> the first selected location that holds it."""
    homes: dict[str, Location] = {}
    for target in targets:
        for location in locations:
            if location.holds(target):
                homes[target.key] = location
                break
    return homes


def _fill(
    policy: Policy, picks: Sequence[Pick], fresh: Sequence[Target], home: dict[str, Location], wanted: int
) -> list[Pick]:
    """Up to `wanted` new picks, each the best that the spread constraints still allow."""
    counts = [_domain_counts(constraint, picks, fresh, home) for constraint in policy.spread]
    left = {target.key: target for target in fresh}
    chosen: list[Pick] = []
    while left and len(chosen) < wanted:
        allowed = [
            target
            for target in left.values()
            if all(
                _skew_after(constraint, count, target, home) <= constraint.max_skew
                for constraint, count in zip(policy.spread, counts, strict=True)
            )
        ]
        if not allowed:
            break
        best = min(allowed, key=lambda target: _rank(policy, counts, target, home))
        del left[best.key]
        chosen.append(Pick(best, home[best.key], kept=False))
        for constraint, count in zip(policy.spread, counts, strict=True):
            count.update(_domains(constraint, best, home))
    return chosen


def _rank(
    policy: Policy, counts: Sequence[Counter[str]], target: Target, home: dict[str, Location]
) -> tuple[int, bytes]:
    crowd = sum(
        max((count[domain] for domain in _domains(constraint, target, home)), default=0)
        for constraint, count in zip(policy.spread, counts, strict=True)
    )
    return crowd, hashlib.sha256(f"{policy.uid}/{target.key}".encode()).digest()


def _domains(constraint: SpreadConstraint, target: Target, home: dict[str, Location]) -> tuple[str, ...]:
    """The values of the feature for a target; a target without one counts as a domain of its own kind."""
    if constraint.by == "cell":
        return target.cells or ("",)
    if constraint.by == "location":
        location = home[target.key]
        return (f"{location.cluster}/{location.name}",)
    return (target.labels.get(constraint.label, ""),)


def _domain_counts(
    constraint: SpreadConstraint, picks: Sequence[Pick], fresh: Sequence[Target], home: dict[str, Location]
) -> Counter[str]:
    counts: Counter[str] = Counter()
    for target in fresh:
        for domain in _domains(constraint, target, home):
            counts[domain] += 0
    for pick in picks:
        counts.update(_domains(constraint, pick.target, home))
    return counts


def _skew_after(constraint: SpreadConstraint, counts: Counter[str], target: Target, home: dict[str, Location]) -> int:
    fullest = max(counts[domain] for domain in _domains(constraint, target, home)) + 1
    return fullest - min(counts.values())


def _spare(target: Target, reason: str) -> Rejection:
    if reason == REASON_ENOUGH:
        return Rejection(target, reason, f"SyncTarget {target.name} could be used, but enough others are")
    return Rejection(target, reason, f"SyncTarget {target.name} would make the spread too uneven")


def _recheck_at(policy: Policy, snapshot: Snapshot, home: dict[str, Location]) -> datetime | None:
    """The next instant at which a drain begins or a grace ends."""
    instants = []
    for target in snapshot.targets:
        if target.key not in home:
            continue
        if target.evict_after is not None:
            instants.append(target.evict_after)
        if target.not_ready_since is not None and target.key in policy.current:
            instants.append(target.not_ready_since + policy.not_ready_grace)
    return min((instant for instant in instants if instant > snapshot.now), default=None)
