"""Virtual workspaces: filtered and transformed views of many logical clusters, served under `/services/<name>/`."""
