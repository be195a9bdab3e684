"""Wires namespaces and their kube-root-ca.crt ConfigMaps to the publisher.

Option `root_ca`: the CA bundle in PEM, as bytes or text.
"""

from __future__ import annotations

from typing import Final

from headwater.client.informer.informer import drop_managed_fields
from headwater.controller import Controller
from headwater.controller.triggers import enqueue_mapped, enqueue_objects
from headwater.machinery.errors import AlreadyExists, NotFound
from headwater.machinery.objects import Object, cluster_name, make_key, namespace, split_key
from headwater.reconcilers.interface import ControllerContext
from headwater.reconcilers.kube.kinds import CONFIG_MAPS, NAMESPACES

CONTROLLER_NAME: Final = "kube-root-ca"
CONFIG_MAP_NAME: Final = "kube-root-ca.crt"
CA_KEY: Final = "ca.crt"
_DESCRIPTION: Final = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the"
    " internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes"
    " clusters."
)


def new_controller(context: ControllerContext) -> Controller:
    """Controller over namespaces; the key is that of the namespace."""
    bundle = context.options["root_ca"]
    wanted = bundle.decode() if isinstance(bundle, bytes) else str(bundle)
    clustered = bool(context.informers.scope)

    def short_form(obj: Object) -> Object:
        """Every namespace has the same bundle, so only whether it is the right one is worth keeping."""
        kept = drop_managed_fields(obj)
        return {"metadata": kept.get("metadata") or {}, "current": (kept.get("data") or {}).get(CA_KEY) == wanted}

    namespaces = context.informers.informer(NAMESPACES)
    config_maps = context.informers.informer(
        CONFIG_MAPS, field_selector=f"metadata.name={CONFIG_MAP_NAME}", transform=short_form
    )

    async def reconcile(key: str) -> None:
        space = namespaces.get(key)
        if space is None or (space.get("metadata") or {}).get("deletionTimestamp"):
            return
        cluster, _, name = split_key(key)
        known = config_maps.get(make_key(cluster, name, CONFIG_MAP_NAME))
        if known is not None and known["current"]:
            return
        resource = context.client(cluster).resource(CONFIG_MAPS, name)
        if known is None:
            try:
                await resource.create(_config_map(name, wanted))
                return
            except AlreadyExists:
                pass
        try:
            await resource.patch(CONFIG_MAP_NAME, {"data": {CA_KEY: wanted}})
        except NotFound:
            controller.enqueue_after(key, 1.0)

    def namespace_key(obj: Object) -> tuple[str, ...]:
        return (make_key(cluster_name(obj) if clustered else "", "", namespace(obj)),)

    controller = Controller(CONTROLLER_NAME, reconcile=reconcile, clock=context.clock, registry=context.registry)
    enqueue_objects(namespaces, controller)
    enqueue_mapped(config_maps, controller, namespace_key)
    return controller


def _config_map(space: str, bundle: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": CONFIG_MAP_NAME,
            "namespace": space,
            "annotations": {"kubernetes.io/description": _DESCRIPTION},
        },
        "data": {CA_KEY: bundle},
    }
