"""Autoscalers of divided workloads: each pcluster gets its part of the bounds, and scales within it."""
