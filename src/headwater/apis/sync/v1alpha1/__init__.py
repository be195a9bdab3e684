"""Version v1alpha1 of `sync.kcp.io`."""
