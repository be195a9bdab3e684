"""Wires token Secrets and service accounts to the filler.

Option `root_ca`: the CA bundle in PEM. Option `issue_token`: an async function of (cluster, namespace, account name,
account uid, secret name, secret uid) that gives a token; without it the TokenRequest subresource is used.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from headwater.controller import Controller, Result
from headwater.controller.triggers import enqueue_mapped, enqueue_objects, spec_or_metadata_changed
from headwater.machinery.errors import Conflict, NotFound
from headwater.machinery.objects import (
    Object,
    cluster_name,
    deletion_timestamp,
    make_key,
    name,
    namespace,
    resource_version,
    split_key,
    uid,
)
from headwater.reconcilers.interface import ControllerContext
from headwater.reconcilers.kube.kinds import SECRETS, SERVICE_ACCOUNTS
from headwater.reconcilers.kube.token.step_fill import (
    SECRET_TYPE,
    account_name,
    encoded_token,
    is_orphan,
    missing,
    seconds_until_renewal,
)

CONTROLLER_NAME: Final = "kube-serviceaccount-token"
BY_ACCOUNT: Final = "service account"
_REQUESTED_SECONDS: Final = 365 * 24 * 3600
_MAX_TIMER_SECONDS: Final = 24 * 3600.0

IssueToken = Callable[[str, str, str, str, str, str], Awaitable[str]]


def by_account(secret: Object) -> Iterable[str]:
    """Key of the service account that a token Secret is for."""
    account = account_name(secret)
    return (make_key(cluster_name(secret), namespace(secret), account),) if account else ()


def new_controller(context: ControllerContext) -> Controller:
    """Controller over Secrets of the token type."""
    bundle = context.options.get("root_ca", b"")
    ca_bundle = bundle.decode() if isinstance(bundle, bytes) else str(bundle)
    issue: IssueToken | None = context.options.get("issue_token")
    secrets = context.informers.informer(SECRETS, field_selector=f"type={SECRET_TYPE}")
    secrets.add_index(BY_ACCOUNT, by_account)
    accounts = context.informers.informer(SERVICE_ACCOUNTS)

    async def reconcile(key: str) -> Result | None:
        secret = secrets.get(key)
        if secret is None or deletion_timestamp(secret) or not account_name(secret):
            return None
        cluster, space, _ = split_key(key)
        client = context.client(cluster)
        account = await _account(key, secret)
        if is_orphan(secret, account):
            await _delete(key, secret)
            return None
        data, notes = missing(secret, account, ca_bundle)
        renewal = seconds_until_renewal(secret, context.clock.now().timestamp())
        if renewal == 0:
            data["token"] = encoded_token(await _token(cluster, space, secret, account))
        if data or notes:
            patch: Object = {"metadata": {"resourceVersion": resource_version(secret), "annotations": notes}}
            patch["data"] = data
            await client.resource(SECRETS, space).patch(name(secret), patch)
            return None
        return Result(requeue_after_seconds=min(renewal, _MAX_TIMER_SECONDS)) if renewal is not None else None

    async def _account(key: str, secret: Object) -> str:
        """UID of the account, "" when a live read confirms that it is gone."""
        cluster, space, _ = split_key(key)
        known = accounts.get(make_key(cluster, space, account_name(secret)))
        if known is not None:
            return uid(known)
        try:
            return uid(await context.client(cluster).resource(SERVICE_ACCOUNTS, space).get(account_name(secret)))
        except NotFound:
            return ""

    async def _delete(key: str, secret: Object) -> None:
        try:
            await context.resource(SECRETS, key).delete(
                name(secret), uid=uid(secret), resource_version=resource_version(secret)
            )
        except (NotFound, Conflict):
            pass  # Gone, or changed: then its event brings it back here.

    async def _token(cluster: str, space: str, secret: Object, account_uid: str) -> str:
        account = account_name(secret)
        if issue is not None:
            return await issue(cluster, space, account, account_uid, name(secret), uid(secret))
        bound = {"apiVersion": "v1", "kind": "Secret", "name": name(secret), "uid": uid(secret)}
        request: Object = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": _REQUESTED_SECONDS, "boundObjectRef": bound},
        }
        resource = context.client(cluster).resource(SERVICE_ACCOUNTS, space)
        answer = await resource.create_subresource(account, "token", request)
        return str(answer["status"]["token"])

    def secrets_of(account: Object) -> Iterable[str]:
        return secrets.index_keys(BY_ACCOUNT, make_key(cluster_name(account), namespace(account), name(account)))

    controller = Controller(CONTROLLER_NAME, reconcile=reconcile, clock=context.clock, registry=context.registry)
    enqueue_objects(secrets, controller)
    enqueue_mapped(accounts, controller, secrets_of, when=spec_or_metadata_changed)
    return controller
