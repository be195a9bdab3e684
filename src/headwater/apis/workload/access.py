"""Which pods get a token of their service account in the workspace, so that clients in them reach it (pure)."""

from __future__ import annotations

from typing import Final

from headwater.apis.workload.labels import SYNCER_ID_PREFIX
from headwater.apis.workload.podspecs import pod_spec
from headwater.machinery.objects import Object
from headwater.machinery.objects import annotations as annotations_of

WORKSPACE_ACCESS_ANNOTATION: Final = "workload.kcp.io/workspace-access"
"""Annotation on an object that runs pods: with the value "false" they get no access to the workspace."""

DEFAULT_ACCOUNT: Final = "default"
"""The account of pods that name none."""

MAX_TOKEN_SECONDS: Final = 3600
"""A token for pods lives no longer than this, as the pcluster that it is on may be given up at any time."""


def account_of(obj: Object) -> str | None:
    """Name of the service account that the pods of an object run as; None for what runs no pods."""
    pod = pod_spec(obj)
    if pod is None:
        return None
    named = pod.get("serviceAccountName") or pod.get("serviceAccount") or DEFAULT_ACCOUNT
    return named if isinstance(named, str) else None


def wants_access(obj: Object, account: Object | None) -> bool:
    """Whether the pods of an object are to reach their workspace, as `account`, None when that is not known.

    They are unless somebody says no: the object by its annotation, the pods by `automountServiceAccountToken: false`,
    or the account by the same field where the pods say nothing, as in Kubernetes.
    """
    pod = pod_spec(obj)
    if pod is None or annotations_of(obj).get(WORKSPACE_ACCESS_ANNOTATION) == "false":
        return False
    said = pod.get("automountServiceAccountToken")
    if said is None and account is not None:
        said = account.get("automountServiceAccountToken")
    return said is not False


def is_syncer_account(name: str) -> bool:
    """Whether a service account is, by its name, that of a syncer: it may do what no workload has to."""
    return name.startswith(SYNCER_ID_PREFIX)
