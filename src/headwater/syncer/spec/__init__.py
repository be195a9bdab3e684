"""Upstream to downstream: claims objects, applies them, repairs drift, and deletes on a positive sign only."""

from headwater.syncer.spec.controller import SpecSyncer

__all__ = ["SpecSyncer"]
