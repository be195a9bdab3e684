"""Where the kinds of Kubernetes that run pods keep their pod spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, nested

POD_SPEC_PATHS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("v1", "Pod"): ("spec",),
    ("v1", "ReplicationController"): ("spec", "template", "spec"),
    ("apps/v1", "Deployment"): ("spec", "template", "spec"),
    ("apps/v1", "ReplicaSet"): ("spec", "template", "spec"),
    ("apps/v1", "StatefulSet"): ("spec", "template", "spec"),
    ("apps/v1", "DaemonSet"): ("spec", "template", "spec"),
    ("batch/v1", "Job"): ("spec", "template", "spec"),
    ("batch/v1", "CronJob"): ("spec", "jobTemplate", "spec", "template", "spec"),
}
"""(apiVersion, kind) to the path."""


POD_RESOURCES: Final = frozenset(
    GroupResource(version.rpartition("/")[0], kind.lower() + "s") for version, kind in POD_SPEC_PATHS
)
"""The resources of these kinds."""


def pod_spec(obj: Object) -> Object | None:
    """The pod spec of an object, the very one; None for what runs no pods."""
    path = POD_SPEC_PATHS.get((obj.get("apiVersion", ""), obj.get("kind", "")))
    spec = nested(obj, *path, default=None) if path else None
    return spec if isinstance(spec, dict) else None
