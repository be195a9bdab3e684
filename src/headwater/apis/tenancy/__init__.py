"""tenancy.kcp.io: workspaces and their types."""
