"""Controllers of workspaces: from the Workspace object to a ready logical cluster, and back to nothing."""
