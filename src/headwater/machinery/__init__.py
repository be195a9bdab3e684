"""Kubernetes' vocabulary without I/O: objects, kinds, errors, selectors, conditions, names and quantities."""
