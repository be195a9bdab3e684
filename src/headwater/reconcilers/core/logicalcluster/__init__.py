"""LogicalCluster: from Initializing to Ready, and the deletion of all that is in it."""
