"""Controllers of logical clusters."""
