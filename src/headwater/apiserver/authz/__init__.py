"""Authorization: role-based access control, groups and paths that are always allowed, and the escalation check."""
