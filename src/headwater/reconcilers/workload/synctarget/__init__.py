"""SyncTarget controller: key, home cluster, virtual workspace URLs, resources of its exports, and heartbeat."""
