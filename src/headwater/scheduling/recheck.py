"""When time alone may change where a workload belongs (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from headwater.scheduling.model import Policy, Target
from headwater.scheduling.tolerance import stays_until
from headwater.scheduling.workload import Workload
from headwater.scheduling.world import World


def recheck_at(world: World, workload: Workload, now: datetime) -> datetime | None:
    """The next instant at which a drain of one of its targets begins, or a grace or a toleration ends."""
    targets = [target for key in workload.current if (target := world.target(key)) is not None]
    policies = [policy for uid in workload.policies if (policy := world.policy(uid)) is not None]
    found = [at for target in targets for policy in policies for at in instants(target, policy)]
    return min((at for at in found if at > now), default=None)


def instants(target: Target, policy: Policy) -> Iterator[datetime]:
    """All instants at which a target that is in use stops being good enough for a policy by time alone."""
    if target.evict_after is not None:
        yield target.evict_after
    if target.not_ready_since is not None:
        yield target.not_ready_since + policy.not_ready_grace
    for taint in target.taints:
        until = stays_until(taint, policy.tolerations)
        if until is not None:
            yield until
