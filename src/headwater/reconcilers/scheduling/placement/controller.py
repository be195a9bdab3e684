"""Watches everything a placement decision depends on, and keeps Placements decided."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Final

from headwater.apis.placement.v1alpha1.placement import PLACEMENTS
from headwater.controller.commit import Committer
from headwater.controller.controller import Controller
from headwater.controller.interface import Result
from headwater.machinery.logicalcluster import PATH_ANNOTATION
from headwater.machinery.objects import Object, cluster_name, deep_copy, labels, nested, object_key, uid
from headwater.machinery.objects import annotations as annotations_of
from headwater.reconcilers.fleet import BY_CLUSTER, Fleet
from headwater.reconcilers.scheduling.placement.step_decide import (
    Surroundings,
    choose,
    record_status,
    record_targets,
)
from headwater.reconcilers.scheduling.worldfeed import WorldFeed
from headwater.scheduling.home import choose_home
from headwater.scheduling.model import Decision, Policy
from headwater.scheduling.snapshot import required_resources, target_from
from headwater.telemetry.logging import get_logger

CONTROLLER_NAME: Final = "placement-scheduler"
BY_LOCATION_WORKSPACE: Final = "location-workspace"
_MISSING_WORKSPACE_SECONDS: Final = 30.0
"""After this long a location workspace that does not exist is looked for again; usually its Locations tell before."""
log = get_logger(CONTROLLER_NAME)


def by_location_workspace(placement: Object) -> Iterable[str]:
    """Index value of a Placement: its location workspace as it names it, if it names one."""
    workspace = nested(placement, "spec", "locationWorkspace", default="")
    return (workspace,) if workspace else ()


class PlacementController:
    """Decides Placements anew whenever they, their locations, targets, bindings or namespaces change."""

    def __init__(self, fleet: Fleet, feed: WorldFeed) -> None:
        self._fleet = fleet
        self._feed = feed
        self.on_policy: list[Callable[[Object], None]] = []
        """Called with a Placement when the engine knows another version of it than before."""
        self._committer = Committer.of(fleet.cluster_client, PLACEMENTS)
        self._untried: dict[str, str] = {}
        """Uid -> key of the Placements that have targets which none of their workloads has come to yet."""
        self._looking_at: dict[str, set[str]] = {}
        """Location cluster -> keys of the Placements that choose there."""
        self.controller = Controller(CONTROLLER_NAME, reconcile=self.reconcile, clock=fleet.clock)
        fleet.placements.add_index(BY_LOCATION_WORKSPACE, by_location_workspace)
        fleet.placements.add_handler(self._on_placement)
        fleet.locations.add_handler(self._on_location)
        fleet.sync_targets.add_handler(self._on_sync_target)
        fleet.bindings.add_handler(self._on_local)
        fleet.namespaces.add_handler(self._on_namespace)
        feed.on_untried.append(self._on_untried)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._fleet.wait_synced()
        await self.controller.run()

    def _on_placement(self, _kind: str, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self.controller.enqueue(object_key(new))
        elif old is not None:
            self._look_at(object_key(old), None)
            self._untried.pop(uid(old), None)

    def _on_location(self, _kind: str, old: Object | None, new: Object | None) -> None:
        if old is not None and new is not None and old.get("spec") == new.get("spec") and labels(old) == labels(new):
            return
        self._enqueue_lookers(new or old)

    def _on_sync_target(self, _kind: str, old: Object | None, new: Object | None) -> None:
        if old is not None and new is not None and target_from(old).without_load() == target_from(new).without_load():
            return  # More or less room makes nobody move; what found none is tried again by itself.
        self._enqueue_lookers(new or old)

    def _on_local(self, _kind: str, old: Object | None, new: Object | None) -> None:
        changed = new or old
        assert changed is not None, "an event has an object"
        self._enqueue(self._fleet.placements.index_keys(BY_CLUSTER, cluster_name(changed)))

    def _on_namespace(self, kind: str, old: Object | None, new: Object | None) -> None:
        if old is not None and new is not None and labels(old) == labels(new):
            return
        self._on_local(kind, old, new)

    def _on_untried(self, policy_uid: str) -> None:
        if policy_uid in self._untried:
            self.controller.enqueue(self._untried[policy_uid])

    def _enqueue_lookers(self, changed: Object | None) -> None:
        assert changed is not None, "an event has an object"
        cluster = cluster_name(changed)
        self._enqueue(self._looking_at.get(cluster, ()))
        # Those that could not resolve the workspace yet are known by the name that they use only.
        for named in {cluster, annotations_of(changed).get(PATH_ANNOTATION, cluster)}:
            self._enqueue(self._fleet.placements.index_keys(BY_LOCATION_WORKSPACE, named))

    def _enqueue(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.controller.enqueue(key)

    async def reconcile(self, key: str) -> Result | None:
        """One Placement: first its targets (metadata), then, in the pass that follows, its status."""
        placement = self._fleet.placements.get(key)
        if placement is None:
            return None
        now = self._fleet.clock.now()
        around = await self._surroundings(key, placement, now)
        outcome = choose(placement, around)
        targeted = deep_copy(placement)
        record_targets(targeted, outcome, self._fleet.target_exists)
        if await self._committer.commit(placement, targeted):
            picks = outcome.decision.picks if outcome.decision else ()
            log.info("decided", placement=key, targets=[pick.target.name for pick in picks])
            return None
        recorded = deep_copy(placement)
        record_status(recorded, outcome, around, now)
        await self._committer.commit(placement, recorded)
        if around.location_cluster is None:
            return Result(requeue_after_seconds=_MISSING_WORKSPACE_SECONDS)
        recheck = outcome.decision.recheck_at if outcome.decision else None
        return Result(requeue_after_seconds=(recheck - now).total_seconds()) if recheck else None

    async def _surroundings(self, key: str, placement: Object, now: datetime) -> Surroundings:
        home = cluster_name(placement)
        workspace = nested(placement, "spec", "locationWorkspace", default="")
        cluster = await self._fleet.resolve(workspace) if workspace else home
        self._look_at(key, cluster)
        return Surroundings(
            cluster,
            required_resources(self._fleet.bindings.by_index(BY_CLUSTER, home)),
            tuple(self._fleet.namespaces.by_index(BY_CLUSTER, home)),
            partial(self._decide, placement, now),
        )

    def _decide(self, placement: Object, now: datetime, policy: Policy) -> Decision:
        if policy.untried:
            self._untried[policy.uid] = object_key(placement)
        else:
            self._untried.pop(policy.uid, None)
        if self._feed.put_policy(policy):
            for hear in self.on_policy:
                hear(placement)
        return choose_home(self._feed.world, policy.uid, now)

    def _look_at(self, key: str, cluster: str | None) -> None:
        """Remember in which logical cluster a Placement chooses."""
        for looked_at in [each for each, keys in self._looking_at.items() if key in keys and each != cluster]:
            self._looking_at[looked_at].discard(key)
            if not self._looking_at[looked_at]:
                del self._looking_at[looked_at]
        if cluster is not None:
            self._looking_at.setdefault(cluster, set()).add(key)
