"""Downstream namespaces: one for each upstream namespace and SyncTarget, made on demand and cleaned up late."""
