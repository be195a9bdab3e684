"""What a new control plane starts with: the root workspace, its types, exports and rights, and the compute export."""
