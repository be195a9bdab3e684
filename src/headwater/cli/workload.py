"""The command group behind `kubectl workload`: what kcp has there, and what is about workloads besides."""

from __future__ import annotations

from headwater.cli.main import COMMANDS, LazyGroup
from headwater.cli.synctarget.command import SYNC_TARGET_COMMANDS

workload = LazyGroup(
    table={**SYNC_TARGET_COMMANDS, **{name: COMMANDS[name] for name in ("placements", "explain", "plan", "bind")}},
    name="workload",
    help="Register, list, cordon, taint and drain pclusters; place workloads, say where they run and why, and what a "
    "change would do.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
