"""Wires CustomResourceDefinitions to the acceptance of names and to the clean-up of their objects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from headwater.client.informer.indexes import BY_CLUSTER, by_cluster
from headwater.controller import Committer, Controller, Result
from headwater.controller.triggers import enqueue_mapped, enqueue_objects
from headwater.machinery.errors import Conflict, NotFound
from headwater.machinery.objects import (
    Object,
    cluster_name,
    deep_copy,
    deletion_timestamp,
    finalizers,
    remove_finalizer,
    split_key,
)
from headwater.reconcilers.interface import ControllerContext
from headwater.reconcilers.kube.conditions import set_condition
from headwater.reconcilers.kube.crd.step_cleanup import FINALIZER, TERMINATING, delete_instances
from headwater.reconcilers.kube.crd.step_names import same_group, set_names
from headwater.reconcilers.kube.kinds import CUSTOM_RESOURCE_DEFINITIONS

CONTROLLER_NAME: Final = "kube-crd"
_RETRY_SECONDS: Final = 1.0


def new_controller(context: ControllerContext) -> Controller:
    """Controller over CustomResourceDefinitions."""
    definitions = context.informers.informer(CUSTOM_RESOURCE_DEFINITIONS)
    definitions.add_index(BY_CLUSTER, by_cluster)
    committer = Committer.of(
        context.cluster_client, CUSTOM_RESOURCE_DEFINITIONS, clustered=bool(context.informers.scope)
    )

    async def reconcile(key: str) -> Result | None:
        stored = definitions.get(key)
        if stored is None:
            return None
        changed = deep_copy(stored)
        if deletion_timestamp(stored):
            return await _clean_up(key, stored, changed)
        others = same_group(stored, definitions.by_index(BY_CLUSTER, cluster_name(stored)))
        if set_names(changed, others, context.clock.now()):
            await committer.commit(stored, changed)
        return None

    async def _clean_up(key: str, stored: Object, changed: Object) -> Result | None:
        if FINALIZER not in finalizers(stored):
            return None
        cluster, _, _ = split_key(key)
        now = context.clock.now()
        if set_condition(
            changed,
            TERMINATING,
            value=True,
            reason="InstanceDeletionInProgress",
            message="CustomResource deletion is in progress",
            now=now,
        ):
            await committer.commit(stored, changed)
            return None
        if await delete_instances(context.client(cluster), stored):
            return Result(requeue_after_seconds=_RETRY_SECONDS)
        remove_finalizer(changed, FINALIZER)
        try:
            await committer.commit(stored, changed)
        except NotFound:
            pass
        except Conflict:
            controller.enqueue_after(key, _RETRY_SECONDS / 10)
        return None

    def neighbours(obj: Object) -> Iterable[str]:
        for other in same_group(obj, definitions.by_index(BY_CLUSTER, cluster_name(obj))):
            yield definitions.key_of(other)

    controller = Controller(CONTROLLER_NAME, reconcile=reconcile, clock=context.clock, registry=context.registry)
    enqueue_objects(definitions, controller)
    enqueue_mapped(definitions, controller, neighbours, when=lambda _, new: new is None)
    return controller
