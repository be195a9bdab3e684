"""Who may log in to a control plane: client certificates, tokens from files, service accounts, and syncers."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.apiserver.authn.accounts import CacheLookup, ServiceAccountAuthenticator
from headwater.apiserver.authn.interface import Authenticator, TokenAuthenticator
from headwater.apiserver.authn.statictokens import StaticTokens, read_token_file
from headwater.apiserver.authn.tokens import SigningKey, TokenIssuer
from headwater.apiserver.authn.union import BearerTokenAuthenticator, UnionAuthenticator, UnionTokenAuthenticator
from headwater.apiserver.authn.x509 import CertificateAuthenticator
from headwater.apiserver.pemfiles import KeyPair
from headwater.base.clock import Clock
from headwater.controlplane.syncers.authenticator import SyncerAuthenticator
from headwater.controlplane.syncers.tokens import SyncerTokens
from headwater.server.admin import AdminTokens
from headwater.server.options import AuthenticationOptions
from headwater.storage.watchcache import CacheSet

ISSUER = "https://kcp.default.svc"


@dataclass(frozen=True, slots=True)
class Authentication:
    """Everything about identities that the server is built from."""

    authenticator: Authenticator
    tokens: TokenAuthenticator
    issuer: TokenIssuer
    lookup: CacheLookup
    syncer_tokens: SyncerTokens
    syncers: SyncerAuthenticator


def build_authentication(
    options: AuthenticationOptions,
    *,
    admin: AdminTokens,
    signing: KeyPair,
    caches: CacheSet,
    sync_identity: str,
    clock: Clock,
) -> Authentication:
    """``sync_identity`` is that of the export of SyncTargets. Raises TokenFileError, CertificateError."""
    static = StaticTokens(read_token_file(options.token_auth_file) if options.token_auth_file else ())
    admin.register(static)
    issuer = TokenIssuer(SigningKey(signing.certificate_pem(), signing.key_pem()), issuer=ISSUER, clock=clock)
    lookup = CacheLookup(caches)
    accounts = ServiceAccountAuthenticator(issuer, lookup, clock=clock, show_cluster=True)
    syncer_tokens = SyncerTokens(issuer, clock=clock)
    syncers = SyncerAuthenticator(syncer_tokens, caches, sync_identity=sync_identity, clock=clock)
    # Syncers tell at a glance what is none of theirs; service accounts ask a thread about each token they don't know.
    tokens = UnionTokenAuthenticator([static, syncers, accounts])
    authenticator = UnionAuthenticator([CertificateAuthenticator(), BearerTokenAuthenticator(tokens)])
    return Authentication(authenticator, tokens, issuer, lookup, syncer_tokens, syncers)
