"""core.kcp.io/v1alpha1."""

from headwater.apis.core.v1alpha1.logicalcluster import LOGICAL_CLUSTER
from headwater.apis.core.v1alpha1.shard import SHARD

KINDS = (LOGICAL_CLUSTER, SHARD)

__all__ = ["KINDS", "LOGICAL_CLUSTER", "SHARD"]
