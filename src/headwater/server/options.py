"""What `headwater start` can be told, grouped as its help shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_ROOT_DIRECTORY = Path(".headwater")
DEFAULT_SECURE_PORT = 6443


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingOptions:
    """Where the server listens, and under which name others reach it (by default the address it listens on)."""

    bind_address: str = "127.0.0.1"
    secure_port: int = DEFAULT_SECURE_PORT
    external_hostname: str = ""
    shutdown_grace_seconds: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationOptions:
    """Ways to authenticate beyond the server's own: a token file as Kubernetes has it, and another CA for clients."""

    token_auth_file: Path | None = None
    client_ca_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerOptions:
    """Whether controllers and virtual workspaces run in this process, and when a SyncTarget counts as silent.

    Workloads begin to move at `move_rate` a second at most, after a quiet time `move_burst` at once.
    """

    run_controllers: bool = True
    run_virtual_workspaces: bool = True
    heartbeat_threshold_seconds: float | None = None
    move_rate: float = 20.0
    move_burst: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Everything. `store` is a URL as `storage.factory` takes it; "" keeps a SQLite file in the root directory.

    `kubeconfig` is where the administrator's kubeconfig is written; None puts it into the root directory.
    `otlp_endpoint` is the URL of a collector of traces; "" asks OpenTelemetry's environment variables.
    """

    root_directory: Path = DEFAULT_ROOT_DIRECTORY
    store: str = ""
    kubeconfig: Path | None = None
    audit_log: Path | None = None
    otlp_endpoint: str = ""
    serving: ServingOptions = field(default_factory=ServingOptions)
    authentication: AuthenticationOptions = field(default_factory=AuthenticationOptions)
    controllers: ControllerOptions = field(default_factory=ControllerOptions)
