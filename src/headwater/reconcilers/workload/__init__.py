"""Controllers that give SyncTargets their life: key, URLs, resources, heartbeat."""
