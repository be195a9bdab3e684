"""Small tools without a Kubernetes word: clock, ids, JSON, YAML, task groups."""
