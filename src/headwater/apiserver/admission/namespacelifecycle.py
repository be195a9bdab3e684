"""Plugin `NamespaceLifecycle`: objects need a namespace that is there and stays, and some namespaces always stay."""

from __future__ import annotations

from headwater.apiserver.admission.interface import CREATE, DELETE, AdmissionAttributes, BasePlugin
from headwater.apiserver.builtin.kinds import builtin_resource
from headwater.machinery import errors
from headwater.machinery.gvk import GroupResource, GroupVersionKind
from headwater.machinery.objects import nested
from headwater.storage.watchcache import CacheSet

IMMORTAL = frozenset({"default", "kube-system", "kube-public"})
_NAMESPACE = GroupVersionKind("", "v1", "Namespace")


class NamespaceLifecycle(BasePlugin):
    """Create in a missing namespace is 404, in a terminating one 403; the immortal ones can't be deleted."""

    name = "NamespaceLifecycle"

    def __init__(self, caches: CacheSet) -> None:
        self._caches = caches
        info = builtin_resource(_NAMESPACE)
        assert info is not None
        self._namespaces = info

    def handles(self, attributes: AdmissionAttributes) -> bool:
        if attributes.operation == CREATE:
            return attributes.info.namespaced
        info = attributes.info
        return attributes.operation == DELETE and info.resource == "namespaces" and not info.group

    async def admit(self, attributes: AdmissionAttributes) -> None:
        if attributes.operation == DELETE:
            if attributes.name in IMMORTAL:
                why = "this namespace may not be deleted"
                raise errors.forbidden(attributes.info.group_resource, attributes.name, why)
            return
        name = attributes.namespace
        cache = await self._caches.cache(self._namespaces.prefix)
        found = cache.get(self._namespaces.key(attributes.cluster, "", name))
        if found is None:
            raise errors.not_found(GroupResource("", "namespaces"), name)
        # The word is looked for in the bytes first: nearly no namespace is on its way out.
        if b'"Terminating"' in found.value and nested(found.decoded, "status", "phase") == "Terminating":
            why = f"unable to create new content in namespace {name} because it is being terminated"
            error = errors.forbidden(attributes.info.group_resource, attributes.name, why)
            cause = {
                "reason": "NamespaceTerminating",
                "message": f"namespace {name} is being terminated",
                "field": "metadata.namespace",
            }
            error.details = {**(error.details or {}), "causes": [cause]}
            raise error
