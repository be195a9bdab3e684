"""Wires namespaces to their deletion."""

from __future__ import annotations

from typing import Final

from headwater.base.clock import Clock
from headwater.controller import Controller, Result
from headwater.controller.triggers import enqueue_objects
from headwater.machinery.errors import NotFound
from headwater.machinery.objects import Object, deep_copy, deletion_timestamp, name, resource_version, split_key, uid
from headwater.machinery.timestamps import parse_time
from headwater.reconcilers.interface import ControllerContext
from headwater.reconcilers.kube.kinds import NAMESPACES
from headwater.reconcilers.kube.namespace.step_conditions import set_conditions
from headwater.reconcilers.kube.namespace.step_content import delete_content

CONTROLLER_NAME: Final = "kube-namespace"
FINALIZER: Final = "kubernetes"
WORKERS: Final = 4
_FIRST_RETRY_SECONDS: Final = 0.2
_LAST_RETRY_SECONDS: Final = 15.0


def new_controller(context: ControllerContext) -> Controller:
    """Controller over namespaces that are being deleted and still carry our finalizer."""
    namespaces = context.informers.informer(NAMESPACES)

    async def reconcile(key: str) -> Result | None:
        space = namespaces.get(key)
        if space is None or not is_terminating(space):
            return None
        cluster, _, space_name = split_key(key)
        client = context.client(cluster)
        content = await delete_content(client, space_name)
        resource = client.resource(NAMESPACES)
        try:
            if content.gone:
                await resource.update(finalized(space), subresource="finalize")
                return None
            changed = deep_copy(space)
            if set_conditions(changed, content, context.clock.now()):
                preconditions = {"uid": uid(space), "resourceVersion": resource_version(space)}
                await resource.patch_status(space_name, {"metadata": preconditions, "status": changed["status"]})
        except NotFound:
            return None
        return Result(requeue_after_seconds=retry_seconds(space, context.clock))

    controller = Controller(
        CONTROLLER_NAME, reconcile=reconcile, workers=WORKERS, clock=context.clock, registry=context.registry
    )
    enqueue_objects(namespaces, controller, when=lambda _, new: new is not None and is_terminating(new))
    return controller


def is_terminating(space: Object) -> bool:
    """Whether the namespace waits for its content to be deleted."""
    return bool(deletion_timestamp(space)) and FINALIZER in ((space.get("spec") or {}).get("finalizers") or ())


def finalized(space: Object) -> Object:
    """The namespace without our finalizer, for the finalize subresource."""
    changed: Object = deep_copy(space)
    changed["spec"]["finalizers"] = [held for held in changed["spec"]["finalizers"] if held != FINALIZER]
    changed.setdefault("apiVersion", "v1")
    changed.setdefault("kind", "Namespace")
    assert name(changed), "only stored namespaces are finalized"
    return changed


def retry_seconds(space: Object, clock: Clock) -> float:
    """Wait a quarter of the time that the deletion has taken so far, within bounds."""
    age = (clock.now() - parse_time(deletion_timestamp(space))).total_seconds()
    return min(max(age / 4, _FIRST_RETRY_SECONDS), _LAST_RETRY_SECONDS)
