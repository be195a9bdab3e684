"""The agent's end of tunnels: opens them, and lets requests for pods of its own workspaces through to the pcluster."""

from headwater.syncer.access.tunneler import Access, Tunneler

__all__ = ["Access", "Tunneler"]
