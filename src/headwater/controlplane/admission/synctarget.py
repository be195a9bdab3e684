"""Admission of SyncTargets: whose APIExports they may offer, since when they are tainted, and which names will do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from headwater.apis.apis.v1alpha1.apiresourceschema import GROUP as APIS_GROUP
from headwater.apis.sync.v1alpha1.credentials import CREDENTIALS_ANNOTATION
from headwater.apis.sync.v1alpha1.synctarget import GROUP, SYNC_TARGET
from headwater.apiserver.admission.interface import CREATE, UPDATE, AdmissionAttributes, BasePlugin
from headwater.apiserver.loopback import LOOPBACK_USER
from headwater.base.clock import Clock
from headwater.controlplane.admission.access import DeepAuthorizer, is_privileged, may
from headwater.controlplane.objects import ControlPlaneObjects
from headwater.machinery import errors, objects
from headwater.machinery.fieldpath import FieldError, child, index, invalid_value
from headwater.machinery.names import is_dns1123_subdomain, is_label_value, label_value_errors
from headwater.machinery.objects import Object
from headwater.machinery.timestamps import format_time, parse_time

_NO_EXECUTE: Final = "NoExecute"


class SyncTargetAdmission(BasePlugin):
    """A SyncTarget names an APIExport only if its author may `bind` it, because its status tells what is in it.

    The refusal is the same whether the export exists or not. What was named before is not asked for again.

    A NoExecute taint carries the time at which it was added, from which Placements count how long they tolerate it. It
    is ours to say, for everyone: it stays while key, value and effect do, and what a user writes there is replaced.
    So is the record of the syncer's credentials, by which a writer could let itself in, or undo a revocation, and so
    is the pcluster that a SyncTarget is bound to: the first syncer says it once.

    `spec.kcpCluster` is the logical cluster in which a SyncTarget is, and is set where it is left out, as in a manifest
    that replaces what is there. Another one is refused, as it could never be put right; what an earlier version let in
    stays.
    """

    name = "sync.kcp.io/SyncTarget"

    def __init__(self, state: ControlPlaneObjects, authorizer: DeepAuthorizer, *, clock: Clock) -> None:
        self._state = state
        self._authorizer = authorizer
        self._clock = clock

    def handles(self, attributes: AdmissionAttributes) -> bool:
        info = attributes.info
        return info.resource == "synctargets" and info.group == GROUP and attributes.operation in (CREATE, UPDATE)

    async def admit(self, attributes: AdmissionAttributes) -> None:
        if attributes.object is None:
            return
        if attributes.user != LOOPBACK_USER:
            _keep_note(attributes.object, attributes.old_object or {}, CREDENTIALS_ANNOTATION)
            _keep_pcluster(attributes.object, attributes.old_object or {})
        if attributes.subresource:
            return
        spec: Any = attributes.object.setdefault("spec", {})
        if isinstance(spec, dict):
            was = objects.nested(attributes.old_object or {}, "spec", "kcpCluster", default=None)
            spec.setdefault("kcpCluster", attributes.cluster if was is None else was)
        before = {_identity(taint): taint.get("timeAdded") for taint in _taints(attributes.old_object or {})}
        for taint in _taints(attributes.object):
            if taint.get("effect") == _NO_EXECUTE:
                taint["timeAdded"] = before.get(_identity(taint)) or format_time(self._clock.now())
            else:
                taint.pop("timeAdded", None)

    async def validate(self, attributes: AdmissionAttributes) -> None:
        obj = attributes.object
        if obj is None or attributes.subresource:
            return
        problems = _problems(obj, attributes.old_object or {}, attributes.cluster)
        if problems:
            raise errors.invalid(SYNC_TARGET.kind, attributes.name, problems, GROUP)
        if is_privileged(attributes.user):
            return
        for path, name in sorted(_exports_of(obj) - _exports_of(attributes.old_object or {})):
            found = self._state.export(path, name, here=attributes.cluster)
            if found is None or not await self._may_bind(attributes, found[0], name):
                shown = path or self._state.clusters.path_of(attributes.cluster)
                why = f"spec.supportedAPIExports: no permission to bind to export {shown}:{name}, or it does not exist"
                raise errors.forbidden(attributes.info.group_resource, attributes.name, why)

    async def _may_bind(self, attributes: AdmissionAttributes, cluster: str, name: str) -> bool:
        user = attributes.user
        return await may(
            self._authorizer, user, cluster, verb="bind", group=APIS_GROUP, resource="apiexports", name=name
        )


def _keep_note(sync_target: Object, old: Object, key: str) -> None:
    """Leave an annotation as it was, whatever the author wants."""
    had = objects.annotations(old).get(key)
    meta = sync_target.setdefault("metadata", {})
    notes: Any = meta.get("annotations")
    if had is not None:
        meta["annotations"] = {**(notes if isinstance(notes, dict) else {}), key: had}
    elif isinstance(notes, dict):
        notes.pop(key, None)


def _keep_pcluster(sync_target: Object, old: Object) -> None:
    """Leave the pcluster as it was, once there is one."""
    had = objects.nested(old, "status", "pclusterID", default="")
    status: Any = sync_target.setdefault("status", {}) if had else None
    if isinstance(status, dict):
        status["pclusterID"] = had


def _exports_of(sync_target: Object) -> set[tuple[str, str]]:
    """(path, name) of every export that a SyncTarget names."""
    named = objects.nested(sync_target, "spec", "supportedAPIExports", default=None) or ()
    return {(each.get("path") or "", each.get("export") or "") for each in named}


def _taints(sync_target: Object) -> Iterator[Object]:
    """The taints of an object that was not validated yet, as far as they are some."""
    spec: Any = sync_target.get("spec")
    found: Any = spec.get("taints") if isinstance(spec, dict) else None
    return (taint for taint in found if isinstance(taint, dict)) if isinstance(found, list) else iter(())


def _identity(taint: Object) -> tuple[str, str, str]:
    """What makes a taint another one: with another value it is tolerated by others."""
    return (str(taint.get("key")), str(taint.get("value") or ""), str(taint.get("effect")))


def _problems(sync_target: Object, old: Object, cluster: str) -> Sequence[FieldError]:
    """What the schema can't say. Names that were there before are not judged again."""
    spec, before = sync_target.get("spec") or {}, old.get("spec") or {}
    found = []
    home = spec.get("kcpCluster")
    if home not in (None, cluster, before.get("kcpCluster")):
        why = f'must be "{cluster}", the logical cluster of the SyncTarget; leave it out, and it is set'
        found.append(invalid_value("spec.kcpCluster", home, why))
    for position, cell in enumerate(spec.get("cells") or ()):
        if cell not in (before.get("cells") or ()) and not (is_label_value(cell) or is_dns1123_subdomain(cell)):
            path = index("spec.cells", position)
            found.append(invalid_value(path, cell, "must be a label value or a DNS name, such as zone-a"))
    known = {_identity(taint) for taint in _taints(old)}
    for position, taint in enumerate(_taints(sync_target)):
        if _identity(taint) not in known:
            path = child(index("spec.taints", position), "value")
            found += [invalid_value(path, taint["value"], why) for why in label_value_errors(taint.get("value") or "")]
    evict_after = spec.get("evictAfter")
    if evict_after:
        try:
            parse_time(evict_after)
        except (ValueError, OverflowError):
            why = "must be a time such as 2026-01-31T12:00:00Z, in the years 1 to 9999 of UTC"
            found.append(invalid_value("spec.evictAfter", evict_after, why))
    return found
