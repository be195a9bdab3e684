"""Downstream to upstream: reports the status of copies through the virtual workspace."""

from headwater.syncer.status.controller import StatusSyncer

__all__ = ["StatusSyncer"]
