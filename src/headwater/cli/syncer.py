"""`headwater syncer`: run the agent of one pcluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from headwater.cli.failure import CommandFailed
from headwater.cli.logs import log_options
from headwater.cli.main import CommandBeside
from headwater.cli.ranges import FiniteRange
from headwater.cli.tenantflags import NOTHING_FOR_TENANTS, TenantFlags, tenant_options

_BESIDE = {"dns": ("headwater.cli.resolver:resolver", "Run the resolver of one workspace on a pcluster.")}


@click.command(cls=CommandBeside, table=_BESIDE, invoke_without_command=True, help="Run the agent of one pcluster.")
@click.option(
    "--from-kubeconfig", type=click.Path(path_type=Path), required=True, help="Kubeconfig of the control plane."
)
@click.option("--from-context", default="", help="Its context; the current one by default.")
@click.option("--from-cluster", required=True, help="Logical cluster of the SyncTarget, by name or path.")
@click.option(
    "--to-kubeconfig", type=click.Path(path_type=Path), help="Kubeconfig of the pcluster; in-cluster by default."
)
@click.option("--to-context", default="", help="Its context; the current one by default.")
@click.option("--sync-target-name", required=True, help="Name of the SyncTarget.")
@click.option("--sync-target-uid", required=True, help="UID of the SyncTarget; another one is refused.")
@click.option("--heartbeat-interval", type=FiniteRange(1, 600), default=20.0, show_default=True,
              help="Seconds between heartbeats; at most a third of the control plane's threshold.")  # fmt: skip
@click.option("--api-import-poll-interval", type=FiniteRange(1, 3600), default=60.0, show_default=True,
              help="Seconds between looks at the resources, schemas and rights that the pcluster offers.")  # fmt: skip
@click.option("--downstream-namespace-clean-delay", type=FiniteRange(0), default=30.0, show_default=True,
              help="Seconds before an empty downstream namespace is deleted.")  # fmt: skip
@click.option("--report-capacity/--no-report-capacity", default=True, show_default=True,
              help="Whether to report capacity, which takes rights to read nodes and pods.")  # fmt: skip
@click.option("--workers", type=click.IntRange(1), default=32, show_default=True, help="Requests under way at once.")
@click.option("--qps", type=FiniteRange(0), default=1000.0, show_default=True,
              help="Writes to each side in a second on average; 0 for no limit.")  # fmt: skip
@click.option("--burst", type=click.IntRange(1), default=2000, show_default=True,
              help="Writes to each side that may come at once.")  # fmt: skip
@click.option("--lease-namespace", default="",
              help="Namespace on the pcluster of the Lease by which one syncer leads; none by default.")  # fmt: skip
@click.option("--deletion-brake-share", type=FiniteRange(0, 1), default=0.5, show_default=True,
              help="Share of all copies whose deletion in the window is held until a person allows it.")  # fmt: skip
@click.option("--deletion-brake-count", type=click.IntRange(0), default=50, show_default=True,
              help="So many deletions within the window are never held, whatever their share.")  # fmt: skip
@click.option("--deletion-brake-window", type=FiniteRange(0, min_open=True), default=600.0, show_default=True,
              help="Seconds in which deletions are counted.")  # fmt: skip
@click.option("--upsync-pods/--no-upsync-pods", default=True, show_default=True,
              help="Whether pods are shown upstream.")  # fmt: skip
@click.option("--upsync-events/--no-upsync-events", default=True, show_default=True,
              help="Whether events of the pcluster are shown upstream.")  # fmt: skip
@click.option("--health-address", default="", help="host:port for /healthz, /readyz and /metrics; none by default.")
@click.option("--tunnel/--no-tunnel", default=True, show_default=True,
              help="Let users of workspaces reach their pods: logs, exec, attach, port-forward, cp.")  # fmt: skip
@click.option("--credentials-dir", type=click.Path(path_type=Path),
              help="Where to keep the credential for a bootstrap token; else beside the kubeconfig.")  # fmt: skip
@click.option("--credentials-secret", default="", metavar="[NAMESPACE/]NAME",
              help="Keep it in this Secret of the pcluster instead, which has to be there.")  # fmt: skip
@click.option("--credential-lifetime", type=FiniteRange(1 / 60, 168), default=24.0, show_default=True,
              help="Hours that a credential counts; it is renewed after two thirds.")  # fmt: skip
@tenant_options
@click.option("--otlp-endpoint", default="", metavar="URL",
              help="Collector that traces are sent to by OTLP over HTTP; by default what "
              "OTEL_EXPORTER_OTLP_ENDPOINT says, else none.")  # fmt: skip
@log_options
def syncer(
    heartbeat_interval: float,
    api_import_poll_interval: float,
    downstream_namespace_clean_delay: float,
    deletion_brake_share: float,
    deletion_brake_count: int,
    deletion_brake_window: float,
    credential_lifetime: float,
    tenants: TenantFlags,
    **as_they_are: Any,
) -> None:
    """Check the settings, then work until told to stop."""
    from headwater.base.collector import expect_many_objects
    from headwater.base.loop import run_service
    from headwater.client.connection import ConfigError
    from headwater.syncer.options import OptionsError, SyncerOptions
    from headwater.syncer.run import run
    from headwater.syncer.spec.brake import BrakeSettings
    from headwater.syncer.target.find import WrongSyncTarget
    from headwater.telemetry.tracing import TracingError

    options = SyncerOptions(
        heartbeat_seconds=heartbeat_interval,
        api_import_poll_seconds=api_import_poll_interval,
        namespace_clean_delay_seconds=downstream_namespace_clean_delay,
        brake=BrakeSettings(
            share=deletion_brake_share, count=deletion_brake_count, window_seconds=deletion_brake_window
        ),
        credential_hours=credential_lifetime,
        **tenants.over(NOTHING_FOR_TENANTS).options(),
        **as_they_are,
    )
    expect_many_objects()
    try:
        run_service(run(options))
    except (OptionsError, ConfigError, TracingError, WrongSyncTarget) as error:
        raise CommandFailed(str(error)) from error
