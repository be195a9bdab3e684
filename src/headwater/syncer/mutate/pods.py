"""Pod specs, wherever a kind keeps them, without what only exists upstream (pure)."""

from __future__ import annotations

from headwater.apis.workload.podspecs import POD_SPEC_PATHS
from headwater.machinery.objects import Object, nested

__all__ = ["POD_SPEC_PATHS", "without_upstream_identity"]


def without_upstream_identity(body: Object, *, keep_service_accounts: bool) -> None:
    """Take the service account off the pods: it lives upstream, and the pcluster's own must not be lent to a tenant."""
    path = POD_SPEC_PATHS.get((body["apiVersion"], body["kind"]))
    spec = nested(body, *path) if path else None
    if not isinstance(spec, dict) or keep_service_accounts:
        return
    spec.pop("serviceAccountName", None)
    spec.pop("serviceAccount", None)
    spec["automountServiceAccountToken"] = False
