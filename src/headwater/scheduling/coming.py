"""Room that workloads are giving back: whether a move is worth waiting for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headwater.scheduling.choosing import Choice
from headwater.scheduling.workload import Workload
from headwater.scheduling.world import World


def awaits(world: World, workload: Workload, choices: Sequence[Choice], shares: Mapping[str, int]) -> bool:
    """Whether a workload that gives something up would get a target, or more of one, when those are gone that leave.

    Who leaves before has to go down for a while, who waits moves without a gap. Those that leave do so whatever others
    do, since what waits itself does not count among them.
    """
    if not world.emptying() or workload.current.keys() <= shares.keys():
        return False
    return any(_comes(world, workload, choice, key, shares) for key in world.emptying() for choice in choices)


def _comes(world: World, workload: Workload, choice: Choice, key: str, shares: Mapping[str, int]) -> bool:
    position = choice.candidates.where.get(key)
    if position is None or not choice.candidates.admits[position]:
        return False
    now, later = world.room(key, workload), world.room_later(key, workload)
    if choice.policy.divided:
        short = sum(shares.values()) < workload.replicas
        return short and later > now and (choice.wanted > 0 or position in choice.fit)
    return choice.wanted > 0 and key not in shares and now < workload.replicas <= later
