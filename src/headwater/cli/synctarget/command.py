"""The sync-target command group."""

from __future__ import annotations

from headwater.cli.main import LazyGroup

_HERE = "headwater.cli.synctarget"

sync_target = LazyGroup(
    table={
        "create": (f"{_HERE}.create:create", "Register a pcluster and write the manifests of its syncer."),
        "sync": (f"{_HERE}.create:create", "The same as create, under kcp's name."),
        "list": (f"{_HERE}.listing:list_targets", "List the pclusters of a workspace."),
        "cordon": (f"{_HERE}.cordon:cordon", "Keep new workloads off a pcluster."),
        "uncordon": (f"{_HERE}.cordon:uncordon", "Let workloads onto a pcluster again."),
        "drain": (f"{_HERE}.cordon:drain", "Move all workloads away from a pcluster."),
    },
    name="sync-target",
    help="Register, list, cordon and drain pclusters.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
