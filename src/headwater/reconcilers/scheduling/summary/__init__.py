"""Status summary: one status on the upstream object from what several targets report."""
