"""The control plane put together: one process with API server, controllers and virtual workspaces."""
