"""The sync-target command group."""

from __future__ import annotations

from collections.abc import Mapping

from headwater.cli.main import LazyGroup

_HERE = "headwater.cli.synctarget"

SYNC_TARGET_COMMANDS: Mapping[str, tuple[str, str]] = {
    "create": (f"{_HERE}.create:create", "Register a pcluster and write the manifests of its syncer."),
    "sync": (f"{_HERE}.create:create", "The same as create, under kcp's name."),
    "manifest": (f"{_HERE}.manifest:manifest", "Write the manifests of a syncer again, with the rights it needs now."),
    "adopt": (f"{_HERE}.adopt:adopt", "Take over what an earlier SyncTarget of the name left on its pcluster."),
    "list": (f"{_HERE}.listing:list_targets", "List the pclusters of a workspace."),
    "cordon": (f"{_HERE}.cordon:cordon", "Keep new workloads off pclusters."),
    "uncordon": (f"{_HERE}.cordon:uncordon", "Let workloads onto pclusters again."),
    "drain": (f"{_HERE}.drain:drain", "Move all workloads away from pclusters."),
    "taint": (f"{_HERE}.taint:taint", "Put taints on pclusters, or take them off."),
    "token": (f"{_HERE}.credentials:token", "Give the syncer of a pcluster a new bootstrap token."),
    "revoke": (f"{_HERE}.credentials:revoke", "Void all credentials of the syncer of a pcluster."),
    "edit": (f"{_HERE}.edit:edit", "Change the SyncTarget of a pcluster in an editor."),
}

sync_target = LazyGroup(
    table=SYNC_TARGET_COMMANDS,
    name="sync-target",
    help="Register, list, cordon, taint and drain pclusters.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
