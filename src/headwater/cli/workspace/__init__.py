"""`kubectl ws`: show, change and create workspaces, as kcp's plugin does."""
