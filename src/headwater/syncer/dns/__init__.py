"""DNS of a workspace on a pcluster: a resolver that knows the workspace's names, and those who deploy it."""
