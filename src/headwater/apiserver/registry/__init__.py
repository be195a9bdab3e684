"""Object store: what a write means in Kubernetes terms, on top of the byte storage."""
