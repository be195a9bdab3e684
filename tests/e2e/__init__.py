"""Real processes, real kubectl."""
