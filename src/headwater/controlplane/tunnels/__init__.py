"""Access to pods through the tunnels that agents open: who may, which tunnel leads there, and for how long."""
