"""`headwater sync-target` and `kubectl workload`: the commands of those who own pclusters."""
