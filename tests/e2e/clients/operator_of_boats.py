"""An operator as kopf's users write them: run by `kopf run`, in a process of its own.

It keeps a ConfigMap for each Boat, counts in the status what it did, posts events, and cleans up behind a finalizer.
"""

from __future__ import annotations

from typing import Any

import kopf
from kubernetes import client, config

config.load_kube_config()
core = client.CoreV1Api()


@kopf.on.startup()
def startup(settings: kopf.OperatorSettings, **_: Any) -> None:
    """Connections are retried at once: the control plane is killed under this operator."""
    settings.networking.error_backoffs = [0.1] * 100
    settings.watching.reconnect_backoff = 0.1
    settings.watching.server_timeout = 20
    settings.posting.loggers = True


@kopf.on.create("fleet.example.com", "v1", "boats")
def create(name: str, namespace: str, spec: kopf.Spec, patch: kopf.Patch, body: kopf.Body, **_: Any) -> dict[str, int]:
    """A ConfigMap of the same name, owned by the Boat."""
    manifest: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "finalizers": ["fleet.example.com/moored"]},
        "data": {"crew": str(spec["crew"])},
    }
    kopf.adopt(manifest, owner=body)
    try:
        core.create_namespaced_config_map(namespace, manifest)
    except client.ApiException as error:
        if error.status != 409:
            raise
    patch.status["ready"] = spec["crew"]
    kopf.info(body, reason="Launched", message=f"{name} is afloat")
    return {"crew": spec["crew"]}


@kopf.on.update("fleet.example.com", "v1", "boats", field="spec.crew")
def update(name: str, namespace: str, new: int, patch: kopf.Patch, **_: Any) -> None:
    """The ConfigMap follows."""
    core.patch_namespaced_config_map(name, namespace, {"data": {"crew": str(new)}})
    patch.status["ready"] = new


@kopf.on.delete("fleet.example.com", "v1", "boats")
def delete(name: str, namespace: str, **_: Any) -> None:
    """Only this lets the ConfigMap go, so it is left behind when the handler doesn't run."""
    core.patch_namespaced_config_map(name, namespace, {"metadata": {"finalizers": None}})


@kopf.timer("fleet.example.com", "v1", "boats", interval=0.5, labels={"watched": "yes"})
def tick(status: kopf.Status, patch: kopf.Patch, **_: Any) -> None:
    """Counts."""
    patch.status["ticks"] = status.get("ticks", 0) + 1
