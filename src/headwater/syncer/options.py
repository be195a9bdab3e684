"""Settings of a syncer."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from headwater.machinery.names import is_dns1123_label, is_dns1123_subdomain
from headwater.syncer.spec.brake import BrakeSettings

DEFAULT_HEARTBEAT_SECONDS: Final = 20.0
SHORTEST_HEARTBEAT_SECONDS: Final = 1.0
"""Times in objects have whole seconds, so more heartbeats would look the same."""
LONGEST_HEARTBEAT_SECONDS: Final = 600.0
DEFAULT_API_IMPORT_POLL_SECONDS: Final = 60.0
SHORTEST_API_IMPORT_POLL_SECONDS: Final = 1.0
LONGEST_API_IMPORT_POLL_SECONDS: Final = 3600.0
DEFAULT_NAMESPACE_CLEAN_DELAY_SECONDS: Final = 30.0
DEFAULT_WORKERS: Final = 32
DEFAULT_QPS: Final = 1000.0
DEFAULT_BURST: Final = 2000
DEFAULT_CREDENTIAL_HOURS: Final = 24.0


DEFAULT_CLUSTER_DOMAIN: Final = "cluster.local"
_LONGEST_DOMAIN: Final = 150
_DOMAIN: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*")


class OptionsError(ValueError):
    """Settings that can't work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncerOptions:
    """How a syncer reaches both sides, and for which SyncTarget.

    ``from_*`` is upstream, the control plane; ``to_*`` is downstream, the pcluster, by default the one that the
    process runs in. ``from_cluster`` is the workspace of the SyncTarget, by name or path; empty takes it from the
    server URL of the kubeconfig. ``report_capacity`` is about reading nodes and pods of the pcluster.
    Every ``api_import_poll_seconds`` it is looked at what the pcluster serves, and allows.
    ``upsync_pods`` and ``upsync_events`` are about showing its pods and events upstream, and ``tunnel`` lets the
    control plane's users reach those pods. ``health_address`` is `host:port` for `/healthz`, `/readyz` and `/metrics`.
    ``qps`` and ``burst`` bound the writes to each side, 0 doesn't. With a ``lease_namespace`` on the pcluster one of
    several syncers leads.

    When the kubeconfig holds a bootstrap token the syncer keeps the credential that it gets for it in a Secret of the
    pcluster (``credentials_secret``, `[namespace/]name`), or in a directory, by default beside the kubeconfig.

    With a ``dns_image`` each workspace gets a resolver of its own, which runs in ``own_namespace``; ``cluster_domain``
    is the pcluster's DNS domain. With ``isolate_tenants`` network policies keep workspaces apart; ``pod_cidrs`` are
    the ranges of the pcluster's pods and Services. Where these were once and were taken back, as "" and False say,
    what was made for them is removed; None leaves alone whatever is there.

    ``otlp_endpoint`` is the URL of a collector of traces; "" asks OpenTelemetry's environment variables.
    """

    sync_target_name: str
    sync_target_uid: str
    from_kubeconfig: Path
    from_context: str = ""
    from_cluster: str = ""
    to_kubeconfig: Path | None = None
    to_context: str = ""
    heartbeat_seconds: float = DEFAULT_HEARTBEAT_SECONDS
    api_import_poll_seconds: float = DEFAULT_API_IMPORT_POLL_SECONDS
    namespace_clean_delay_seconds: float = DEFAULT_NAMESPACE_CLEAN_DELAY_SECONDS
    workers: int = DEFAULT_WORKERS
    report_capacity: bool = True
    upsync_pods: bool = True
    upsync_events: bool = True
    health_address: str = ""
    qps: float = DEFAULT_QPS
    burst: int = DEFAULT_BURST
    lease_namespace: str = ""
    brake: BrakeSettings = field(default_factory=BrakeSettings)
    tunnel: bool = True
    credentials_dir: Path | None = None
    credentials_secret: str = ""
    credential_hours: float = DEFAULT_CREDENTIAL_HOURS
    dns_image: str | None = None
    own_namespace: str = ""
    cluster_domain: str = DEFAULT_CLUSTER_DOMAIN
    isolate_tenants: bool | None = None
    pod_cidrs: tuple[str, ...] = ()
    otlp_endpoint: str = ""

    def check(self) -> None:
        """Raise OptionsError for settings that can't work, naming the flag."""
        for flag, value in (("--sync-target-name", self.sync_target_name), ("--sync-target-uid", self.sync_target_uid)):
            if not value:
                raise OptionsError(f"{flag} is required")
        if not SHORTEST_HEARTBEAT_SECONDS <= self.heartbeat_seconds <= LONGEST_HEARTBEAT_SECONDS:
            span = f"{SHORTEST_HEARTBEAT_SECONDS:g} to {LONGEST_HEARTBEAT_SECONDS:g}"
            raise OptionsError(f"--heartbeat-interval must be {span} seconds")
        if not SHORTEST_API_IMPORT_POLL_SECONDS <= self.api_import_poll_seconds <= LONGEST_API_IMPORT_POLL_SECONDS:
            span = f"{SHORTEST_API_IMPORT_POLL_SECONDS:g} to {LONGEST_API_IMPORT_POLL_SECONDS:g}"
            raise OptionsError(f"--api-import-poll-interval must be {span} seconds")
        for flag, seconds in (
            ("--downstream-namespace-clean-delay", self.namespace_clean_delay_seconds),
            ("--deletion-brake-window", self.brake.window_seconds),
            ("--qps", self.qps),
        ):
            if not math.isfinite(seconds):
                raise OptionsError(f"{flag} must be a finite number")
        if self.namespace_clean_delay_seconds < 0:
            raise OptionsError("--downstream-namespace-clean-delay must not be negative")
        if not 0 <= self.brake.share <= 1:
            raise OptionsError("--deletion-brake-share must be from 0 to 1")
        if self.brake.count < 0:
            raise OptionsError("--deletion-brake-count must not be negative")
        if self.brake.window_seconds <= 0:
            raise OptionsError("--deletion-brake-window must be positive")
        if self.qps < 0 or self.burst < 1:
            raise OptionsError("--qps must not be negative, and --burst must be at least 1")
        if self.credentials_dir is not None and self.credentials_secret:
            raise OptionsError("--credentials-dir and --credentials-secret exclude each other")
        space, _, secret = self.credentials_secret.rpartition("/")
        if secret and not (is_dns1123_subdomain(secret) and (not space or is_dns1123_label(space))):
            raise OptionsError(f"--credentials-secret {self.credentials_secret!r} is not [NAMESPACE/]NAME")
        if self.lease_namespace and not is_dns1123_label(self.lease_namespace):
            raise OptionsError(f"--lease-namespace {self.lease_namespace!r} is no name of a namespace")
        if not 1 / 60 <= self.credential_hours <= 7 * 24:
            raise OptionsError("--credential-lifetime must be a minute to 168 hours")
        check_cluster_domain(self.cluster_domain)
        if self.workers < 1:
            raise OptionsError("--workers must be at least 1")


def check_cluster_domain(domain: str) -> None:
    """Raise OptionsError for what can't be the DNS domain of a cluster."""
    if len(domain) > _LONGEST_DOMAIN or not _DOMAIN.fullmatch(domain):
        raise OptionsError(f"--cluster-domain {domain!r} is no DNS domain in lower case")
