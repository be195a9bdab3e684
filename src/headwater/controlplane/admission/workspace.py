"""Admission of Workspaces: type, owner, labels and groups are filled in; the system's fields are kept from users."""

from __future__ import annotations

from typing import Final

from headwater.apis.core.v1alpha1.logicalcluster import TYPE_ANNOTATION
from headwater.apis.tenancy.v1alpha1.workspace import (
    CLUSTER_ANNOTATION,
    GROUP,
    OWNER_ANNOTATION,
    PHASE_INITIALIZING,
    PHASE_READY,
    REQUIRED_GROUPS_ANNOTATION,
    SHARD_ANNOTATION,
    SHARD_HASH_ANNOTATION,
)
from headwater.apis.tenancy.workspacetypes import (
    ResolvedType,
    TypeReference,
    TypeResolver,
    UnresolvedTypeError,
    WorkspaceTypeError,
    check_relation,
    unresolved,
)
from headwater.apiserver.admission.interface import CREATE, UPDATE, AdmissionAttributes, BasePlugin
from headwater.apiserver.authn.interface import UserInfo
from headwater.base import jsonio
from headwater.controlplane.admission.access import DeepAuthorizer, is_privileged, is_system, may
from headwater.controlplane.objects import ControlPlaneObjects
from headwater.machinery import errors, objects
from headwater.machinery.objects import Object


def owner_of(user: UserInfo) -> str:
    """The owner annotation of a user: its UserInfo as JSON."""
    info: Object = {"username": user.name}
    if user.uid:
        info["uid"] = user.uid
    if user.groups:
        info["groups"] = list(user.groups)
    if user.extra:
        info["extra"] = {key: list(values) for key, values in user.extra.items()}
    return jsonio.dumps(info).decode()


_SCHEDULED: Final = (CLUSTER_ANNOTATION, SHARD_ANNOTATION, SHARD_HASH_ANNOTATION)
"""Where the scheduler decided to keep the workspace. Whoever chose it could name the logical cluster of another."""


class WorkspaceAdmission(BasePlugin):
    """Plugin ``tenancy.kcp.io/Workspace``. All refusals are 403, in kcp's words."""

    name = "tenancy.kcp.io/Workspace"

    def __init__(self, state: ControlPlaneObjects, types: TypeResolver, authorizer: DeepAuthorizer) -> None:
        self._state = state
        self._types = types
        self._authorizer = authorizer

    def handles(self, attributes: AdmissionAttributes) -> bool:
        info = attributes.info
        return info.resource == "workspaces" and info.group == GROUP and attributes.operation in (CREATE, UPDATE)

    async def admit(self, attributes: AdmissionAttributes) -> None:
        obj = attributes.object
        if obj is None or attributes.operation != CREATE or attributes.subresource:
            return
        if not is_privileged(attributes.user) or OWNER_ANNOTATION not in objects.annotations(obj):
            objects.set_annotation(obj, OWNER_ANNOTATION, owner_of(attributes.user))
        if not is_privileged(attributes.user):
            objects.set_annotation(obj, REQUIRED_GROUPS_ANNOTATION, self._required_groups(attributes.cluster))
            for annotation in _SCHEDULED:
                objects.set_annotation(obj, annotation, None)
        spec = obj.setdefault("spec", {})
        if spec.get("mount"):
            if spec.get("type"):
                raise _forbidden(attributes, "spec.type cannot be set for mounted workspaces")
            return
        try:
            reference = self._reference(attributes.cluster, spec.get("type") or {})
            resolved = self._types.resolve(reference)
        except WorkspaceTypeError as error:
            raise _unresolved(attributes, error) from None
        spec["type"] = {"name": reference.name, "path": reference.path}
        for key, value in resolved.labels().items():
            objects.set_label(obj, key, value)

    async def validate(self, attributes: AdmissionAttributes) -> None:
        obj, old = attributes.object, attributes.old_object
        if obj is None or attributes.subresource not in ("", "status"):
            return
        if old is not None:
            _check_update(attributes, obj, old)
            return
        spec = obj.get("spec") or {}
        if not is_privileged(attributes.user):
            for field, label in (("cluster", "spec.Cluster"), ("URL", "spec.URL")):
                if spec.get(field):
                    raise _forbidden(attributes, f"{label} can only be set by system privileged users")
        if not spec.get("mount"):
            await self._check_type(attributes, TypeReference.of(spec.get("type") or {}))

    def _required_groups(self, cluster: str) -> str | None:
        entry = self._state.clusters.get(cluster)
        return (entry.required_groups or None) if entry is not None else None

    def _reference(self, cluster: str, wanted: Object) -> TypeReference:
        """The canonical reference of the type asked for, or of the parent type's default."""
        if not wanted.get("name"):
            parent = self._parent_type(cluster)
            child = parent.default_child()
            if child is None:
                raise WorkspaceTypeError(
                    f"spec.defaultChildWorkspaceType of workspace type {parent.reference} must be set"
                )
            return child
        path = wanted.get("path")
        if not path:
            return self._types.search(cluster, wanted["name"])
        found = self._state.clusters.find(path)
        return TypeReference(self._state.clusters.path_of(found) if found else path, wanted["name"])

    def _parent_type(self, cluster: str) -> ResolvedType:
        entry = self._state.clusters.get(cluster)
        if entry is None or not entry.type:
            raise WorkspaceTypeError(f"annotation {TYPE_ANNOTATION} on LogicalCluster must be set")
        return self._types.resolve(TypeReference.parse(entry.type))

    async def _check_type(self, attributes: AdmissionAttributes, reference: TypeReference) -> None:
        try:
            child = self._types.resolve(reference)
            parent = self._parent_type(attributes.cluster)
        except WorkspaceTypeError as error:
            raise _unresolved(attributes, error) from None
        if not is_privileged(attributes.user):
            for alias, cluster, _ in child.aliases:
                if not await may(
                    self._authorizer,
                    attributes.user,
                    cluster,
                    verb="use",
                    group=GROUP,
                    resource="workspacetypes",
                    name=alias.name,
                ):
                    raise _unresolved(attributes, unresolved(alias))
        problem = check_relation(parent, child)
        if problem:
            raise _forbidden(attributes, problem)


def _check_update(attributes: AdmissionAttributes, obj: Object, old: Object) -> None:
    spec, old_spec = obj.get("spec") or {}, old.get("spec") or {}
    privileged = is_privileged(attributes.user)
    if old_spec.get("type") and spec.get("type") != old_spec.get("type"):
        raise _forbidden(attributes, "spec.type is immutable")
    for field in ("cluster", "URL"):
        if spec.get(field) == old_spec.get(field):
            continue
        if not spec.get(field):
            raise _forbidden(attributes, f"spec.{field} cannot be unset")
        if not privileged:
            raise _forbidden(attributes, f"spec.{field} can only be changed by system privileged users")
    if not privileged and not is_system(attributes.user):
        for annotation, what in ((OWNER_ANNOTATION, "user"), (REQUIRED_GROUPS_ANNOTATION, "required groups")):
            before = objects.annotations(old).get(annotation)
            if objects.annotations(obj).get(annotation) != before:
                missing = f"expected {what}" if what == "user" else f"missing {what}"
                raise _forbidden(attributes, f"{missing} annotation {annotation}={before or ''}")
        for annotation in _SCHEDULED:
            if objects.annotations(obj).get(annotation) != objects.annotations(old).get(annotation):
                raise _forbidden(attributes, f"annotation {annotation} is set by the system only")
    phase = objects.nested(obj, "status", "phase", default="")
    if phase in (PHASE_INITIALIZING, PHASE_READY) and not spec.get("mount"):
        for field in ("cluster", "URL"):
            if not spec.get(field):
                raise _forbidden(attributes, f"spec.{field} must be set for phase {phase}")
    if phase == PHASE_READY and objects.nested(old, "status", "phase", default="") == PHASE_INITIALIZING:
        left = objects.nested(obj, "status", "initializers", default=())
        if left:
            raise _forbidden(attributes, f"status.initializers must be empty for phase {phase}, but has {left}")


def _unresolved(attributes: AdmissionAttributes, error: WorkspaceTypeError) -> errors.StatusError:
    """Who may not use a type is not told whether there is one."""
    if is_privileged(attributes.user) or not isinstance(error, UnresolvedTypeError):
        return _forbidden(attributes, str(error))
    return _forbidden(attributes, f"{error}: it does not exist, or verb='use' permission on workspacetype is missing")


def _forbidden(attributes: AdmissionAttributes, why: str) -> errors.StatusError:
    return errors.forbidden(attributes.info.group_resource, attributes.name, why)
