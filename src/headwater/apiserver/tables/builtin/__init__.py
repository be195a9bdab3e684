"""Rows of the kinds that Kubernetes prints by itself, whether they are served as builtin or as custom resources."""
