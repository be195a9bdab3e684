"""The resources that a simulated pcluster's controllers work on, and names that say that it is simulated."""

from __future__ import annotations

from typing import Final

from headwater.base.version import KUBERNETES_VERSION
from headwater.machinery.gvk import GroupVersionResource

PODS: Final = GroupVersionResource("", "v1", "pods")
NODES: Final = GroupVersionResource("", "v1", "nodes")
SERVICES: Final = GroupVersionResource("", "v1", "services")
ENDPOINTS: Final = GroupVersionResource("", "v1", "endpoints")
ENDPOINT_SLICES: Final = GroupVersionResource("discovery.k8s.io", "v1", "endpointslices")
LEASES: Final = GroupVersionResource("coordination.k8s.io", "v1", "leases")
CLAIMS: Final = GroupVersionResource("", "v1", "persistentvolumeclaims")
VOLUMES: Final = GroupVersionResource("", "v1", "persistentvolumes")
STORAGE_CLASSES: Final = GroupVersionResource("storage.k8s.io", "v1", "storageclasses")
DEPLOYMENTS: Final = GroupVersionResource("apps", "v1", "deployments")
REPLICA_SETS: Final = GroupVersionResource("apps", "v1", "replicasets")
STATEFUL_SETS: Final = GroupVersionResource("apps", "v1", "statefulsets")
DAEMON_SETS: Final = GroupVersionResource("apps", "v1", "daemonsets")
JOBS: Final = GroupVersionResource("batch", "v1", "jobs")
INGRESSES: Final = GroupVersionResource("networking.k8s.io", "v1", "ingresses")

SERVER_VERSION: Final = f"v{KUBERNETES_VERSION}+headwater-sim"
KUBELET_VERSION: Final = f"v{KUBERNETES_VERSION}-headwater-sim"

SIMULATED_LABEL: Final = "headwater.io/simulated"
BEHAVIOUR_ANNOTATION: Final = "headwater.io/sim-behaviour"
"""On a pod: `crash`, `pull` (no image), `unready` (runs, never ready) or `run` (whatever its image says)."""
START_SECONDS_ANNOTATION: Final = "headwater.io/sim-start-seconds"
RUN_SECONDS_ANNOTATION: Final = "headwater.io/sim-run-seconds"
"""On a pod whose restartPolicy isn't Always: how long its containers run before they succeed."""
