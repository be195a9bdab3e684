"""Secrets whose type would make the pcluster act on them (pure)."""

from __future__ import annotations

from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, set_annotation
from headwater.machinery.objects import annotations as annotations_of
from headwater.syncer.mutate.names import SECRETS

ACCOUNT_NAME_ANNOTATION = "kubernetes.io/service-account.name"
ACCOUNT_UID_ANNOTATION = "kubernetes.io/service-account.uid"


def without_token_type(body: Object, resource: GroupResource) -> None:
    """Make a token of an upstream service account a plain Secret: the pcluster would delete it otherwise."""
    if resource == SECRETS and ACCOUNT_NAME_ANNOTATION in annotations_of(body):
        body["type"] = "Opaque"
        set_annotation(body, ACCOUNT_NAME_ANNOTATION, None)
        set_annotation(body, ACCOUNT_UID_ANNOTATION, None)
        body["metadata"].setdefault("annotations", {})
