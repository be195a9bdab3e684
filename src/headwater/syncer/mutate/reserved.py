"""Objects that have no copy: what must not leave the control plane, and what the pcluster has of its own (pure)."""

from __future__ import annotations

from headwater.apis.workload.access import DEFAULT_ACCOUNT, is_syncer_account
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, name
from headwater.machinery.objects import annotations as annotations_of
from headwater.syncer.mutate.names import ACCESS_PREFIX, SECRETS, SERVICE_ACCOUNTS
from headwater.syncer.mutate.secrets import ACCOUNT_NAME_ANNOTATION


def stays_upstream(obj: Object, resource: GroupResource) -> bool:
    """Whether an object is a syncer's account or its credential, or one that each namespace below has of its own."""
    if resource == SERVICE_ACCOUNTS:
        return name(obj) == DEFAULT_ACCOUNT or is_syncer_account(name(obj))
    return resource == SECRETS and is_syncer_account(annotations_of(obj).get(ACCOUNT_NAME_ANNOTATION, ""))


def is_taken(obj: Object, resource: GroupResource) -> bool:
    """Whether an object has a name that the syncer keeps for the Secrets with tokens of pods."""
    return resource == SECRETS and name(obj).startswith(ACCESS_PREFIX)
