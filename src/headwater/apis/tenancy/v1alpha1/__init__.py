"""tenancy.kcp.io/v1alpha1."""

from headwater.apis.tenancy.v1alpha1.workspace import WORKSPACE
from headwater.apis.tenancy.v1alpha1.workspacetype import WORKSPACE_TYPE

KINDS = (WORKSPACE, WORKSPACE_TYPE)

__all__ = ["KINDS", "WORKSPACE", "WORKSPACE_TYPE"]
