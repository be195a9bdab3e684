"""Entry points of the kubectl plugins: `kubectl ws` and `kubectl workload`."""

from __future__ import annotations

import sys


def workspace_main() -> None:
    """`kubectl ws ...`, found by kubectl as `kubectl-ws`."""
    from headwater.cli.workspace.command import workspace

    workspace(prog_name="kubectl ws")


def workload_main() -> None:
    """`kubectl workload ...`, found by kubectl as `kubectl-workload`."""
    from headwater.cli.workload import workload

    workload(prog_name="kubectl workload")


def workspace_complete() -> None:
    """Completes `kubectl ws ...`, found by kubectl as `kubectl_complete-ws`."""
    from headwater.cli.completing import print_cobra_completions
    from headwater.cli.workspace.command import workspace

    print_cobra_completions(workspace, "kubectl ws", sys.argv[1:])


def workload_complete() -> None:
    """Completes `kubectl workload ...`, found by kubectl as `kubectl_complete-workload`."""
    from headwater.cli.completing import print_cobra_completions
    from headwater.cli.workload import workload

    print_cobra_completions(workload, "kubectl workload", sys.argv[1:])
