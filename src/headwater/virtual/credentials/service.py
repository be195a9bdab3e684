"""`/services/syncer-credentials/<cluster>/<sync target>/<uid>/<action>`: what can be asked for, and by whom.

| POST | who | answer |
|---|---|---|
| `bootstrap` | who may `create` `synctargets/credentials` | a bootstrap token |
| `revoke` | who may `delete` `synctargets/credentials` | nothing counts any more that was given before |
| `exchange` | who has a bootstrap token, in the body | a credential |
| `renew` | the syncer, with its credential | a credential |

A bootstrap token opens nothing else: it is no way to log in.
"""

from __future__ import annotations

from typing import Any, Final

from headwater.apis.sync.v1alpha1.credentials import CREDENTIALS_SERVICE, CREDENTIALS_SUBRESOURCE
from headwater.apis.sync.v1alpha1.identity import (
    BOOTSTRAP_PREFIX,
    SYNCERS_GROUP,
    SyncerIdentity,
    identity_of_user,
    parse_identity,
)
from headwater.apis.sync.v1alpha1.synctarget import GROUP, SYNC_TARGETS, VERSION
from headwater.apiserver.authn.interface import ALL_UNAUTHENTICATED, UserInfo
from headwater.apiserver.web.types import AnyResponse, Request, Response
from headwater.base import jsonio
from headwater.base.clock import Clock
from headwater.client.dynamic import ClusterClient
from headwater.controlplane.syncers.authenticator import EPOCH_EXTRA
from headwater.controlplane.syncers.tokens import SyncerTokens
from headwater.machinery import errors
from headwater.machinery.errors import BadRequest, Forbidden, MethodNotAllowed, NotFound
from headwater.machinery.gvk import GroupResource
from headwater.machinery.objects import Object
from headwater.machinery.timestamps import format_time
from headwater.virtual.credentials.issuing import (
    DEFAULT_BOOTSTRAP_SECONDS,
    DEFAULT_CREDENTIAL_SECONDS,
    CredentialIssuer,
    Issued,
)
from headwater.virtual.rights import Rights

SHORTEST_SECONDS: Final = 60
LONGEST_BOOTSTRAP_SECONDS: Final = 24 * 3600
LONGEST_CREDENTIAL_SECONDS: Final = 7 * 24 * 3600
_MAX_BODY_BYTES: Final = 32 * 1024
_MIN_CLAIMANT, _MAX_CLAIMANT = 16, 256
_VERBS: Final = {"bootstrap": "create", "revoke": "delete"}


class SyncerCredentials:
    """The virtual workspace. It acts with the server's own rights, so it asks for those of the caller first."""

    name: Final = CREDENTIALS_SERVICE

    def __init__(self, *, cluster_client: ClusterClient, tokens: SyncerTokens, clock: Clock) -> None:
        self._rights = Rights(cluster_client)
        self._issuer = CredentialIssuer(cluster_client, tokens, clock)
        self._clock = clock

    async def handle(self, request: Request, rest: str) -> AnyResponse:
        """Answer one request. Raises StatusError."""
        identity, action = _parse(rest)
        if request.method != "POST":
            raise MethodNotAllowed(f"{request.method} is not supported on credentials: they are asked for by POST")
        if action == "exchange":
            return await self._exchange(request, identity)
        if action == "renew":
            return await self._renew(request, identity)
        return await self._administer(request, identity, action)

    async def _administer(self, request: Request, identity: SyncerIdentity, action: str) -> Response:
        verb, user = _VERBS[action], request.user
        if not await self._rights.may(
            user, identity.cluster, verb, SYNC_TARGETS, identity.name, subresource=CREDENTIALS_SUBRESOURCE
        ):
            why = f'User "{user.name}" cannot {verb} credentials of it: access denied'
            raise errors.forbidden(GroupResource(GROUP, SYNC_TARGETS.resource), identity.name, why)
        if action == "revoke":
            await self._issuer.revoke(identity)
            return Response(body=jsonio.dumps({"kind": "Status", "apiVersion": "v1", "status": "Success"}))
        seconds = _seconds(await _body(request), DEFAULT_BOOTSTRAP_SECONDS, LONGEST_BOOTSTRAP_SECONDS)
        return self._answer(await self._issuer.bootstrap(identity, seconds))

    async def _exchange(self, request: Request, wanted: SyncerIdentity) -> Response:
        body = await _body(request)
        token, claimant = _text(body, "token"), _text(body, "claimant")
        if not _MIN_CLAIMANT <= len(claimant) <= _MAX_CLAIMANT:
            raise BadRequest(f"claimant must be a secret of {_MIN_CLAIMANT} to {_MAX_CLAIMANT} characters")
        seconds = _seconds(body, DEFAULT_CREDENTIAL_SECONDS, LONGEST_CREDENTIAL_SECONDS)
        claims = await self._issuer.genuine(token)
        # For the audit log: nobody is logged in, and yet it is known whose token this is.
        request.user = UserInfo(
            f"{BOOTSTRAP_PREFIX}:{claims.identity}", claims.identity.uid, (ALL_UNAUTHENTICATED,),
            {"authentication.kubernetes.io/credential-id": (f"JTI={claims.token_id}",)},
        )  # fmt: skip
        issued = await self._issuer.exchange(claims, wanted, token=token, claimant=claimant, seconds=seconds)
        return self._answer(issued)

    async def _renew(self, request: Request, wanted: SyncerIdentity) -> Response:
        user = request.user
        identity = identity_of_user(user.name) if SYNCERS_GROUP in user.groups else None
        epochs = user.extra.get(EPOCH_EXTRA, ())
        if identity is None or identity != wanted or identity.uid != user.uid or len(epochs) != 1:
            raise Forbidden(f'User "{user.name}" cannot renew the credential of this SyncTarget: access denied')
        seconds = _seconds(await _body(request), DEFAULT_CREDENTIAL_SECONDS, LONGEST_CREDENTIAL_SECONDS)
        return self._answer(await self._issuer.issue(identity, epochs[0], seconds))

    def _answer(self, issued: Issued) -> Response:
        left = int((issued.expires - self._clock.now()).total_seconds())
        status = {
            "token": issued.token,
            "expirationTimestamp": format_time(issued.expires),
            "expiresInSeconds": max(left, 0),
        }
        made = {"kind": "SyncerCredential", "apiVersion": f"{GROUP}/{VERSION}", "status": status}
        return Response(201, jsonio.dumps(made), headers=(("cache-control", "no-store"),))


def _parse(rest: str) -> tuple[SyncerIdentity, str]:
    """Raises NotFound for anything else, as for a URL that nothing serves."""
    parts = rest.split("/")
    identity = parse_identity(":".join(parts[1:4])) if len(parts) == 5 and not parts[0] else None
    if identity is None or parts[4] not in (*_VERBS, "exchange", "renew"):
        raise NotFound("the server could not find the requested resource")
    return identity, parts[4]


async def _body(request: Request) -> Object:
    content = await request.body(_MAX_BODY_BYTES)
    try:
        body: Any = jsonio.loads(content) if content else {}
    except ValueError:
        raise BadRequest("the body is not JSON") from None
    if not isinstance(body, dict):
        raise BadRequest("the body is not an object")
    return body


def _text(body: Object, field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{field} is required")
    return value


def _seconds(body: Object, default: int, longest: int) -> int:
    value = body.get("expirationSeconds", default)
    if isinstance(value, bool) or not isinstance(value, int) or not SHORTEST_SECONDS <= value <= longest:
        raise BadRequest(f"expirationSeconds must be {SHORTEST_SECONDS} to {longest}")
    return value
