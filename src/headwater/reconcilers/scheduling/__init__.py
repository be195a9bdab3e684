"""Controllers that decide where workloads run, and say so on namespaces and objects."""
