"""The `sync.kcp.io` API group: pclusters that workloads can be synced to."""
