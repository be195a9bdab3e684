"""The administrator's credentials: two tokens, and the kubeconfig that carries them."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headwater.apiserver.authn.interface import PRIVILEGED_GROUP, UserInfo
from headwater.apiserver.authn.statictokens import StaticTokens
from headwater.apiserver.pemfiles import read_text, write_private
from headwater.base.ids import new_uid
from headwater.client.connection import ConfigError
from headwater.client.kubeconfig import Kubeconfig, embed, load_file
from headwater.controlplane.authorization.roles import ADMIN_CLUSTER
from headwater.controlplane.clusters.administrators import KCP_ADMIN_GROUP
from headwater.machinery.logicalcluster import ROOT

ADMIN_USER: Final = "kcp-admin"
SHARD_ADMIN_USER: Final = "shard-admin"
ROOT_CONTEXT: Final = "root"
BASE_CONTEXT: Final = "base"
SHARD_BASE_CONTEXT: Final = "shard-base"


@dataclass(frozen=True, slots=True)
class AdminTokens:
    """Bearer tokens: the administrator's is new at each start, the shard administrator's stays."""

    admin: str
    shard_admin: str

    def register(self, tokens: StaticTokens) -> None:
        """Let the server know them."""
        tokens.add(self.admin, UserInfo(ADMIN_USER, uid=ADMIN_USER, groups=(KCP_ADMIN_GROUP,)))
        tokens.add(self.shard_admin, UserInfo(SHARD_ADMIN_USER, uid=SHARD_ADMIN_USER, groups=(PRIVILEGED_GROUP,)))


def load_tokens(token_store: Path, kubeconfig: Path) -> AdminTokens:
    """The tokens of this start.

    The server keeps only the hash of the shard administrator's token; the token itself stays in the kubeconfig. When
    that was lost or changed a new token is made. Raises CertificateError when the hash can't be stored.
    """
    known = read_text(token_store).strip() if token_store.exists() else ""
    token = _kept_token(kubeconfig)
    if not token or not hmac.compare_digest(_digest(token), known):
        token = new_uid()
        write_private(token_store, _digest(token) + "\n")
    return AdminTokens(admin=new_uid(), shard_admin=token)


def write_kubeconfig(path: Path, tokens: AdminTokens, *, server: str, ca_pem: str) -> None:
    """Write the kubeconfig with the contexts that `kcp start` writes. Raises ConfigError."""
    ca = embed(ca_pem.encode())
    config = Kubeconfig()
    servers = (
        (ROOT_CONTEXT, f"{server}/clusters/{ROOT}"),
        (BASE_CONTEXT, server),
        (ADMIN_CLUSTER, f"{server}/clusters/{ADMIN_CLUSTER}"),
    )
    for name, url in servers:
        config.clusters[name] = {"server": url, "certificate-authority-data": ca}
    config.users[ADMIN_USER] = {"token": tokens.admin}
    config.users[SHARD_ADMIN_USER] = {"token": tokens.shard_admin}
    contexts = (
        (ROOT_CONTEXT, ROOT_CONTEXT, ADMIN_USER),
        (BASE_CONTEXT, BASE_CONTEXT, ADMIN_USER),
        (ADMIN_CLUSTER, ADMIN_CLUSTER, SHARD_ADMIN_USER),
        (SHARD_BASE_CONTEXT, BASE_CONTEXT, SHARD_ADMIN_USER),
    )
    for name, cluster, user in contexts:
        config.contexts[name] = {"cluster": cluster, "user": user}
    config.current_context = ROOT_CONTEXT
    config.save(path)


def _kept_token(kubeconfig: Path) -> str:
    if not kubeconfig.exists():
        return ""
    try:
        return str(load_file(kubeconfig).users.get(SHARD_ADMIN_USER, {}).get("token", ""))
    except ConfigError:
        return ""


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
