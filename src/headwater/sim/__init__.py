"""Simulated pclusters: real Kubernetes API servers with small honest controllers and no containers.

A simulated pcluster knows nothing of Headwater: it can be managed like any other cluster, and says that it is simulated
wherever a person looks. `run` starts a fleet of them.
"""
