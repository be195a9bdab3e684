"""RBAC objects in a real store, read through the watch caches."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from headwater.apiserver.authz.rbac import RBACAuthorizer
from headwater.apiserver.authz.rolesource import GROUP, CacheRoleSource
from headwater.base import jsonio
from headwater.machinery.objects import Object
from headwater.storage.keys import build_key, resource_prefix
from headwater.storage.memory import MemoryBackend
from headwater.storage.watchcache import CacheSet


class Roles:
    """Writes roles and bindings, and asks about them."""

    def __init__(self, backend: MemoryBackend) -> None:
        self._backend = backend
        self.source = CacheRoleSource(CacheSet(backend))
        self.rbac = RBACAuthorizer(self.source)

    async def put(self, kind: str, name: str, *, cluster: str = "a", namespace: str = "", **content: object) -> None:
        metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
        obj = {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata, **content}
        await self._backend.put(_key(kind, cluster, namespace, name), jsonio.dumps(obj), expected=None)

    async def delete(self, kind: str, name: str, *, cluster: str = "a", namespace: str = "") -> None:
        await self._backend.delete(_key(kind, cluster, namespace, name), expected=None)

    async def role(self, name: str, *rules: Object, namespace: str = "", cluster: str = "a") -> None:
        kind = "Role" if namespace else "ClusterRole"
        await self.put(kind, name, cluster=cluster, namespace=namespace, rules=list(rules))

    async def bind(
        self, role: str, *subjects: Object, namespace: str = "", cluster: str = "a", role_kind: str = "ClusterRole"
    ) -> None:
        kind = "RoleBinding" if namespace else "ClusterRoleBinding"
        reference = {"apiGroup": GROUP, "kind": role_kind, "name": role}
        await self.put(
            kind, f"bind-{role}", cluster=cluster, namespace=namespace, roleRef=reference, subjects=list(subjects)
        )


def _key(kind: str, cluster: str, namespace: str, name: str) -> str:
    return build_key(resource_prefix(GROUP, kind.lower() + "s"), cluster, namespace, name)


def rule(verbs: str, resources: str = "", *, groups: str = "", names: str = "", urls: str = "") -> Object:
    """A rule from words separated by spaces; the group "" is the core group."""
    made: Object = {"verbs": verbs.split()}
    if resources:
        made |= {"apiGroups": groups.split() or [""], "resources": resources.split()}
    if names:
        made["resourceNames"] = names.split()
    if urls:
        made["nonResourceURLs"] = urls.split()
    return made


def user(name: str) -> Object:
    return {"kind": "User", "apiGroup": GROUP, "name": name}


def group(name: str) -> Object:
    return {"kind": "Group", "apiGroup": GROUP, "name": name}


@pytest.fixture
async def roles() -> AsyncIterator[Roles]:
    """An empty store, opened for reading roles."""
    backend = MemoryBackend()
    await backend.open()
    made = Roles(backend)
    await made.source.open()
    yield made
    await backend.close()
