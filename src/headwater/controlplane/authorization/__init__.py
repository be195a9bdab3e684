"""Who may do what in a logical cluster: access to it, limits set by exporters, and RBAC of two logical clusters."""
