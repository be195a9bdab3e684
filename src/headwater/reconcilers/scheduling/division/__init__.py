"""Division of replicas: what of a workload is divided, and the spec diffs that give each target its share."""
