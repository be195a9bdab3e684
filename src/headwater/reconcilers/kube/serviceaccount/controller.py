"""Wires namespaces and their default service accounts to the creator."""

from __future__ import annotations

from typing import Final

from headwater.controller import Controller
from headwater.controller.triggers import enqueue_mapped, enqueue_objects
from headwater.machinery.errors import AlreadyExists, Forbidden, NotFound
from headwater.machinery.objects import (
    Object,
    cluster_name,
    deletion_timestamp,
    make_key,
    namespace,
    resource_version,
    split_key,
)
from headwater.reconcilers.interface import ControllerContext
from headwater.reconcilers.kube.kinds import NAMESPACES, SERVICE_ACCOUNTS

CONTROLLER_NAME: Final = "kube-serviceaccount"
DEFAULT_NAME: Final = "default"


def new_controller(context: ControllerContext) -> Controller:
    """Controller over namespaces; the key is that of the namespace."""
    clustered = bool(context.informers.scope)
    namespaces = context.informers.informer(NAMESPACES)
    accounts = context.informers.informer(SERVICE_ACCOUNTS)

    async def reconcile(key: str) -> None:
        space = namespaces.get(key)
        cluster, _, name = split_key(key)
        if space is None or deletion_timestamp(space) or accounts.get(make_key(cluster, name, DEFAULT_NAME)):
            return
        account: Object = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": DEFAULT_NAME}}
        try:
            await context.client(cluster).resource(SERVICE_ACCOUNTS, name).create(account)
        except AlreadyExists:
            pass
        except (Forbidden, NotFound):
            # The namespace began to terminate, or went, between the event and now; if not, it is tried again.
            known = namespaces.get(key)
            if known is not None and resource_version(known) == resource_version(space):
                raise

    def namespace_key(obj: Object) -> tuple[str, ...]:
        return (make_key(cluster_name(obj) if clustered else "", "", namespace(obj)),)

    def is_deletion(old: Object | None, new: Object | None) -> bool:
        return new is None and old is not None

    controller = Controller(CONTROLLER_NAME, reconcile=reconcile, clock=context.clock, registry=context.registry)
    enqueue_objects(namespaces, controller)
    enqueue_mapped(accounts, controller, namespace_key, when=is_deletion)
    return controller
