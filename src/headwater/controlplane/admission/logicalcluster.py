"""Admission of LogicalClusters: only the control plane makes them, and initializers can only go."""

from __future__ import annotations

import hashlib

from headwater.apis.core.v1alpha1.logicalcluster import (
    DELETION_FINALIZER,
    GROUP,
    INACTIVE_ANNOTATION,
    INITIALIZER_LABEL_PREFIX,
    LEGACY_INACTIVE_ANNOTATION,
    NAME,
    TERMINATOR_LABEL_PREFIX,
    TERMINATORS_FINALIZER,
)
from headwater.apis.tenancy.v1alpha1.workspace import PHASE_INITIALIZING, PHASE_LABEL, PHASE_SCHEDULING, PHASES
from headwater.apiserver.admission.interface import CREATE, DELETE, UPDATE, AdmissionAttributes, BasePlugin
from headwater.controlplane.admission.access import is_system
from headwater.machinery import errors, objects
from headwater.machinery.objects import Object

_USERS_OWN = frozenset({INACTIVE_ANNOTATION, LEGACY_INACTIVE_ANNOTATION})
"""Annotations in kcp's domain that administrators of a workspace set."""


def initializer_label(initializer: str) -> tuple[str, str]:
    """Label key and value that mark a logical cluster as waiting for an initializer."""
    digest = hashlib.sha224(initializer.encode()).hexdigest()
    return f"{INITIALIZER_LABEL_PREFIX}{digest[:35]}", digest


def terminator_label(terminator: str) -> tuple[str, str]:
    """Label key and value that mark a logical cluster as waiting for a terminator."""
    digest = hashlib.sha224(terminator.encode()).hexdigest()
    return f"{TERMINATOR_LABEL_PREFIX}{digest[:36]}", digest


class LogicalClusterAdmission(BasePlugin):
    """Plugins ``core.kcp.io/LogicalCluster`` and ``tenancy.kcp.io/LogicalClusterDeletionFinalizer``."""

    name = "core.kcp.io/LogicalCluster"

    def handles(self, attributes: AdmissionAttributes) -> bool:
        return attributes.info.resource == "logicalclusters" and attributes.info.group == GROUP

    async def admit(self, attributes: AdmissionAttributes) -> None:
        obj, old = attributes.object, attributes.old_object
        if obj is None:
            return
        if attributes.operation == CREATE:
            objects.add_finalizer(obj, DELETION_FINALIZER)
            if objects.nested(obj, "spec", "terminators"):
                objects.add_finalizer(obj, TERMINATORS_FINALIZER)
        starts = old is not None and _phase(old) == PHASE_SCHEDULING and _phase(obj) == PHASE_INITIALIZING
        if starts and attributes.subresource == "status":
            for field in ("initializers", "terminators"):
                wanted = objects.nested(obj, "spec", field)
                if wanted:
                    obj["status"][field] = list(wanted)
        set_labels(obj)

    async def validate(self, attributes: AdmissionAttributes) -> None:
        obj, old = attributes.object, attributes.old_object
        system = is_system(attributes.user)
        if attributes.operation == CREATE and not system:
            raise _forbidden(attributes, "LogicalClusters are created by the system only")
        if attributes.operation == CREATE and attributes.name != NAME:
            raise _forbidden(attributes, f"LogicalCluster must be named {NAME!r}")
        deletable = system or (old is not None and objects.nested(old, "spec", "directlyDeletable"))
        if attributes.operation == DELETE and not deletable:
            raise _forbidden(attributes, "LogicalCluster cannot be deleted")
        if attributes.operation == UPDATE and obj is not None and old is not None:
            _check_transition(attributes, obj, old, system=system)
            if not system:
                _check_annotations(attributes, obj, old)


def set_labels(obj: Object) -> None:
    """Labels for phase, initializers and terminators, which views of logical clusters select by."""
    wanted = {PHASE_LABEL: _phase(obj)}
    wanted.update(initializer_label(name) for name in objects.nested(obj, "status", "initializers", default=()))
    wanted.update(terminator_label(name) for name in objects.nested(obj, "status", "terminators", default=()))
    for key in list(objects.labels(obj)):
        if key.startswith((INITIALIZER_LABEL_PREFIX, TERMINATOR_LABEL_PREFIX)) and key not in wanted:
            objects.set_label(obj, key, None)
    for key, value in wanted.items():
        objects.set_label(obj, key, value)


def _check_transition(attributes: AdmissionAttributes, obj: Object, old: Object, *, system: bool) -> None:
    phase, old_phase = _phase(obj), _phase(old)
    if _rank(phase) < _rank(old_phase) and not (system and old_phase in PHASES[3:5]):
        raise _forbidden(attributes, f"cannot transition from {old_phase!r} to {phase!r}")
    left = objects.nested(obj, "status", "initializers", default=[])
    before = objects.nested(old, "status", "initializers", default=[])
    shrinks = old_phase == PHASE_INITIALIZING and set(left) <= set(before)
    if left != before and old_phase != PHASE_SCHEDULING and not shrinks:
        raise _forbidden(attributes, f"status.initializers can only shrink while {PHASE_INITIALIZING}")
    leaves = old_phase == PHASE_INITIALIZING and _rank(phase) > _rank(old_phase)
    if leaves and left and not objects.deletion_timestamp(obj):
        raise _forbidden(attributes, f"status.initializers must be empty for phase {phase}")
    if not system and obj.get("spec") != old.get("spec") and attributes.subresource == "":
        raise _forbidden(attributes, "spec of a LogicalCluster is set by the system only")


def _check_annotations(attributes: AdmissionAttributes, obj: Object, old: Object) -> None:
    """Path, type, required groups and owner are what the whole control plane knows a logical cluster by.

    Who may change its path could take over another one's.
    """
    notes, before = objects.annotations(obj), objects.annotations(old)
    for key in sorted(notes.keys() | before.keys()):
        domain = key.partition("/")[0]
        ours = domain == "kcp.io" or domain.endswith(".kcp.io")
        if ours and key not in _USERS_OWN and notes.get(key) != before.get(key):
            raise _forbidden(attributes, f"annotation {key} is set by the system only")


def _phase(obj: Object) -> str:
    phase: str = objects.nested(obj, "status", "phase", default=PHASE_SCHEDULING)
    return phase


def _rank(phase: str) -> int:
    return PHASES.index(phase) if phase in PHASES else 0


def _forbidden(attributes: AdmissionAttributes, why: str) -> errors.StatusError:
    return errors.forbidden(attributes.info.group_resource, attributes.name, why)
