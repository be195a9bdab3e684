"""Pod specs, wherever a kind keeps them, without what only exists upstream (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

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


def without_upstream_identity(body: Object, *, keep_service_accounts: bool) -> None:
    """Take the service account off the pods: it lives upstream, and the pcluster's own must not be lent to a tenant."""
    path = POD_SPEC_PATHS.get((body["apiVersion"], body["kind"]))
    spec = nested(body, *path) if path else None
    if not isinstance(spec, dict) or keep_service_accounts:
        return
    spec.pop("serviceAccountName", None)
    spec.pop("serviceAccount", None)
    spec["automountServiceAccountToken"] = False
