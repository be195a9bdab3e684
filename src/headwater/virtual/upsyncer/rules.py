"""What an object may hold that a syncer writes upstream (pure).

The server stores it with its own rights, so everything that means something to the control plane is refused here:
marks of other targets, other people's finalizers, owners, and credentials.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headwater.apis.workload.labels import STATE_UPSYNC, state_label, syncer_finalizer
from headwater.apis.workload.upsync import (
    EVENTS,
    RESOURCE_VERSION_ANNOTATION,
    SECRETS,
    is_system_mark,
    upsync_diff_annotation,
)
from headwater.base import jsonio
from headwater.machinery.errors import BadRequest, forbidden
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, finalizers, labels, name, namespace, nested, owner_references
from headwater.machinery.objects import annotations as annotations_of

MAX_EVENT_BYTES: Final = 16 * 1024
"""A syncer cuts messages to 1024 characters; what is larger is none that it has made of an Event."""
_CREDENTIAL_TYPES: Final = frozenset({"kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"})
_ACCOUNT_ANNOTATIONS: Final = ("kubernetes.io/service-account.name", "kubernetes.io/service-account.uid")


def check_label(written: Object, key: str) -> None:
    """Raise BadRequest unless the object is marked as upsynced from the target, as every write has to be."""
    if labels(written).get(state_label(key)) != STATE_UPSYNC:
        shown = ",".join(f"{label}={value}" for label, value in sorted(labels(written).items()))
        raise BadRequest(f'label selector "{state_label(key)}={STATE_UPSYNC}" does not match labels "{shown}"')


def check_written(existing: Object | None, written: Object, *, key: str, resource: GroupResource) -> None:
    """Raise BadRequest or Forbidden for an object that must not be stored; `existing` is None for a new one."""
    check_label(written, key)
    was: Object = existing or {}
    allowed = {state_label(key)}
    _check_marks(written, "labels", labels(written), labels(was), allowed, resource)
    allowed = {RESOURCE_VERSION_ANNOTATION, upsync_diff_annotation(key)}
    _check_marks(written, "annotations", annotations_of(written), annotations_of(was), allowed, resource)
    foreign = set(finalizers(written)) - set(finalizers(was)) - {syncer_finalizer(key)}
    if foreign:
        _refuse(written, resource, f"metadata.finalizers: {', '.join(sorted(foreign))} is not the syncer's own")
    if owner_references(written):
        _refuse(written, resource, "metadata.ownerReferences: owners of an upsynced object are on its pcluster")
    if resource == SECRETS:
        _check_secret(written)
    elif resource == EVENTS:
        _check_event(written)


def _check_marks(
    written: Object,
    what: str,
    now: Mapping[str, str],
    before: Mapping[str, str],
    allowed: set[str],
    resource: GroupResource,
) -> None:
    for mark, value in now.items():
        if is_system_mark(mark) and mark not in allowed and before.get(mark) != value:
            _refuse(written, resource, f"metadata.{what}[{mark}] is not for syncers to set")


def _check_secret(written: Object) -> None:
    """The control plane acts on these: it would make a token for an account of the tenant, and the syncer read it."""
    if written.get("type") in _CREDENTIAL_TYPES:
        _refuse(written, SECRETS, f"type {written['type']} is a credential of the control plane")
    for note in _ACCOUNT_ANNOTATIONS:
        if note in annotations_of(written):
            _refuse(written, SECRETS, f"metadata.annotations[{note}] is for credentials of the control plane")


def _check_event(written: Object) -> None:
    if nested(written, "involvedObject", "namespace") != namespace(written):
        _refuse(written, EVENTS, "involvedObject.namespace has to be the namespace of the Event")
    if len(jsonio.dumps(written)) > MAX_EVENT_BYTES:
        _refuse(written, EVENTS, f"an Event of a pcluster has at most {MAX_EVENT_BYTES} bytes")


def _refuse(written: Object, resource: GroupResource, why: str) -> None:
    raise forbidden(resource, name(written), why)
