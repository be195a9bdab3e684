"""Admission of APIBindings: the right to bind, and fields that can't change any more."""

from __future__ import annotations

from headwater.apis.apis.v1alpha1.apiresourceschema import GROUP
from headwater.apis.apis.v1alpha2.apibinding import EXPORT_LABEL, FINALIZER
from headwater.apiserver.admission.interface import CREATE, UPDATE, AdmissionAttributes, BasePlugin
from headwater.base.hashing import base62_sha224
from headwater.controlplane.admission.access import DeepAuthorizer, is_privileged, may
from headwater.controlplane.objects import ControlPlaneObjects
from headwater.machinery import errors, objects
from headwater.machinery.fieldpath import invalid_value
from headwater.machinery.objects import Object


def export_hash(cluster: str, name: str) -> str:
    """Value of the export label: which export a binding is of, whatever path it names it by."""
    return base62_sha224(f"{cluster}:{name}")


class APIBindingAdmission(BasePlugin):
    """Plugins ``apis.kcp.io/APIBinding`` and ``apis.kcp.io/APIBindingDeletionFinalizer``."""

    name = "apis.kcp.io/APIBinding"

    def __init__(self, state: ControlPlaneObjects, authorizer: DeepAuthorizer) -> None:
        self._state = state
        self._authorizer = authorizer

    def handles(self, attributes: AdmissionAttributes) -> bool:
        info = attributes.info
        return info.resource == "apibindings" and info.group == GROUP and attributes.operation in (CREATE, UPDATE)

    async def admit(self, attributes: AdmissionAttributes) -> None:
        obj = attributes.object
        if obj is None or attributes.subresource:
            return
        if attributes.operation == CREATE:
            objects.add_finalizer(obj, FINALIZER)
        path, name = reference_of(obj)
        found = self._state.export(path, name, here=attributes.cluster)
        label = export_hash(found[0], name) if found is not None else objects.labels(obj).get(EXPORT_LABEL)
        objects.set_label(obj, EXPORT_LABEL, label)

    async def validate(self, attributes: AdmissionAttributes) -> None:
        obj, old = attributes.object, attributes.old_object
        if obj is None:
            return
        if old is not None:
            _check_update(attributes, obj, old)
        if attributes.subresource or is_privileged(attributes.user):
            return
        path, name = reference_of(obj)
        if old is not None and reference_of(old) == (path, name):
            return
        found = self._state.export(path, name, here=attributes.cluster)
        # Answer the same whether the export doesn't exist or may not be bound: names of others' exports aren't told.
        if found is None or not await may(
            self._authorizer, attributes.user, found[0], verb="bind", group=GROUP, resource="apiexports", name=name
        ):
            shown = path or self._state.clusters.path_of(attributes.cluster)
            why = f"unable to create APIBinding: no permission to bind to export {shown}:{name}"
            raise errors.forbidden(attributes.info.group_resource, attributes.name, why)


def reference_of(binding: Object) -> tuple[str, str]:
    """Path (may be empty) and name of the export that a binding refers to; empty for what the schema will refuse."""
    path, name = (objects.nested(binding, "spec", "reference", "export", field) for field in ("path", "name"))
    return path if isinstance(path, str) else "", name if isinstance(name, str) else ""


def _check_update(attributes: AdmissionAttributes, obj: Object, old: Object) -> None:
    info = attributes.info
    if reference_of(obj) != reference_of(old):
        error = invalid_value(
            "spec.reference.export",
            objects.nested(obj, "spec", "reference", "export"),
            "APIExport reference must not be changed",
        )
        raise errors.invalid(info.kind, attributes.name, [error], group=info.group)
    phase, before = (objects.nested(o, "status", "phase", default="") for o in (obj, old))
    if before and not phase:
        error = invalid_value("status.phase", phase, f'cannot transition from "{before}" to ""')
        raise errors.invalid(info.kind, attributes.name, [error], group=info.group)
