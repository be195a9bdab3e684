"""Version v1alpha1 of `placement.kcp.io`."""
