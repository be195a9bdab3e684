"""The kinds that a Kubernetes API server knows by itself, and their strategies."""
