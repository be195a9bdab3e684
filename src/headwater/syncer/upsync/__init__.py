"""Downstream to upstream, objects and not only their status: pods, endpoints, volumes, and what else is marked."""

from headwater.syncer.upsync.controller import Upsync

__all__ = ["Upsync"]
