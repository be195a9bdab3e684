"""Decide for one policy from a snapshot: the engine over a world that has nothing else in it."""

from __future__ import annotations

from dataclasses import replace

from headwater.scheduling.home import choose_home
from headwater.scheduling.model import Decision, Policy, Snapshot
from headwater.scheduling.world import World


def decide(policy: Policy, snapshot: Snapshot) -> Decision:
    """The targets for a policy. Depends only on its arguments, not on their order; see `home.pick_home`.

    All locations of the snapshot are meant, in whichever logical cluster the policy says that it chooses.
    """
    world = World()
    clusters = {location.cluster for location in snapshot.locations}
    for location in snapshot.locations:
        world.put_location(location)
    for target in snapshot.targets:
        if target.cluster in clusters:
            world.put_target(target)
    if len(clusters) == 1:
        policy = replace(policy, location_cluster=min(clusters))
    world.put_policy(policy)
    return choose_home(world, policy.uid, snapshot.now)
