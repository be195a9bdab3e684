"""Service accounts as mere names on the pcluster, which give no rights and no tokens there (pure)."""

from __future__ import annotations

from typing import Final

from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object
from headwater.syncer.mutate.names import SERVICE_ACCOUNTS

_MOUNTABLE_ANNOTATION: Final = "kubernetes.io/enforce-mountable-secrets"


def without_tokens(body: Object, resource: GroupResource) -> None:
    """Leave a service account the Secrets by which images are pulled, and nothing of its tokens.

    Its list of Secrets is one of tokens upstream; pods that may mount only what is in it could then mount nothing.
    """
    if resource == SERVICE_ACCOUNTS:
        body.pop("secrets", None)
        body["metadata"]["annotations"].pop(_MOUNTABLE_ANNOTATION, None)
        body["automountServiceAccountToken"] = False
