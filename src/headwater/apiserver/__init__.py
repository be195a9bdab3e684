"""Generic Kubernetes API server: filters, authn/z, admission, registry, discovery, handlers."""
