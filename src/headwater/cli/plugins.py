"""Entry points of the kubectl plugins: `kubectl ws` and `kubectl workload`."""

from __future__ import annotations


def workspace_main() -> None:
    """`kubectl ws ...`, found by kubectl as `kubectl-ws`."""
    from headwater.cli.workspace.command import workspace

    workspace(prog_name="kubectl ws")


def workload_main() -> None:
    """`kubectl workload ...`, found by kubectl as `kubectl-workload`: the sync-target commands."""
    from headwater.cli.synctarget.command import sync_target

    sync_target(prog_name="kubectl workload")
