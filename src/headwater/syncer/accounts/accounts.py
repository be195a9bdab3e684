"""What service accounts are to pods: the syncer's view of them, and the events that change it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from headwater.apis.workload.access import DEFAULT_ACCOUNT, account_of, wants_access
from headwater.apis.workload.labels import WORKSPACE_URL_ANNOTATION
from headwater.apis.workload.podspecs import POD_RESOURCES
from headwater.controller.triggers import spec_or_metadata_changed
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object, make_key, namespace, object_key, split_key, uid
from headwater.machinery.objects import annotations as annotations_of
from headwater.syncer.accounts.secret import account_of_secret, secret_name
from headwater.syncer.accounts.tokens import TokenKeeper
from headwater.syncer.accounts.usage import Usage, secrets_of
from headwater.syncer.downstream import BY_NAMESPACE
from headwater.syncer.mutate.names import SECRETS, SERVICE_ACCOUNTS
from headwater.syncer.mutate.pods import NO_ACCOUNT, PodAccount, access_by, account_as_applied
from headwater.syncer.sides import Sides

_BEARING: Final = ("automountServiceAccountToken", "imagePullSecrets")


class Accounts:
    """Tells what the pods of an object run as, and has their token ready.

    ``ca_bundle`` is what they are to trust the control plane by, in PEM.
    """

    def __init__(self, sides: Sides, *, ca_bundle: bytes) -> None:
        self._upstream = sides.upstream
        self._downstream = sides.downstream
        self._namespaces = sides.namespaces
        self._usage = Usage(sides.upstream, sides.downstream)
        self._tokens = TokenKeeper(sides, usage=self._usage, ca_bundle=ca_bundle)
        self.controller = self._tokens.controller
        self.again: Callable[[str], None] = lambda _: None
        """Called with the items to be looked at anew, as what their pods run as has changed."""
        sides.downstream.beside = self._beside_changed

    def known_for(self, resource: GroupResource, obj: Object) -> bool:
        """False while not all is listed that says what the pods of an object run as."""
        if account_of(obj) is None:
            return True
        if self._stays_as_applied(obj):
            return self._downstream.informers.synced(resource)
        return self._upstream.synced(SERVICE_ACCOUNTS)

    def of(self, obj: Object, key: str, copy: Object | None) -> PodAccount:
        """The account of an object's pods, which may have a `copy`.

        The pods of a Job can't be changed, so they stay as they are. While we have no rights on service accounts all
        pods do, since rights that are lacking for a moment must not roll them, and new ones are without any.
        """
        named = account_of(obj)
        if named is None:
            return NO_ACCOUNT
        if copy is not None and self._stays_as_applied(obj):
            return account_as_applied(copy, obj)
        if not self._followed:
            return NO_ACCOUNT
        account = self._upstream.get(SERVICE_ACCOUNTS, _account_key(key, named))
        pulls: tuple[str, ...] = ()
        if named == DEFAULT_ACCOUNT and account is not None:  # Its namesake below is the pcluster's own.
            pulls = tuple(each["name"] for each in account.get("imagePullSecrets") or () if each.get("name"))
        access = None
        if wants_access(obj, account):
            access = access_by(annotations_of(obj).get(WORKSPACE_URL_ANNOTATION, ""), secret_name(named))
        return PodAccount(exists=True, pull_secrets=pulls, access=access)

    async def ensure(self, obj: Object, key: str) -> None:
        """Returns once the token of an object's pods is in its Secret. Raises NoToken and TransportError."""
        named = account_of(obj)
        if named is not None and self._followed:
            await self._tokens.ensure(_account_key(key, named))

    def upstream_changed(self, resource: GroupResource, old: Object | None, new: Object | None) -> None:
        """Hear of a change in the virtual workspace."""
        if resource == SERVICE_ACCOUNTS:
            if _bearing(old) != _bearing(new):
                key = object_key(new or old or {})
                self.controller.enqueue(key)
                for item in self._usage.items(key):
                    self.again(item)
        elif resource in POD_RESOURCES and old is not None and _wish(old) != _wish(new):
            named = account_of(old)
            if named is not None:
                self.controller.enqueue(_account_key(object_key(old), named))

    def downstream_changed(self, resource: GroupResource, old: Object | None, new: Object | None) -> None:
        """Hear of a change of a copy: the Secret that it mounted may be of no use any more."""
        if resource not in POD_RESOURCES or not spec_or_metadata_changed(old, new):
            return
        before, after = (secrets_of(obj) if obj is not None else set() for obj in (old, new))
        for each in before - after:
            secret = self._downstream.get(SECRETS, namespace(old or {}), each) if each else None
            if secret is not None:
                self._tokens.secret_changed(None, secret)

    def revisit(self, space: str) -> None:
        """Look at all Secrets of ours in a downstream namespace, which may have been listed before it."""
        informer = self._downstream.informers.get(SECRETS)
        for secret in informer.by_index(BY_NAMESPACE, space) if informer is not None else ():
            self._beside_changed(SECRETS, None, secret)

    def _stays_as_applied(self, obj: Object) -> bool:
        return obj.get("kind") == "Job" or not self._followed

    @property
    def _followed(self) -> bool:
        return {SERVICE_ACCOUNTS, SECRETS} <= set(self._downstream.informers.resources)

    def _beside_changed(self, resource: GroupResource, old: Object | None, new: Object | None) -> None:
        if resource == SECRETS and account_of_secret(new or old or {}) is not None:
            self._tokens.secret_changed(old, new)


def _wish(obj: Object | None) -> object:
    """The account that an object gives its pods, and whether they want access by what it says itself."""
    return None if obj is None else (account_of(obj), wants_access(obj, None))


def _account_key(key: str, account: str) -> str:
    """Key of an account in the namespace of an object."""
    cluster, space, _ = split_key(key)
    return make_key(cluster, space, account)


def _bearing(account: Object | None) -> object:
    """What of an account bears on pods."""
    return None if account is None else (uid(account), *(account.get(field) for field in _BEARING))
