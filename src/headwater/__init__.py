"""Headwater: transparent multi-cluster for Kubernetes."""
