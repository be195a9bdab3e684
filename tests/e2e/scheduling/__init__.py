"""Where workloads run, how they move, and what their users see of it: real processes, real kubectl."""
