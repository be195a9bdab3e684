"""Who uses a service account: objects in the view whose pods want its token, and copies that mount it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from headwater.apis.workload.access import account_of, wants_access
from headwater.apis.workload.endings import has_ended
from headwater.apis.workload.podspecs import POD_RESOURCES, pod_spec
from headwater.client.informer.indexes import BY_NAMESPACE, namespace_index_value
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, nested, object_key, split_key
from headwater.syncer.accounts.secret import secret_name
from headwater.syncer.downstream import BY_NAMESPACE as DOWNSTREAM_BY_NAMESPACE
from headwater.syncer.downstream import Downstream
from headwater.syncer.identity import item_of
from headwater.syncer.mutate.names import SERVICE_ACCOUNTS
from headwater.syncer.upstream import Upstream


class Usage:
    """Answers from what both sides were last seen to have. Accounts go by their upstream key."""

    def __init__(self, upstream: Upstream, downstream: Downstream) -> None:
        self._upstream = upstream
        self._downstream = downstream

    @property
    def known(self) -> bool:
        """Whether everything that could use an account has been listed on both sides."""
        followed = self._downstream.informers
        return followed.all_synced and all(self._upstream.synced(each) for each in self._resources())

    def wanted(self, key: str) -> bool:
        """Whether pods of an object in the view are to have the account's token."""
        account = self._upstream.get(SERVICE_ACCOUNTS, key)
        return any(wants_access(obj, account) and not has_ended(obj) for _, obj in self._objects(key))

    def mounted(self, key: str, space: str) -> bool:
        """Whether a copy in the downstream namespace has the account's Secret in its pods."""
        secret = secret_name(split_key(key)[2])
        for resource in self._resources():
            informer = self._downstream.informers.get(resource)
            for copy in informer.by_index(DOWNSTREAM_BY_NAMESPACE, space) if informer is not None else ():
                if secret in secrets_of(copy) and self._downstream.is_ours(copy) and not has_ended(copy):
                    return True
        return False

    def items(self, key: str) -> Iterable[str]:
        """The items of the objects in the view whose pods run as the account."""
        return [item_of(resource, object_key(obj)) for resource, obj in self._objects(key)]

    def _objects(self, key: str) -> Iterable[tuple[GroupResource, Object]]:
        cluster, space, account = split_key(key)
        value = namespace_index_value(cluster, space)
        for resource in self._resources():
            for informer in self._upstream.informers(resource):
                for obj in informer.by_index(BY_NAMESPACE, value):
                    if account_of(obj) == account:
                        yield resource, obj

    def _resources(self) -> list[GroupResource]:
        return [each for each in self._downstream.informers.resources if each in POD_RESOURCES]


def secrets_of(copy: Object) -> set[Any]:
    """Names of the Secrets that the pods of an object mount."""
    pod: Object = pod_spec(copy) or {}
    names = {nested(volume, "secret", "secretName") for volume in pod.get("volumes") or ()}
    for volume in pod.get("volumes") or ():
        names |= {nested(source, "secret", "name") for source in nested(volume, "projected", "sources", default=())}
    return names
