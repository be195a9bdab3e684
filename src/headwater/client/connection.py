"""What it takes to reach an API server: address, trust and credentials; and where pods find theirs."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

_SERVICE_ACCOUNT_DIRECTORY: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class ConfigError(Exception):
    """Settings that can't lead to a connection: a missing file, an unknown context, an unsupported credential."""


class TokenSource(Protocol):
    """Where a bearer token comes from that changes while connections are open."""

    def token(self) -> str:
        """The token for the next request; "" for none."""
        ...

    def refused(self) -> None:
        """The server answered 401 to a request with it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSettings:
    """How to reach one API server. Secrets stay out of its repr.

    ``server`` may carry a path, which then prefixes every request. PEM data is used as it is; ``token_file`` is read
    again when it changes, and ``token_source`` is asked for each request. With neither CA nor
    ``insecure_skip_tls_verify`` the system's trust store decides.
    """

    server: str
    ca_data: bytes = b""
    tls_server_name: str = ""
    insecure_skip_tls_verify: bool = False
    client_certificate_data: bytes = b""
    client_key_data: bytes = field(default=b"", repr=False)
    token: str = field(default="", repr=False)
    token_file: Path | None = None
    token_source: TokenSource | None = field(default=None, repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    proxy_url: str = ""
    namespace: str = "default"


def in_cluster_settings(directory: Path = _SERVICE_ACCOUNT_DIRECTORY) -> ConnectionSettings:
    """Settings of a pod that talks to the API server of its own cluster. Raises ConfigError outside of one."""
    host = os.environ.get("KUBERNETES_SERVICE_HOST", "")
    port = os.environ.get("KUBERNETES_SERVICE_PORT", "")
    token_file = directory / "token"
    if not host or not port or not token_file.exists():
        raise ConfigError("not running in a pod: KUBERNETES_SERVICE_HOST or the service account token is missing")
    if ":" in host:
        host = f"[{host}]"
    ca = directory / "ca.crt"
    namespace = directory / "namespace"
    return ConnectionSettings(
        server=f"https://{host}:{port}",
        ca_data=ca.read_bytes() if ca.exists() else b"",
        token_file=token_file,
        namespace=namespace.read_text().strip() if namespace.exists() else "default",
    )
