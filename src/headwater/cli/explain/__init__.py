"""`headwater explain`: why a workload runs where it does, and what would admit it elsewhere."""
