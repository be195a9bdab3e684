"""SyncTarget controller: key label, home cluster, virtual workspace URLs, and the resources of its exports."""
