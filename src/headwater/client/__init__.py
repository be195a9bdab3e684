"""Cluster-aware Kubernetes client: transport, dynamic client, informers and work queues."""
