"""What operators see: structured logs, metrics and health checks. Importing it costs next to nothing."""
