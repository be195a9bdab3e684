"""Location status: counts the SyncTargets of each Location, and keeps a default Location in place."""
