"""The SyncTarget: what is to be synced, whether the pcluster allows it, and signs of life."""
