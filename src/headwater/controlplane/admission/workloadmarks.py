"""Labels and annotations by which the control plane and its syncers talk to each other: not for users to write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from headwater.apis.workload.labels import (
    DELETION_ANNOTATION_PREFIX,
    HISTORY_ANNOTATION,
    PLACEMENT_ANNOTATION,
    REPORTED_ANNOTATION_PREFIX,
    STATE_LABEL_PREFIX,
    STATE_PENDING,
    STATE_SYNC,
    STATUS_DIFF_ANNOTATION_PREFIX,
)
from headwater.apiserver.admission.interface import CREATE, UPDATE, AdmissionAttributes, BasePlugin
from headwater.controlplane.admission.access import is_privileged
from headwater.machinery import errors, objects

_LABEL_PREFIXES: Final = (STATE_LABEL_PREFIX, "internal.workload.kcp.io/")
_ANNOTATION_PREFIXES: Final = (
    DELETION_ANNOTATION_PREFIX,
    STATUS_DIFF_ANNOTATION_PREFIX,
    REPORTED_ANNOTATION_PREFIX,
    HISTORY_ANNOTATION,
    PLACEMENT_ANNOTATION,
    "internal.workload.kcp.io/",
)


class WorkloadMarks(BasePlugin):
    """Keeps state labels, deletion marks, reported diffs and chosen targets for the system.

    Otherwise a tenant who learns a sync target key could put objects on that pcluster without any Placement. A user
    who writes an object without its marks (as `kubectl replace` does) doesn't take them away; one who sets or changes
    a mark is refused. A new object has none: what `kubectl expose`, or a copy of a manifest, brings along is left out.
    Soft finalizers, spec diffs and summarizing rules stay with users, and so does the word that a target which the
    system offers for a cluster-scoped object shall have it: its state label goes from empty to `Sync` (kcp's rule).
    """

    name = "workload.kcp.io/WorkloadMarks"

    def handles(self, attributes: AdmissionAttributes) -> bool:
        return (
            attributes.operation in (CREATE, UPDATE)
            and not attributes.subresource
            and not is_privileged(attributes.user)
        )

    async def admit(self, attributes: AdmissionAttributes) -> None:
        obj, old = attributes.object, attributes.old_object
        if obj is None:
            return
        was = old or {}
        _keep(attributes, "labels", objects.labels(obj), objects.labels(was), _LABEL_PREFIXES, objects.set_label)
        notes, before = objects.annotations(obj), objects.annotations(was)
        _keep(attributes, "annotations", notes, before, _ANNOTATION_PREFIXES, objects.set_annotation)


def _is_accepted(attributes: AdmissionAttributes, key: str, before: str | None, now: str) -> bool:
    """Whether a mark says that an offered target shall have a cluster-scoped object."""
    info = attributes.info
    scoped = not info.namespaced and (info.group, info.resource) != ("", "namespaces")
    return scoped and key.startswith(STATE_LABEL_PREFIX) and (before, now) == (STATE_PENDING, STATE_SYNC)


def _keep(
    attributes: AdmissionAttributes,
    what: str,
    now: Mapping[str, str],
    before: Mapping[str, str],
    prefixes: tuple[str, ...],
    put: Callable[[objects.Object, str, str | None], bool],
) -> None:
    """Refuse marks that are not what they were, and put back those that are missing; take them off a new object."""
    for key, value in list(now.items()):
        if not key.startswith(prefixes) or before.get(key) == value:
            continue
        if _is_accepted(attributes, key, before.get(key), value):
            continue
        if attributes.operation == CREATE:
            assert attributes.object is not None, "checked by the caller"
            put(attributes.object, key, None)
        else:
            why = f"metadata.{what}[{key}] is set by the system only"
            raise errors.forbidden(attributes.info.group_resource, attributes.name, why)
    missing = [key for key in before if key not in now and key.startswith(prefixes)]
    for key in missing:
        assert attributes.object is not None, "checked by the caller"
        put(attributes.object, key, before[key])
