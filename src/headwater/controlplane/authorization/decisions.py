"""Remembers what was allowed, until anything changes that it depended on."""

from __future__ import annotations

from typing import Final

from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.authz.interface import Attributes, Authorizer, Decision
from headwater.apiserver.authz.rolesource import GROUP as RBAC_GROUP
from headwater.controlplane.objects import ControlPlaneObjects
from headwater.storage.keys import resource_prefix
from headwater.storage.watchcache import CacheSet

MAX_DECISIONS: Final = 16_384
_RBAC_RESOURCES: Final = ("clusterroles", "clusterrolebindings", "roles", "rolebindings")

_Key = tuple[int, str, str, str, str, str, str, str]


class RememberedDecisions:
    """An authorizer that asks another one only about what is new.

    Rules without names allow every name, so what is allowed without a name is remembered for all of them; refusals are
    never remembered. Users are told apart as objects: whoever authenticates hands out one object for one credential.
    """

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer
        self._allowed: dict[_Key, tuple[UserInfo, str]] = {}
        self._epoch = 0

    async def follow(self, state: ControlPlaneObjects, caches: CacheSet) -> None:
        """Forget everything whenever roles, logical clusters, bindings or exports change."""
        for resource in _RBAC_RESOURCES:
            cache = await caches.cache(resource_prefix(RBAC_GROUP, resource))
            cache.add_listener(lambda _: self.forget())
        state.clusters.add_listener(lambda *_: self.forget())
        state.bindings.cache.add_listener(lambda _: self.forget())
        state.exports.cache.add_listener(lambda _: self.forget())

    def __len__(self) -> int:
        return len(self._allowed)

    def forget(self) -> None:
        """Drop all that was remembered."""
        self._epoch += 1
        self._allowed.clear()

    async def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        user, verb, cluster, group, _, resource, subresource, namespace, name, path, _ = attributes
        key = (id(user), verb, cluster, group, resource, subresource, namespace, path)
        found = self._allowed.get(key)
        # An id is taken again once its object is gone, so the object itself is kept and compared.
        if found is not None and found[0] is user:
            return Decision.ALLOW, found[1]
        epoch = self._epoch
        decision, reason = await self._authorizer.authorize(attributes._replace(name="") if name else attributes)
        if decision is Decision.ALLOW:
            if epoch == self._epoch:
                if len(self._allowed) >= MAX_DECISIONS:
                    self._allowed.clear()
                self._allowed[key] = (user, reason)
            return decision, reason
        return await self._authorizer.authorize(attributes) if name else (decision, reason)
